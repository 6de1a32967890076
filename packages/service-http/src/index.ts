export * from "./manager-api.ts";
