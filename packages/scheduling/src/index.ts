export * from "./batch/batch-problem.ts";
export * from "./batch/batch-search.ts";
export * from "./batch/lagrangian.ts";
export * from "./batch/linear-program.ts";
export * from "./batch/unit-assignment.ts";
export * from "./task.ts";
