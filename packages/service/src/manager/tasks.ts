import type { Instant, Money, Refusal } from "@weft/kernel";
import type { AccountId, ContractLife, ContractRole, Transfer } from "@weft/market";
import type { ClaimByName } from "@weft/pool";
import type { Launch } from "../protocol.ts";
import type { ContentReference, RunView, TaskPhase, TaskView } from "../resources.ts";
import {
  type ContractRow,
  hasEnded,
  type StoreChange,
  type StoreState,
  type TaskRow,
  type UsageRow,
} from "../store.ts";

/** Ended tasks kept in memory; older ones are in the store only. */
const KEPT_ENDED = 10_000;

export interface TaskEntry {
  /** What its finished run brought; told when the task succeeds. */
  outcome?: { readonly result: (ContentReference & { readonly at: string }) | null; readonly charged: Money };
  row: TaskRow;
  readonly runs: RunEntry[];
  /** Who asked for it to be stopped. */
  cancelledBy?: ContractRole;
}

export interface RunEntry {
  readonly task: string;
  readonly attempt: number;
  view: RunView;
  contract: ContractRow;
  /** What it was settled by, in this step. */
  settlement?: Transfer[];
  /** What drives the contract. */
  life: ContractLife;
  usage: UsageRow | null;
  /** What was said to the node, to be said again when it did not arrive, and what is reserved; null once ended. */
  live: { readonly launch: Launch; readonly claim: ClaimByName } | null;
  /** The node has confirmed that it has the run. */
  accepted: boolean;
  readonly launchedAt: Instant;
}

/** Every task, run and contract the manager still thinks about, and the store changes that keep them. */
export class Tasks {
  readonly #tasks = new Map<string, TaskEntry>();
  readonly #runs = new Map<string, RunEntry>();
  readonly #live = new Set<RunEntry>();
  readonly #liveOn = new Map<string, Set<RunEntry>>();
  readonly #byContract = new Map<string, RunEntry>();
  readonly #byOrder = new Map<string, string>();
  readonly #newestByName = new Map<string, string>();
  /** Ended, oldest first, to be forgotten in that order. */
  readonly #ended: string[] = [];

  /** Told of every run that holds what it claims from now on, or (`sign` -1) not any more. */
  readonly #holds: (consumer: AccountId, claim: ClaimByName, sign: 1 | -1) => void;

  /** `reopen` gives the life of a contract as it was kept. */
  constructor(
    state: StoreState,
    reopen: (row: ContractRow) => ContractLife,
    holds: (consumer: AccountId, claim: ClaimByName, sign: 1 | -1) => void,
  ) {
    this.#holds = holds;
    for (const row of state.tasks) {
      this.#index({ row, runs: [] });
      if (hasEnded(row.progress.phase)) this.#ended.push(row.id);
    }
    const contracts = new Map(state.contracts.map((row) => [row.run, row]));
    const usage = new Map(state.usage.map((row) => [row.usage.record.id, row]));
    for (const row of state.runs) {
      const contract = contracts.get(row.view.id);
      const entry = this.#tasks.get(row.task);
      if (contract === undefined || entry === undefined) continue;
      const run: RunEntry = {
        task: row.task,
        attempt: row.attempt,
        view: row.view,
        contract,
        life: reopen(contract),
        usage: usage.get(row.view.id) ?? null,
        live: row.live && {
          ...row.live,
          launch: {
            ...row.live.launch,
            contract: contract.contract,
            manifest: entry.row.submission.manifest,
          },
        },
        accepted: false,
        launchedAt: contract.openedAt,
      };
      entry.runs.push(run);
      this.#runs.set(row.view.id, run);
      this.#byContract.set(contract.contract.terms.id, run);
      if (run.live === null) continue;
      this.#begin(run);
      holds(entry.row.consumer, run.live.claim, 1);
    }
  }

  get all(): Iterable<TaskEntry> {
    return this.#tasks.values();
  }

  task(id: string): TaskEntry | undefined {
    return this.#tasks.get(id);
  }

  /** By id, or the newest of that name: of one consumer's tasks, or (null) of everybody's. */
  find(idOrName: string, consumer: AccountId | null): TaskEntry | undefined {
    const newest = this.#newestByName.get(nameKey(idOrName, consumer));
    return this.#tasks.get(idOrName) ?? this.#tasks.get(newest ?? "");
  }

  run(id: string): RunEntry | undefined {
    return this.#runs.get(id);
  }

  runOfContract(contract: string): RunEntry | undefined {
    return this.#byContract.get(contract);
  }

  /** Every run that has not ended. */
  get live(): Iterable<RunEntry> {
    return this.#live;
  }

