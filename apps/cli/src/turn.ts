import type { DominantShare, TurnView } from "@weft/service";
import { percent } from "./text.ts";

const OF: Readonly<Record<NonNullable<DominantShare["resource"]>, string>> = {
  logical: "logical computing power",
  parallel: "parallel computing power",
  neural: "neural computing power",
  memory: "memory",
  storage: "storage",
  throughput: "storage throughput",
  gpu: "GPU memory",
  npu: "NPU memory",
};

const holds = ({ share, resource }: DominantShare): string =>
  resource === null ? "holds nothing" : `holds ${percent(share)} of ${OF[resource]}`;

const count = (tasks: number, of = ""): string => `${tasks} ${tasks === 1 ? "task" : "tasks"}${of}`;

/** Whose turn comes before that of a task that waits for room, for people. */
export function turnText(turn: TurnView): string {
  const { promised, own, ahead } = turn;
  const before = [
    ...(promised > 0 ? [count(promised, " promised ahead")] : []),
    ...ahead.map((one) => `${one.consumer ?? "another consumer"} (${holds(one)}, ${count(one.tasks)})`),
    ...(own > 0 ? [count(own, " of its own")] : []),
  ];
  const first = before.length === 0 ? "its turn is next" : `before it ${before.join(", ")}`;
  return `its consumer ${holds(turn)}; ${first}`;
}
