export * from "./orchestrator.ts";
export * from "./runtime.ts";
