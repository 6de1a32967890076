import type { Bytes, BytesPerSecond, Instant, Micros, OperationsPerSecond, Ratio, Watts } from "@weft/kernel";
import type { ComputeType, ComputingPower, DomainId, NodeId, SiteId } from "./power.ts";

export type Tier = "cloud" | "edge" | "end";
export const TIERS: readonly Tier[] = ["cloud", "edge", "end"];

/** What kind of program a node can run. */
export type ProgramKind = "wasm" | "model" | "process";
export const PROGRAM_KINDS: readonly ProgramKind[] = ["wasm", "model", "process"];

export type StorageClass = "scratch" | "durable";

/** How well a channel or a place keeps what it carries from strangers; ordered, each includes the former. */
export type SecurityClass = "open" | "encrypted" | "isolated";
export const SECURITY_CLASSES: readonly SecurityClass[] = ["open", "encrypted", "isolated"];

/** One measured figure: never declared, always with how it was got. */
export interface Measured<T extends number> {
  readonly value: T;
  /** How it was measured, such as `onnxruntime MatMul 1024 f32`. */
  readonly method: string;
  /** (max - min) / median over the repetitions. */
  readonly spread: Ratio;
  readonly took: Micros;
  readonly at: Instant;
}

/** A GPU or other accelerator as its driver describes it. */
export interface Accelerator {
  readonly kind: "gpu" | "npu";
  readonly model: string;
  readonly memoryBytes: Bytes;
}

/** What seldom changes about a node: announced when it joins and when it is measured again. */
export interface NodeDescription {
  readonly id: NodeId;
  readonly tier: Tier;
  readonly site: SiteId;
  readonly domain: DomainId;
  readonly labels: Readonly<Record<string, string>>;
  /** Measured total computing power under the share its owner gives. */
  readonly power: ComputingPower;
  /**
   * The most one single-threaded task gets, by type (a lane: one core's rate). A WebAssembly module runs in
   * one lane; a model or process may use all of them.
   */
  readonly laneRate: ComputingPower;
  readonly memoryBytes: Bytes;
  readonly storage: {
    readonly capacityBytes: Bytes;
    readonly throughput: BytesPerSecond;
    readonly storageClass: StorageClass;
  };
  readonly accelerators: readonly Accelerator[];
  /** Program kinds the owner allows. */
  readonly runs: readonly ProgramKind[];
  readonly security: SecurityClass;
  /** Electrical power drawn when idle and at full load; null where nobody measured or declared it. */
  readonly watts: { readonly idle: Watts; readonly full: Watts } | null;
  /** Grams of CO2 a kilowatt-hour at its place; null where unknown. */
  readonly gramsPerKwh: number | null;
}

/** What changes all the time: announced when it moved by more than a threshold. */
export interface NodeLoad {
  readonly node: NodeId;
  /** Computing power that others than the network's tasks use now, by type. */
  readonly othersUse: ComputingPower;
  readonly freeMemoryBytes: Bytes;
  readonly freeStorageBytes: Bytes;
  /** Time a task handed over now waits before it starts, by type. */
  readonly queue: { readonly [type in ComputeType]: Micros };
  /** null on mains power. */
  readonly battery: Ratio | null;
  /** The owner takes new tasks now. */
  readonly accepting: boolean;
  readonly at: Instant;
}

export const NO_POWER: ComputingPower = {
  logical: 0 as OperationsPerSecond,
  parallel: 0 as OperationsPerSecond,
  neural: 0 as OperationsPerSecond,
};
