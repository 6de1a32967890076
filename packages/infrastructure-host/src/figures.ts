import type { Accelerator, ComputingPower, Grade, Measured, NodeDescription } from "@weft/infrastructure";
import type {
  Bytes,
  BytesPerSecond,
  Instant,
  Micros,
  Operations,
  OperationsPerSecond,
  Ratio,
} from "@weft/kernel";
import type { GpuFacts } from "./accelerators.ts";
import type { Budget } from "./rates.ts";
import type { StorageFigures } from "./storage.ts";

/** One type's rate: what a single thread gets, and what all threads allowed get together. */
export interface RatePair {
  readonly lane: Measured<OperationsPerSecond>;
  readonly total: Measured<OperationsPerSecond>;
}

/** One network of the reference set. */
export interface NetworkFigures extends RatePair {
  readonly name: string;
  /** Floating-point operations of one run. */
  readonly work: Operations;
}

/** What the measuring process is asked. */
export interface MeasureOrder {
  /** CPU seconds a second that the share comes to; need not be whole. */
  readonly cores: number;
  readonly threads: number;
  /** Folder whose file system is measured. */
  readonly dir: string;
  readonly budget: Budget;
}

/** What the measuring process found. */
export interface Figures {
  /** Version of onnxruntime; null where it is missing. */
  readonly engine: string | null;
  readonly logical: RatePair;
  readonly parallel: RatePair;
  readonly neural: RatePair;
  readonly networks: readonly NetworkFigures[];
  /** CPU seconds a second that the threads, all busy, really got. */
  readonly coresGot: { readonly best: number; readonly spread: Ratio };
  readonly memoryBandwidth: Measured<BytesPerSecond>;
  readonly storage: StorageFigures;
}

/** Everything known about this machine under the share its owner gives. */
export interface HostMeasurement extends Figures {
  /** What the figures depend on, as one digest: other hardware, engines or share, other figures. */
  readonly fingerprint: string;
  readonly cpu: string;
  readonly cores: number;
  readonly platform: string;
  readonly share: Ratio;
  readonly allowedCores: number;
  readonly allowedThreads: number;
  /** Memory under the share. */
  readonly memoryBytes: Bytes;
  readonly accelerators: readonly Accelerator[];
  /** What the driver tells of each GPU now, whether or not enough is known to offer it. */
  readonly gpus: readonly GpuFacts[];
  readonly grade: Grade;
  readonly at: Instant;
  readonly took: Micros;
  /** Read from the file of an earlier run. */
  readonly cached: boolean;
}

const byType = (figures: Figures, which: keyof RatePair): ComputingPower => ({
  logical: figures.logical[which].value,
  parallel: figures.parallel[which].value,
  neural: figures.neural[which].value,
});

/** Total power by type under the share. */
export const totalPower = (figures: Figures): ComputingPower => byType(figures, "total");
/** The most one thread gets, by type. */
export const lanePower = (figures: Figures): ComputingPower => byType(figures, "lane");

/** The part of a node's description that is measured, never declared. */
export function measuredPart(
  host: HostMeasurement,
  storageClass: NodeDescription["storage"]["storageClass"] = "scratch",
): Pick<NodeDescription, "power" | "laneRate" | "memoryBytes" | "storage" | "accelerators"> {
  const { storage } = host;
  return {
    power: totalPower(host),
    laneRate: lanePower(host),
    memoryBytes: host.memoryBytes,
    storage: {
      capacityBytes: storage.capacityBytes,
      throughput: Math.min(storage.sequentialWrite.value, storage.sequentialRead.value) as BytesPerSecond,
      storageClass,
    },
    accelerators: host.accelerators,
  };
}
