import { assert, type Instant, type Money } from "@weft/kernel";
import type { Hold, Transfer } from "@weft/market";
import type {
  AccountRow,
  ContractCharge,
  ContractRow,
  DocumentRow,
  History,
  KeyRow,
  LogEntryRow,
  NodeRow,
  OpenedHistory,
  RunRow,
  Store,
  StoreChange,
  StoreState,
  TaskRow,
  TokenRow,
  TransferPage,
  UsageRow,
} from "./store.ts";
import { hasEnded } from "./store.ts";

/** A store that keeps nothing beyond its own life: for simulation and tests, and what the real one must equal. */
export class MemoryStore implements Store, History {
  readonly #accounts = new Map<string, AccountRow>();
  readonly #tokens = new Map<string, TokenRow>();
  readonly #keys = new Map<string, KeyRow>();
  readonly #nodes = new Map<string, NodeRow>();
  readonly #tasks = new Map<string, TaskRow>();
  readonly #runs = new Map<string, RunRow>();
  readonly #contracts = new Map<string, ContractRow>();
  readonly #usage = new Map<string, UsageRow>();
  readonly #documents = new Map<string, DocumentRow>();
  readonly #balances = new Map<string, bigint>();
  readonly #holds = new Map<string, Hold>();
  readonly #closedHolds = new Set<string>();
  readonly #transfers = new Map<string, Transfer>();
  readonly #log: LogEntryRow[] = [];

  load(options: { readonly ended?: number } = {}): Promise<StoreState> {
    return Promise.resolve(this.state(options.ended));
  }

  commit(changes: readonly StoreChange[]): Promise<void> {
    for (const change of changes) this.apply(change);
    return Promise.resolve();
  }

  openHistory(): Promise<OpenedHistory> {
    return Promise.resolve(this);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  apply(change: StoreChange): void {
    switch (change.kind) {
      case "put-account":
        this.#accounts.set(change.row.id, change.row);
        break;
      case "put-token":
        this.#tokens.set(change.row.id, change.row);
        break;
      case "remove-token":
        this.#tokens.delete(change.id);
        break;
      case "put-key":
        this.#keys.set(change.row.key, change.row);
        break;
      case "remove-key":
        this.#keys.delete(change.id);
        break;
      case "put-node":
        this.#nodes.set(change.row.id, change.row);
        break;
      case "remove-node":
        this.#nodes.delete(change.id);
        break;
      case "put-task":
        this.#tasks.set(change.row.id, change.row);
        break;
      case "progress-task":
        this.#progress(change);
        break;
      case "put-run":
        this.#runs.set(change.row.view.id, change.row);
        break;
      case "put-contract":
        this.#contracts.set(change.row.contract.terms.id, change.row);
        break;
      case "put-usage":
        this.#usage.set(change.row.usage.record.id, change.row);
        break;
      case "put-document":
        this.#documents.set(`${change.row.collection}/${change.row.id}`, change.row);
        break;
      case "remove-document":
        this.#documents.delete(`${change.collection}/${change.id}`);
        break;
      case "append-log":
        this.#append(change.row);
        break;
      default:
        this.#book(change);
    }
  }

  #progress(change: StoreChange & { kind: "progress-task" }): void {
    const task = this.#tasks.get(change.id);
    assert(task !== undefined, `progress of a task never put: ${change.id}`);
    this.#tasks.set(change.id, { ...task, progress: change.progress });
  }

  #append(row: LogEntryRow): void {
    assert(row.index <= this.#log.length, `log entry ${row.index} leaves a gap`);
    this.#log[row.index] ??= row;
  }

  #book(change: StoreChange & { kind: "place-hold" | "release-hold" | "transfer" }): void {
    if (change.kind === "place-hold") {
      if (!this.#closedHolds.has(change.hold.id)) this.#holds.set(change.hold.id, change.hold);
    } else if (change.kind === "release-hold") {
      this.#close(change.id);
    } else {
      const { transfer } = change;
      if (this.#transfers.has(transfer.id)) return;
      this.#transfers.set(transfer.id, transfer);
      for (const { account, amount } of transfer.postings) {
        this.#balances.set(account, (this.#balances.get(account) ?? 0n) + amount);
      }
      if (transfer.closes !== null) this.#close(transfer.closes);
    }
  }

  #close(hold: string): void {
    this.#holds.delete(hold);
    this.#closedHolds.add(hold);
  }

