export * from "./contract.ts";
export * from "./ledger.ts";
export * from "./order.ts";
export * from "./prices.ts";
export * from "./settlement.ts";
export * from "./usage.ts";
