export * from "./contents.ts";
export type { ContentName } from "./fields.ts";
export * from "./format.ts";
export * from "./nearest.ts";
export * from "./parse.ts";
export { formatProblem, type ManifestCode, type ManifestProblem } from "./problems.ts";
export * from "./schema.ts";
export * from "./task.ts";
