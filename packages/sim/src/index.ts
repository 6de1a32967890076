export {
  type Actor,
  type ActorCounters,
  type ActorId,
  type ActorSpec,
  type Birth,
  type Clock,
  TRUE_CLOCK,
} from "./actor.ts";
export * from "./event-heap.ts";
export { type FailureDetail, SimulationFailure } from "./failure.ts";
export * from "./faults.ts";
export type { LinkCounters, LinkModel, LinkTable } from "./links.ts";
export * from "./message.ts";
export * from "./run-digest.ts";
export * from "./world.ts";
