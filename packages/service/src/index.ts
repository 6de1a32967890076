export * from "./memory-store.ts";
export * from "./resources.ts";
export * from "./store.ts";
export * from "./stored-text.ts";
