import type { Turn } from "@weft/orchestration";
import type { TaskNeeds } from "@weft/scheduling";
import type { TaskRow } from "../store.ts";

/*
 * How a task stands in line: its rank, whose turn has to come for it, and which others fit where it does.
 */

/** How a task ranks among its consumer's own: first what has a moment to start at and has come to it, then by priority. */
export const rankOf = ({ priority = 0, startAt }: TaskNeeds): number =>
  priority + (startAt === undefined ? 0 : RESERVED);
const RESERVED = 10_000;

/** Whether a consumer's task takes the place of another of its own: one of lower priority; a promised one only if promised, too. */
export const outranks = (needs: TaskNeeds, other: TaskNeeds): boolean =>
  (other.priority ?? 0) < (needs.priority ?? 0) &&
  (other.startAt === undefined || needs.startAt !== undefined);

/** Whose turn has to come for a task. A promise is of room: whoever waits for what was not free then waits in line. */
export const turnFor = ({ consumer, submission: { needs } }: TaskRow): Turn => ({
  consumer,
  rank: rankOf(needs),
});

/** Tasks of one shape fit the same places; only the size of their input and work may differ a little. */
export function shapeOf(needs: TaskNeeds): string {
  return JSON.stringify(needs, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
}
