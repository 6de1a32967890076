export * from "./batch/unit-assignment.ts";
export * from "./task.ts";
