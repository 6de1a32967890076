export {
  type Actor,
  type ActorCounters,
  type ActorId,
  type ActorSpec,
  type Birth,
  type Clock,
  TRUE_CLOCK,
} from "./actor.ts";
export * from "./app1.ts";
export type { CellOutcome } from "./cell-outcome.ts";
export type * from "./cell-scenario.ts";
export * from "./cells.ts";
export type { WorldOptions } from "./engine.ts";
export * from "./event-calendar.ts";
export * from "./event-heap.ts";
export { type FailureDetail, SimulationFailure } from "./failure.ts";
export * from "./faults.ts";
export * from "./histogram.ts";
export * from "./laws.ts";
export type { LinkCounters, LinkModel, LinkTable } from "./links.ts";
export * from "./message.ts";
export * from "./run-digest.ts";
export * from "./sharing.ts";
export * from "./stream.ts";
export * from "./streams.ts";
export * from "./world.ts";
