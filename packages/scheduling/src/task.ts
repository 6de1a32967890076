import type {
  ComputeType,
  DomainId,
  NodeId,
  ProgramKind,
  SecurityClass,
  SiteId,
  StorageClass,
  Tier,
} from "@weft/infrastructure";
import type {
  BitsPerSecond,
  Bytes,
  BytesPerSecond,
  Instant,
  Micros,
  Money,
  Operations,
  OperationsPerSecond,
} from "@weft/kernel";

/**
 * What a task needs, all five groups of the survey (P1), in base units. `null` is "no such demand", so a
 * need left out never rules anything out.
 */
export interface TaskNeeds {
  readonly basic: {
    readonly inputBytes: Bytes;
    readonly resultBytes: Bytes;
    /** Media type of the input, such as image/png. */
    readonly dataType: string | null;
    /** Where the input is, and where the result is wanted. */
    readonly dataAt: SiteId;
    /** Sites (besides `dataAt`) the data may reach, in passing too; null: anywhere. */
    readonly mayLeaveTo: readonly SiteId[] | null;
    /** From hand-over of the input to the result being back. */
    readonly deadline: Micros | null;
    /** Tasks of one key stay on one node unless the gain of moving passes the margin. */
    readonly sticky: { readonly key: string; readonly keepFor: Micros } | null;
  };
  readonly compute: {
    readonly type: ComputeType;
    readonly work: Operations;
    /** Least effective rate; 0 where any will do. */
    readonly atLeast: OperationsPerSecond;
    /** How many lanes (cores) the program uses at once, a part of one too; Infinity: all. */
    readonly lanes: number;
    /** `count` devices (one where absent), each with `memoryBytes` free; a share of a device is a share of its memory. */
    readonly accelerator: {
      readonly kind: "gpu" | "npu";
      readonly memoryBytes: Bytes;
      readonly count?: number;
    } | null;
  };
  readonly storage: {
    readonly capacity: Bytes;
    readonly throughput: BytesPerSecond;
    readonly storageClass: StorageClass | null;
  };
  readonly algorithm: {
    /** What it computes, such as `ocr`: predictions are learnt by function and node. */
    readonly function: string;
    /** As written, such as O(n); shown, and used by people, not by the scheduler. */
    readonly timeComplexity: string | null;
    /** Working memory. */
    readonly space: Bytes;
  };
  readonly network: {
    /** Greatest one-way delay of the path. */
    readonly delay: Micros | null;
    /** Least bandwidth, reserved on every link of the path while the task lasts; 0: none reserved. */
    readonly bandwidth: BitsPerSecond;
    readonly jitter: Micros | null;
    readonly loss: number | null;
    readonly bitErrorRate: number | null;
    readonly security: SecurityClass;
  };
  readonly where: {
    readonly runs: ProgramKind;
    readonly tier: Tier | null;
    readonly domain: DomainId | null;
    readonly labels: Readonly<Record<string, string>>;
    /** Nodes not to use: those a former run was lost on. */
    readonly avoid: readonly NodeId[];
  };
  readonly objective: Objective;
  /** The highest price the consumer pays; null: any. */
  readonly payAtMost: Money | null;
  /** Goes before tasks of a lower one, and may take their place; 0 where absent. */
  readonly priority?: number;
  /** Not to start before this moment. */
  readonly startAt?: Instant;
}

/** What the best placement is best at. Every objective respects the deadline and every other constraint. */
export type Objective =
  | { readonly kind: "cost" | "time" | "energy" | "carbon" }
  | {
      readonly kind: "weighted";
      /** What one unit of each is worth in micro-units of money. */
      readonly perSecond: number;
      readonly perJoule: number;
      readonly perGram: number;
    };

/** A kind of program doing a type of computing: what is known of the class stands in for a function nobody has run yet. */
export const workClass = ({ where, compute }: Pick<TaskNeeds, "where" | "compute">): string =>
  CLASSES[where.runs][compute.type];

/** Two lines, and a function's name is one: they are never the same. */
export const classOf = (runs: ProgramKind, type: ComputeType): string => `${runs}\n${type}`;

const classesOf = (runs: ProgramKind): { readonly [type in ComputeType]: string } => ({
  logical: classOf(runs, "logical"),
  parallel: classOf(runs, "parallel"),
  neural: classOf(runs, "neural"),
});
const CLASSES = { wasm: classesOf("wasm"), model: classesOf("model"), process: classesOf("process") };
