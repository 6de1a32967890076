import type { LinkState, NodeDescription, NodeLoad, SiteId } from "@weft/infrastructure";
import type { Bytes, Digest, Instant, Micros, Money, PublicKey, Refusal, Signature } from "@weft/kernel";
import type { OrganisationAct } from "@weft/market";
import type { Program, RunCounters, RunFailure } from "@weft/orchestration";
import type { TaskNeeds } from "@weft/scheduling";

/*
 * What the outside sees of the network: plain data, units in the names' types, safe to send as JSON once a
 * bigint is written as a string of digits. Commands are the only way to change anything.
 */

/** Who asks. Every command is checked against it. */
export type Role = "consumer" | "provider" | "manager";
export interface Caller {
  readonly account: string;
  readonly role: Role;
  /** The member who bears the token; absent: it is the account's own, and does all that its role may. */
  readonly person?: string;
  /** What the bearer may do in the organisation; absent: everything. */
  readonly acts?: readonly OrganisationAct[];
}

/** A task as its consumer submitted it: the manifest in force, and what it was read as. */
export interface TaskSubmission {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The manifest as sent, canonical text: what the order's digest covers. */
  readonly manifest: string;
  readonly needs: TaskNeeds;
  readonly program: Program;
  /** Content of the input at the gateway of `needs.basic.dataAt`; null: empty. */
  readonly input: ContentReference | null;
  /** What the program is made of; like the input, put at the gateway of `needs.basic.dataAt` beforehand. */
  readonly contents: readonly ContentReference[];
  readonly order: SignedOrder;
}

export interface ContentReference {
  readonly digest: Digest;
  readonly size: Bytes;
}

/** The consumer's mandate (market/order). Mirrors what is signed. */
export interface SignedOrder {
  readonly order: {
    readonly id: string;
    readonly consumer: PublicKey;
    readonly taskDigest: Digest;
    readonly payAtMost: Money;
    readonly notAfter: Instant;
  };
  readonly signature: Signature;
}

/** One step of an application, as its consumer asks for it. */
export interface StepRequest {
  readonly name: string;
  /** Steps whose results are its input, one behind the other after its own, and how much of each is expected. */
  readonly from: readonly { readonly step: string; readonly bytes: Bytes }[];
  /** `basic.dataAt` is the application's site, `basic.inputBytes` what comes from there. */
  readonly needs: TaskNeeds;
  readonly program: Program;
  readonly input: ContentReference | null;
}

/** An application to be planned: steps joined by data. */
export interface ApplicationPlanRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where first inputs are and last results are wanted. */
  readonly at: SiteId;
  readonly objective: "cost" | "time";
  readonly deadline: Micros | null;
  /** All steps hold their places before any starts. */
  readonly gang: boolean;
  /** The highest price of the whole. */
  readonly payAtMost: Money | null;
  readonly steps: readonly StepRequest[];
}

export interface ApplicationSubmission extends ApplicationPlanRequest {
  /** The manifest as sent, canonical text: what every step's order covers. */
  readonly manifest: string;
  readonly contents: readonly ContentReference[];
  /** By step, its mandate: each has a contract of its own. */
  readonly orders: readonly SignedOrder[];
}

export type TaskPhase =
  /** Acknowledged; nothing fits now, tried again when the pool changes. */
  | "pending"
  /** Placed and contracted; the node has it. */
  | "launched"
  | "running"
  /** Finished, metered and settled. */
  | "succeeded"
  /** The program or its node failed for good, or nothing ever fitted; nothing is charged. */
  | "failed"
  | "cancelled";

export interface TaskView {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly consumer: string;
  readonly phase: TaskPhase;
  /** Why it is pending, failed or cancelled. */
  readonly reason: Refusal | null;
  readonly needs: TaskNeeds;
  readonly submittedAt: Instant;
  readonly finishedAt: Instant | null;
  readonly runs: readonly RunView[];
  readonly result: (ContentReference & { readonly at: SiteId }) | null;
  /** What was charged; null until settled. */
  readonly charged: Money | null;
}

/** One attempt of one task on one node. */
export interface RunView {
  readonly id: string;
  readonly node: string;
  readonly path: readonly SiteId[];
  readonly contract: string;
  readonly state:
    | "launched"
    | "staging"
    | "fetching"
    | "running"
    | "returning"
    | "finished"
    | "lost"
    | "failed";
  readonly because: RunFailure | "node_silent" | "node_restarted" | "node_refused" | "cancelled" | null;
  readonly predicted: Timeline;
  /** Real rate over measured rate, as far as it was known when the prediction was made (C1). */
  readonly correction: number;
  readonly actual: Timeline | null;
  readonly counters: RunCounters | null;
}

/** Where a task's time goes. `total` leaves `staging` out: programs are brought to a node once. */
export interface Timeline {
  readonly staging: Micros;
  readonly transferIn: Micros;
  readonly queue: Micros;
  readonly compute: Micros;
  readonly transferOut: Micros;
  readonly total: Micros;
}

export interface NodeView {
  readonly description: NodeDescription;
  readonly provider: string;
  readonly load: NodeLoad | null;
  readonly health: "up" | "suspect" | "down";
  /** How old what is known of its load is. */
  readonly age: Micros;
  /** Capacity given away to running tasks. */
  readonly reserved: {
    readonly power: NodeDescription["power"];
    readonly memoryBytes: Bytes;
    readonly storageBytes: Bytes;
  };
  readonly runningTasks: number;
  readonly earned: Money;
}

export interface LinkView {
  readonly state: LinkState;
  readonly age: Micros;
  readonly reservedBps: number;
}
