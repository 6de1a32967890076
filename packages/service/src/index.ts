export * from "./resources.ts";
