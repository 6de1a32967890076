import { formatInstant, type Instant } from "@weft/kernel";
import type { DominantShare, PlaceAwaited, PlacePromised, TurnView } from "@weft/service";
import { percent, since } from "./text.ts";

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

/** How long from now a moment is, which may have come. */
const from = (now: Instant, at: Instant): string => (at <= now ? "now" : `in ${since(at, now)}`);

function placeText(
  { node, keptSince, promised, expected, latest, waitsFor }: PlaceAwaited,
  now: Instant,
): string {
  const runs = `${waitsFor} ${waitsFor === 1 ? "run" : "runs"} that stood there before`;
  const begins = expected === null ? "not as the node is now" : from(now, expected);
  const kept = `a place on ${node} is kept for it since ${since(now, keptSince)}, promised ${from(now, promised)}`;
  return `${kept}: it waits for ${runs}, expected to begin ${begins}, ${from(now, latest)} at the latest`;
}

/** The place promised a task for its moment, for people. */
export function reservedText({ node, from: moment, since: made }: PlacePromised, now: Instant): string {
  const promised = `a place on ${node} is promised for ${formatInstant(moment)}`;
  return moment > now
    ? `${promised}, ${from(now, moment)}: what was submitted after ${formatInstant(made)} is gone by then or gives way`
    : `${promised}: it begins once what was there before has left, nothing that came since begins in its place`;
}

/** Whose turn comes before that of a task that waits for room, and what place is kept for it, for people. */
export function turnText(turn: TurnView, now: Instant): string {
  if (turn.place !== undefined) return placeText(turn.place, now);
  const { promised, own, ahead } = turn;
  const before = [
    ...(promised > 0 ? [count(promised, " that a place is kept for")] : []),
    ...ahead.map((one) => `${one.consumer ?? "another consumer"} (${holds(one)}, ${count(one.tasks)})`),
    ...(own > 0 ? [count(own, " of its own")] : []),
  ];
  const first = before.length === 0 ? "its turn is next" : `before it ${before.join(", ")}`;
  const kept =
    turn.placeFrom === undefined ? "" : `; a place may be kept for it ${from(now, turn.placeFrom)}`;
  return `its consumer ${holds(turn)}; ${first}${kept}`;
}
