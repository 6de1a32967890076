export * from "./auction.ts";
export * from "./billing.ts";
export * from "./contract.ts";
export * from "./contract-life.ts";
export * from "./ledger.ts";
export * from "./log.ts";
export * from "./log-entry.ts";
export * from "./merkle.ts";
export * from "./offer.ts";
export * from "./order.ts";
export * from "./organisation.ts";
export * from "./period.ts";
export * from "./prices.ts";
export * from "./pricing.ts";
export * from "./pricing-study.ts";
export * from "./service-level.ts";
export * from "./settlement.ts";
export * from "./settlement-rail.ts";
export * from "./standing-offer.ts";
export * from "./statement.ts";
export {
  type CloudEvent,
  cloudEvent,
  type TmfAppliedRate,
  type TmfCustomerBill,
  type TmfMoney,
  type TmfOrderState,
  type TmfProductOffering,
  type TmfProductOfferingPrice,
  type TmfProductOrder,
  type TmfUsage,
  tmfAppliedRates,
  tmfCustomerBill,
  tmfOfferingPrices,
  tmfProductOffering,
  tmfUsage,
} from "./tmforum.ts";
export * from "./tmforum-order.ts";
export * from "./trust.ts";
export * from "./usage.ts";
export * from "./usage-intake.ts";
export * from "./wallet.ts";
