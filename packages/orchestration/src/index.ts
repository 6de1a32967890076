export * from "./orchestrator.ts";
export * from "./runtime.ts";
export type { Before, Turn } from "./waiting.ts";
