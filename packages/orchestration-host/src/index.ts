export * from "./counters.ts";
export * from "./report.ts";
