export * from "./contract.ts";
export * from "./contract-life.ts";
export * from "./ledger.ts";
export * from "./order.ts";
export * from "./prices.ts";
export * from "./service-level.ts";
export * from "./settlement.ts";
export * from "./usage.ts";
