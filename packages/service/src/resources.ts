import type { LinkState, NodeDescription, NodeId, NodeLoad, SiteId } from "@weft/infrastructure";
import type { Bytes, Digest, Instant, Micros, Money, PublicKey, Refusal, Signature } from "@weft/kernel";
import type { OrganisationAct } from "@weft/market";
import type { Program, RunCounters, RunFailure } from "@weft/orchestration";
import type { Amounts } from "@weft/pool";
import type { Broken, PipelineLayer, PipelineNeeds, StreamStep, TaskNeeds } from "@weft/scheduling";

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
  /** Of which application it is a step; absent for a task by itself. */
  readonly step?: StepOf;
}

/** What makes a task a step of an application. */
export interface StepOf {
  readonly application: string;
  readonly name: string;
  /** Where the application's data comes from and goes to, and what programs are made of lies. */
  readonly home: SiteId;
  /** Where the joint plan wants it: kept as long as it can be. */
  readonly node: NodeId | null;
  /** Its whole input, one content behind the other, each where it lies. */
  readonly parts: readonly (ContentReference & { readonly at: SiteId })[];
  /** Nobody but other steps wants its result: it stays near the node that made it. */
  readonly inner: boolean;
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
  /** Steps that must have succeeded before it though it takes nothing from them. */
  readonly after?: readonly string[];
  /** Of a pipeline's stage: the names of its layers. */
  readonly layers?: readonly string[];
  /** Of a pipeline with many inputs: which of them it works on. */
  readonly of?: StreamStep;
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
  /** Of a pipeline not cut yet: none. */
  readonly steps: readonly StepRequest[];
  /** A layered model, cut into steps when it is planned; absent: the steps are as given. */
  readonly pipeline?: PipelineRequest;
}

/** A layered model that runs as one application: stages one after the other, each some layers on a node of its own. */
export interface PipelineRequest {
  /** All layers as one step: what it needs, what it runs, its input. */
  readonly whole: Omit<StepRequest, "name" | "from">;
  /** Each with its network, in their order. */
  readonly layers: readonly (PipelineLayer & { readonly name: string; readonly network: Digest })[];
  /** Most stages. */
  readonly stages: number;
  readonly objective: PipelineNeeds["objective"];
  /** What goes through all stages one behind the other; absent: `whole.input` alone. */
  readonly inputs?: readonly StreamInput[];
}

/** One of many inputs of a pipeline. */
export interface StreamInput extends ContentReference {
  /** What it is called, and its result: no other of the pipeline's is. */
  readonly name: string;
}

export interface ApplicationSubmission extends ApplicationPlanRequest {
  /** The manifest as sent, canonical text: what every step's order covers. */
  readonly manifest: string;
  readonly contents: readonly ContentReference[];
  /** By step, its mandate: each has a contract of its own. Of a pipeline with inputs: by stage, and by input in each. */
  readonly orders: readonly SignedOrder[];
}

export type ApplicationPhase = "pending" | "running" | "succeeded" | "failed" | "cancelled";

export interface ApplicationView {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly consumer: string;
  readonly phase: ApplicationPhase;
  /** Why it is pending, failed or cancelled. */
  readonly reason: Refusal | null;
  readonly objective: "cost" | "time";
  readonly deadline: Micros | null;
  readonly gang: boolean;
  readonly submittedAt: Instant;
  readonly finishedAt: Instant | null;
  /** The plan of the steps as last made; null until there was one. */
  readonly plan: ApplicationPlanView | null;
  readonly steps: readonly StepView[];
  /** Of a pipeline with many inputs: how far each of them is, in their order. */
  readonly inputs?: readonly InputView[];
  /** What its steps were charged so far. */
  readonly charged: Money;
}

/** How far one of a pipeline's many inputs is. */
export interface InputView {
  readonly name: string;
  /** `waiting`: for its first stage. */
  readonly phase: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
  /** The step that it is in, or was in last; null: in none yet. */
  readonly step: string | null;
  readonly startedAt: Instant | null;
  readonly finishedAt: Instant | null;
  /** In micros after the application's start. */
  readonly planned: StepView["planned"];
  readonly result: StepView["result"];
}

