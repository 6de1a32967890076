export * from "./orchestrator.ts";
export * from "./runtime.ts";
export type { Before, Stuck, Turn } from "./waiting.ts";
