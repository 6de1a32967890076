export type { Content, DataRefusal, DataRefusalCode } from "./content.ts";
export { Gateway, type GatewayCounters, type GatewayOptions } from "./gateway.ts";
export type { Address } from "./segments.ts";
export { type ByteRange, ContentStore, type ContentStoreOptions, type Received } from "./store.ts";
export {
  type ContentSource,
  fetchContent,
  pushContent,
  type Transfer,
  type TransferReport,
  type TransferResult,
} from "./transfer.ts";
