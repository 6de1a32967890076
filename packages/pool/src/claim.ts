import type { ComputeType, NodeId, SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Brand, Bytes, BytesPerSecond, OperationsPerSecond } from "@weft/kernel";

/** Names one reservation; never used twice in a pool's life. */
export type ReservationId = Brand<number, "ReservationId">;

/**
 * What one placement takes of the pool, in the pool's own indexes: all four kinds of resource (compute, storage,
 * network, service). It is void once what it was `basedOn` (a pool version) no longer holds.
 */
export interface Claim {
  readonly node: number;
  /** Position in COMPUTE_TYPES. */
  readonly type: number;
  /** Whole operations a second. */
  readonly rate: number;
  /** Whole bytes. */
  readonly memory: number;
  readonly storage: number;
  readonly throughput: number;
  /** Position in ACCELERATOR_KINDS; -1: none. */
  readonly deviceKind: number;
  readonly deviceMemory: number;
  /** How many devices, each with `deviceMemory` free. */
  readonly deviceCount: number;
  /** One instance of this service on the node; null: none counted. */
  readonly service: string | null;
  /** Link indexes of the path from the data to the node, and of the way back. */
  readonly linksIn: readonly number[];
  readonly linksOut: readonly number[];
  /** Whole bits a second taken on each of them. */
  readonly bandwidthIn: number;
  readonly bandwidthOut: number;
  readonly basedOn: number;
}

/** A claim in everybody's names, such as a record of one that was made before a restart. */
export interface ClaimByName {
  readonly node: NodeId;
  readonly type: ComputeType;
  readonly rate: OperationsPerSecond;
  readonly memory: Bytes;
  readonly storage: Bytes;
  readonly throughput: BytesPerSecond;
  /** `count` devices (one where absent), of each `memoryBytes`. */
  readonly accelerator: {
    readonly kind: "gpu" | "npu";
    readonly memoryBytes: Bytes;
    readonly count?: number;
  } | null;
  readonly service: string | null;
  /** Sites from the data to the node, ends included. */
  readonly path: readonly SiteId[];
  readonly bandwidthIn: BitsPerSecond;
  readonly bandwidthOut: BitsPerSecond;
}

/** Why a claim does not hold. */
export type StaleCode =
  | "node_gone"
  /** Described or priced anew since the claim's version, or another node under the same name. */
  | "node_changed"
  | "not_accepting"
  | "no_computing_power"
  | "no_memory"
  | "no_storage"
  | "no_storage_throughput"
  | "no_accelerator"
  | "no_service_instance"
  /** A link of the path left, went down, or is not the one it was. */
  | "link_changed"
  | "no_bandwidth";
