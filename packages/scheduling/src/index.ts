export * from "./application/application.ts";
export * from "./application/pipeline.ts";
export * from "./application/place-application.ts";
export * from "./application/pool-application.ts";
export * from "./application/pool-pipeline.ts";
export * from "./application/stream.ts";
export * from "./batch/batch-problem.ts";
export * from "./batch/batch-search.ts";
export * from "./batch/exact-batch.ts";
export * from "./batch/knapsack-bound.ts";
export * from "./batch/lagrangian.ts";
export * from "./batch/linear-program.ts";
export * from "./batch/offers.ts";
export * from "./batch/pool-batch.ts";
export * from "./batch/unit-assignment.ts";
export type {
  ConstraintCode,
  Explanation,
  Miss,
  NearestMiss,
  RuledOut,
  RunnerUp,
} from "./explain/explanation.ts";
export { formatExplanation, formatRuledOut } from "./explain/format.ts";
export {
  type Decision,
  linksOf,
  type Placed,
  type PlannedTimeline,
  type RefusalCode,
  type Refused,
} from "./placement/decision.ts";
export { LEAST_SHARE } from "./placement/fit.ts";
export { AllPairs } from "./routing/all-pairs.ts";
export { type Apart, type DisjointPair, type DisjointRefusal, disjointPair } from "./routing/disjoint.ts";
export { type Arc, arcBetween, type Graph, graphOf, transposed } from "./routing/graph.ts";
export { MinHeap } from "./routing/heap.ts";
export { kShortestPaths, type Path } from "./routing/k-shortest.ts";
export { Network } from "./routing/network.ts";
export { type Tree, TreeSolver } from "./routing/tree.ts";
export { type PlaceOptions, Scheduler, type SchedulerOptions } from "./scheduler.ts";
export * from "./stale/choice.ts";
export * from "./stale/optimistic.ts";
export * from "./task.ts";
export * from "./time/backfilling.ts";
export * from "./time/fairness.ts";
export * from "./time/keep-promises.ts";
export * from "./time/preemption.ts";
export * from "./time/replacement.ts";
export * from "./time/reservation-calendar.ts";