export interface ApplicationPlanView {
  /** To the last result: of a pipeline with many inputs, `first` and for each more input once `bottleneck`. */
  readonly makespan: Micros;
  /** Micro-units of money expected. */
  readonly cost: number;
  /** No choice of nodes has a smaller objective (cost, or micros); null where not all nodes were looked at. */
  readonly bound: number | null;
  readonly proven: boolean;
  /** Of a pipeline, the longest turn of a stage: one result comes every so many micros when it is full. */
  readonly bottleneck?: Micros;
  /** Of a pipeline with many inputs: when the first result is there. */
  readonly first?: Micros;
}

export interface StepView {
  readonly name: string;
  /** Of a pipeline's stage: its layers. */
  readonly layers?: readonly string[];
  readonly from: readonly string[];
  /** `waiting`: for what other steps give, or for the plan. */
  readonly phase: "waiting" | TaskPhase;
  /** null until it was started. */
  readonly task: string | null;
  /** Where it runs or ran; before, where it is planned. */
  readonly node: string | null;
  /** When it is planned to start and to end, in micros after the application's start. */
  readonly planned: { readonly start: Micros; readonly finish: Micros } | null;
  /** When it was started and when it ended; null while that has not been. */
  readonly startedAt: Instant | null;
  readonly finishedAt: Instant | null;
  readonly result: (ContentReference & { readonly at: SiteId }) | null;
  readonly charged: Money | null;
  /** Of a pipeline with many inputs: the name of the one it works on. */
  readonly input?: string;
}

/** The largest part of any resource that a consumer holds of all there is, and of which; null: it holds nothing. */
export interface DominantShare {
  readonly share: number;
  readonly resource: keyof Amounts | null;
}

/** A place kept for a task that others were passing over, until what stands there has left. */
export interface PlaceAwaited {
  readonly node: NodeId;
  readonly keptSince: Instant;
  /** Nothing that began since the place was kept is there after this moment. */
  readonly promised: Instant;
  /** When it is expected to be free, as what runs there is known now; null: not as the node is now. */
  readonly expected: Instant | null;
  /** When the last contract lapses of what ran there before. */
  readonly latest: Instant;
  /** How many runs stand there that began before. */
  readonly waitsFor: number;
}

/** Why a waiting task's turn has not come: its consumer's share, and what goes before it. */
export interface TurnView extends DominantShare {
  /** Tasks of its own consumer before it. */
  readonly own: number;
  /** Tasks that a place is kept for: they go before all. */
  readonly promised: number;
  /** Consumers that hold less and wait too, with how many tasks; least share first. Only the manager sees who. */
  readonly ahead: readonly ({ readonly consumer: string | null; readonly tasks: number } & DominantShare)[];
  /** The place kept for it; absent where none is. */
  readonly place?: PlaceAwaited;
  /** Where none is kept yet: from when on one may be, if nothing of its line begins before. */
  readonly placeFrom?: Instant;
}

/** A place promised for a later moment, until its task has begun. */
export interface PlacePromised {
  readonly node: NodeId;
  readonly from: Instant;
  readonly to: Instant;
  /** When it was promised: only what came later is held back for it. */
  readonly since: Instant;
}

/** What was done for a task last because a link of its path got worse; `broken`: nothing would keep its promise. */
export interface KeptPromise {
  readonly at: Instant;
  readonly what: "rerouted" | "moved" | "broken" | "kept";
  /** Which promise was not kept, and the figure that was found; null once all are kept again. */
  readonly broken: Broken | null;
  /** Where it was. */
  readonly node: string;
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
  /** While it waits for room, and only where one task is asked for. */
  readonly turn?: TurnView;
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
  readonly because:
    | RunFailure
    | "node_silent"
    | "node_restarted"
    | "node_refused"
    | "preempted"
    | "moved"
    | "cancelled"
    | null;
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