  transfersOf(account: string, limit: number, after: string | null): Promise<TransferPage> {
    const mine = [...this.#transfers.values()].filter((transfer) => amountOn(account, transfer) !== null);
    const left = mine.length - (after === null ? 0 : Number(after));
    const transfers = mine.slice(Math.max(0, left - limit), left).reverse();
    return Promise.resolve({ transfers, next: left > limit ? String(mine.length - left + limit) : null });
  }

  transfersWithin(account: string, from: Instant, to: Instant): Promise<readonly Transfer[]> {
    const within = [...this.#transfers.values()].filter(({ at }) => at >= from && at < to);
    return Promise.resolve(within.filter((transfer) => amountOn(account, transfer) !== null));
  }

  balanceAt(account: string, at: Instant): Promise<Money> {
    let balance = 0n;
    for (const transfer of this.#transfers.values()) {
      if (transfer.at < at) balance += amountOn(account, transfer) ?? 0n;
    }
    return Promise.resolve(balance as Money);
  }

  chargesWithin(account: string, from: Instant, to: Instant): Promise<readonly ContractCharge[]> {
    const charges = new Map<string, { contract: string; task: string; at: Instant; amount: Money }>();
    for (const transfer of this.#transfers.values()) {
      const { kind, reference, at } = transfer;
      const amount = amountOn(account, transfer);
      if (amount === null) continue;
      const known = charges.get(reference);
      if (kind === "settlement" && at >= from && at < to) {
        const task = this.#contracts.get(reference)?.contract.terms.task ?? "";
        charges.set(reference, { contract: reference, task, at, amount: -amount as Money });
      } else if (known !== undefined && (kind === "penalty" || kind === "refund")) {
        known.amount = (known.amount - amount) as Money;
      }
    }
    return Promise.resolve([...charges.values()]);
  }

  logEntries(first: number, limit: number): Promise<readonly LogEntryRow[]> {
    return Promise.resolve(this.#log.slice(first, first + limit));
  }

  contract(id: string): Promise<ContractRow | null> {
    return Promise.resolve(this.#contracts.get(id) ?? null);
  }

  /** What `load` resolves to. */
  state(ended = 10_000): StoreState {
    const tasks = [...this.#tasks.values()].sort(
      (a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1),
    );
    const latest = tasks
      .filter((task) => hasEnded(task.progress.phase))
      .slice(ended === 0 ? tasks.length : -ended);
    const kept = new Set(latest);
    const loaded = tasks.filter((task) => !hasEnded(task.progress.phase) || kept.has(task));
    const ids = new Set(loaded.map((task) => task.id));
    const byText =
      <T>(key: (item: T) => string) =>
      (a: T, b: T) =>
        key(a) < key(b) ? -1 : 1;
    return {
      accounts: [...this.#accounts.values()].sort(byText((row) => row.id)),
      tokens: [...this.#tokens.values()].sort(byText((row) => row.id)),
      keys: [...this.#keys.values()].sort(byText((row) => row.key)),
      nodes: [...this.#nodes.values()].sort(byText((row) => row.id)),
      tasks: loaded,
      runs: [...this.#runs.values()]
        .filter((row) => ids.has(row.task))
        .sort((a, b) => (a.task === b.task ? a.attempt - b.attempt : a.task < b.task ? -1 : 1)),
      contracts: [...this.#contracts.values()]
        .filter((row) => ids.has(row.contract.terms.task))
        .sort(byText((row) => row.contract.terms.id)),
      usage: [...this.#usage.values()]
        .filter((row) => ids.has(row.task))
        .sort(byText((row) => row.usage.record.id)),
      documents: [...this.#documents.values()].sort(byText((row) => `${row.collection}\u0000${row.id}`)),
      balances: [...this.#balances]
        .map(([account, posted]) => ({ account, posted: posted as Money }))
        .sort(byText((row) => row.account)),
      holds: [...this.#holds.values()].sort(byText((row) => row.id)),
      transfers: [...this.#transfers.values()]
        .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
        .slice(-Math.max(ended, 1) * 2),
      logLeaves: this.#log.map((row) => row.leaf),
    };
  }
}

/** What a transfer brings an account; null where it does not touch it. */
function amountOn(account: string, { postings }: Transfer): bigint | null {
  const own = postings.filter((posting) => posting.account === account);
  return own.length === 0 ? null : own.reduce((sum, { amount }) => sum + amount, 0n);
}
