export * from "./desk.ts";
export type { Behaviour } from "./desk-node.ts";
export { manifestOf, orderOf, submissionOf } from "./orders.ts";
export * from "./pipelines.ts";
export * from "./scenery.ts";
