import { parentPort, workerData } from "node:worker_threads";
import { assert } from "@weft/kernel";
import { studyOf } from "./studies/index.ts";
import type { Outcome, Prepared } from "./study.ts";

/** What a worker is told: one run. */
export interface RunOrder {
  readonly case: string;
  readonly seed: number;
}

/** What a worker tells. */
export type RunNews =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "finished"; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly message: string };

// Given its scenario once, a worker runs what it is told, one run after another.
const port = parentPort;
if (port !== null) {
  const prepared = workerData as Prepared;
  const study = studyOf(prepared.study);
  assert(study !== null, `no study ${prepared.study}`);
  const tell = (news: RunNews): void => port.postMessage(news);
  port.on("message", (order: RunOrder) => {
    try {
      const outcome = study.run(prepared.data, order.case, order.seed, (done) =>
        tell({ kind: "progress", done }),
      );
      tell({ kind: "finished", outcome });
    } catch (error) {
      tell({
        kind: "failed",
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  });
}
