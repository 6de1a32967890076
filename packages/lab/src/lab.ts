import { assert } from "@weft/kernel";
import { reportHtml } from "./report/html.ts";
import { type Finished, resultsOf } from "./results.ts";
import { fingerprintOf, RunFolder } from "./run-folder.ts";
import { type FailedRun, runAll } from "./runner.ts";
import { studyOf } from "./studies/index.ts";
import type { Conclusion, Prepared, Results } from "./study.ts";

export interface LabOptions {
  readonly seeds: readonly number[];
  readonly jobs: number;
  /** Folder under which the run's own is made. */
  readonly into: string;
  /** Such as 2026-11-22: the folder's name begins with it. */
  readonly date: string;
  /** The scenario's text, kept beside the results. */
  readonly source: string;
  /** The command that runs it again, without its seeds. */
  readonly replay: string;
  readonly signal?: AbortSignal;
  /** Share done, and how many of all runs were found finished already. */
  readonly onProgress?: (done: number) => void;
}

export interface LabRun {
  readonly folder: string;
  readonly results: Results;
  /** What the study concludes from them; null where it concludes nothing. */
  readonly conclusion: Conclusion | null;
  readonly failed: readonly FailedRun[];
  /** Runs that were finished before, and not run again. */
  readonly found: number;
  /** Runs still to be done: more than none only when it was stopped. */
  readonly left: number;
}

/**
 * Runs every case of a scenario under every seed, keeps each run as it finishes, and writes the reports over all
 * that the folder holds. Stopped and called again with the same scenario it goes on where it stopped.
 */
export async function runLab(prepared: Prepared, options: LabOptions): Promise<LabRun> {
  const study = studyOf(prepared.study);
  assert(study !== null, `no study ${prepared.study}`);
  const folder = RunFolder.open(options.into, options.date, prepared, options.source);
  const before = folder.finished(prepared.cases);
  const done = new Set(before.map((run) => `${run.case}\n${run.seed}`));
  const wanted = options.seeds.flatMap((seed) => prepared.cases.map((name) => ({ case: name, seed })));
  const orders = wanted.filter((order) => !done.has(`${order.case}\n${order.seed}`));
  const found = wanted.length - orders.length;
  const { finished, failed } = await runAll(prepared, orders, {
    jobs: options.jobs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onFinished: (run) => folder.keep(prepared.cases, run),
    onProgress: (share) => options.onProgress?.((found + share * orders.length) / Math.max(1, wanted.length)),
  });
  const all: Finished[] = [...before, ...finished];
  const results = resultsOf(prepared, fingerprintOf(prepared), study.metrics, all);
  folder.report(
    results,
    reportHtml(results, study, all, `${options.replay} --seeds ${seedsText(options.seeds)}`),
  );
  return {
    folder: folder.path,
    results,
    conclusion: study.conclude?.(results) ?? null,
    failed,
    found,
    left: orders.length - finished.length - failed.length,
  };
}

/** `1..20` for seeds in a row, else a list. */
function seedsText(seeds: readonly number[]): string {
  const [first, last] = [seeds[0], seeds.at(-1)];
  if (first === undefined || last === undefined) return "";
  if (seeds.length > 2 && last - first === seeds.length - 1) return `${first}..${last}`;
  return seeds.join(",");
}