  /** Runs of a node that have not ended. */
  liveOn(node: string): readonly RunEntry[] {
    return [...(this.#liveOn.get(node) ?? [])];
  }

  ofOrder(order: string): TaskEntry | undefined {
    return this.#tasks.get(this.#byOrder.get(order) ?? "");
  }

  add(row: TaskRow): StoreChange[] {
    this.#index({ row, runs: [] });
    return [{ kind: "put-task", row }];
  }

  addRun(run: RunEntry): StoreChange[] {
    const entry = this.#tasks.get(run.task);
    entry?.runs.push(run);
    if (entry !== undefined && run.live !== null) this.#holds(entry.row.consumer, run.live.claim, 1);
    this.#runs.set(run.view.id, run);
    this.#byContract.set(run.contract.contract.terms.id, run);
    this.#begin(run);
    return [...this.#putRun(run), { kind: "put-contract", row: run.contract }];
  }

  /** A run moved on: what nobody would miss after a crash is not made durable. */
  note(run: RunEntry, view: Partial<RunView>): void {
    run.view = { ...run.view, ...view };
  }

  /** A run has ended and its contract with it. */
  close(run: RunEntry, view: Partial<RunView>, at: Instant): StoreChange[] {
    run.view = { ...run.view, ...view };
    const consumer = this.#tasks.get(run.task)?.row.consumer;
    if (consumer !== undefined && run.live !== null) this.#holds(consumer, run.live.claim, -1);
    run.live = null;
    this.#end(run);
    run.contract = { ...run.contract, closedAt: at };
    return [...this.#putRun(run), { kind: "put-contract", row: run.contract }];
  }

  /** A run goes on by another way. */
  move(run: RunEntry, view: Partial<RunView>, live: NonNullable<RunEntry["live"]>): StoreChange[] {
    run.view = { ...run.view, ...view };
    run.live = live;
    return this.#putRun(run);
  }

  usage(run: RunEntry, row: UsageRow): StoreChange {
    run.usage = row;
    return { kind: "put-usage", row };
  }

  progress(
    entry: TaskEntry,
    phase: TaskPhase,
    change: {
      readonly reason?: Refusal | null;
      readonly finishedAt?: Instant;
      readonly result?: (ContentReference & { readonly at: string }) | null;
      readonly charged?: Money;
    } = {},
  ): StoreChange[] {
    const progress = { ...entry.row.progress, reason: null, ...change, phase };
    entry.row = { ...entry.row, progress };
    if (hasEnded(phase)) this.#retire(entry.row.id);
    return [{ kind: "progress-task", id: entry.row.id, progress }];
  }

  #begin(run: RunEntry): void {
    const { node } = run.view;
    this.#live.add(run);
    const there = this.#liveOn.get(node);
    if (there === undefined) this.#liveOn.set(node, new Set([run]));
    else there.add(run);
  }

  #end(run: RunEntry): void {
    const { node } = run.view;
    const there = this.#liveOn.get(node);
    this.#live.delete(run);
    there?.delete(run);
    if (there?.size === 0) this.#liveOn.delete(node);
  }

  #putRun(run: RunEntry): StoreChange[] {
    const { task, attempt, view, live } = run;
    if (live === null) return [{ kind: "put-run", row: { task, attempt, view, live } }];
    const { contract: _inItsOwnRow, manifest: _inItsTasks, ...launch } = live.launch;
    return [{ kind: "put-run", row: { task, attempt, view, live: { launch, claim: live.claim } } }];
  }

  #index(entry: TaskEntry): void {
    const { id, submission } = entry.row;
    this.#tasks.set(id, entry);
    this.#byOrder.set(submission.order.order.id, id);
    this.#newestByName.set(nameKey(submission.name, null), id);
    this.#newestByName.set(nameKey(submission.name, entry.row.consumer), id);
  }

  #retire(id: string): void {
    this.#ended.push(id);
    if (this.#ended.length <= KEPT_ENDED) return;
    const oldest = this.#tasks.get(this.#ended.shift() as string);
    if (oldest === undefined) return;
    const { id: gone, submission } = oldest.row;
    this.#tasks.delete(gone);
    this.#byOrder.delete(submission.order.order.id);
    for (const whose of [null, oldest.row.consumer]) {
      const key = nameKey(submission.name, whose);
      if (this.#newestByName.get(key) === gone) this.#newestByName.delete(key);
    }
    for (const run of oldest.runs) {
      this.#runs.delete(run.view.id);
      this.#byContract.delete(run.contract.contract.terms.id);
    }
  }
}

const nameKey = (name: string, consumer: AccountId | null): string => `${consumer ?? ""}\n${name}`;

/** A task as the outside sees it. */
export function taskView({ row, runs }: TaskEntry): TaskView {
  const { submission, progress } = row;
  return {
    id: row.id,
    name: submission.name,
    labels: submission.labels,
    consumer: row.consumer,
    phase: progress.phase,
    reason: progress.reason,
    needs: submission.needs,
    submittedAt: row.submittedAt,
    finishedAt: progress.finishedAt,
    runs: runs.map((run) => run.view),
    result: progress.result as TaskView["result"],
    charged: progress.charged,
  };
}
