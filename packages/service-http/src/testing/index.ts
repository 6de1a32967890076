export { memoryLog } from "./memory-log.ts";
export { MemoryManager } from "./memory-manager.ts";
export { SAMPLE_DECISION } from "./sample.ts";
