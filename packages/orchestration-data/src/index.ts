export { type Content, type DataRefusal, type DataRefusalCode, isDigest } from "./content.ts";
export { Gateway, type GatewayCounters, type GatewayOptions, OFFSET_HEADER } from "./gateway.ts";
export { MAX_PROBE_BYTES, PROBE_PATH } from "./probe.ts";
export { type Address, isAddress, MAX_SEGMENTS, SEGMENTS_HEADER } from "./segments.ts";
export { type ByteRange, ContentStore, type ContentStoreOptions, type Received } from "./store.ts";
export {
  type ContentSource,
  fetchContent,
  pushContent,
  type Transfer,
  type TransferReport,
  type TransferResult,
} from "./transfer.ts";
