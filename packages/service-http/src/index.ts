export * from "./manager-api.ts";
export * from "./manifest/index.ts";
