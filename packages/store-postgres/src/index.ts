export { History } from "./history.ts";
export type { RatedReading } from "./meter-table.ts";
export * from "./open-store.ts";
export * from "./store-error.ts";
