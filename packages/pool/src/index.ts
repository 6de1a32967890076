export { type Amounts, capacityOf, RESOURCES } from "./amounts.ts";
export {
  ACCELERATOR_BITS,
  ACCELERATOR_KINDS,
  type CapabilityDemand,
  capabilitiesOf,
  demandBits,
} from "./capabilities.ts";
export { CHANGED, ChangeFeed, DirtySet } from "./changes.ts";
export type { Claim, ClaimByName, ReservationId, StaleCode } from "./claim.ts";
export type { Corrections } from "./corrections.ts";
export { blankClaim } from "./ledger.ts";
export { ASSUMED, KNOWN, type LinkTable } from "./links.ts";
export { FREE_OF_CHARGE, type NodeTable, type PriceColumns } from "./nodes.ts";
export { type Commit, Pool } from "./pool.ts";
