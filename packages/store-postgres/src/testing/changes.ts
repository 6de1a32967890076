import { type Bytes, type Instant, type Money, money } from "@weft/kernel";
import type { Contract, Hold, SignedUsage, Transfer } from "@weft/market";
import type { NodeRow, RunRow, StoreChange, TaskPhase, TaskRow } from "@weft/service";

/*
 * Store changes for tests, short to write: accounts, tasks, runs, contracts, usage, money.
 */

export const at = (n: number): Instant => (1_700_000_000_000_000 + n) as Instant;
export const account = (id: string, limit: Money | null): StoreChange => ({
  kind: "put-account",
  row: { id, currency: "CNY", limit, name: `Account "${id}"`, role: "consumer", createdAt: at(0) },
});
export const task = (
  id: string,
  n: number,
  phase: TaskPhase = "pending",
): StoreChange & { kind: "put-task" } => ({
  kind: "put-task",
  row: {
    id,
    consumer: "ann",
    submittedAt: at(n),
    submission: {
      name: 'it\'s "quoted", {braced} \\ and 算力',
      needs: { compute: { lanes: Number.POSITIVE_INFINITY } },
      order: { order: { payAtMost: money(1000n) }, signature: "00" },
    } as unknown as TaskRow["submission"],
    progress: { phase, reason: null, finishedAt: null, result: null, charged: null },
  },
});
export const progress = (id: string, phase: TaskPhase, charged: bigint | null = null): StoreChange => ({
  kind: "progress-task",
  id,
  progress: {
    phase,
    reason: null,
    finishedAt: at(9),
    result: {
      digest: "ab",
      size: 3 as Bytes,
      at: "here" as NonNullable<TaskRow["progress"]["result"]>["at"],
    },
    charged: charged === null ? null : money(charged),
  },
});
export const hold = (id: string, amount: bigint): Hold => ({
  id,
  account: "ann",
  amount: money(amount),
  at: at(1),
  reference: "c",
});
export const transfer = (
  id: string,
  from: string,
  to: string,
  amount: bigint,
  closes: string | null = null,
): StoreChange & { kind: "transfer" } => ({
  kind: "transfer",
  transfer: {
    id,
    at: at(2),
    kind: "settlement",
    reference: "c",
    postings: [
      { account: from, amount: money(-amount) },
      { account: to, amount: money(amount) },
    ],
    closes,
  } satisfies Transfer,
});
export const contract = (id: string, of: string, state: "signed" | "settled"): StoreChange => ({
  kind: "put-contract",
  row: {
    contract: {
      terms: { id, task: of, ceiling: money(5n) },
      manager: "aa",
      provider: null,
    } as unknown as Contract,
    run: `run-${id}`,
    state,
    openedAt: at(1),
    closedAt: null,
    because: null,
    charged: null,
  },
});
export const usage = (id: string, of: string): StoreChange => ({
  kind: "put-usage",
  row: {
    usage: {
      record: { id, contract: "c", node: "corner", sequence: 1, operations: 9n },
      signature: "00",
    } as unknown as SignedUsage,
    task: of,
    charge: { lines: [], total: money(3n) },
    receivedAt: at(3),
  },
});
export const run = (id: string, of: string, attempt: number): StoreChange => ({
  kind: "put-run",
  row: { task: of, attempt, view: { id, node: "corner", state: "running" } } as unknown as RunRow,
});
export const node = (id: string): StoreChange => ({
  kind: "put-node",
  row: { id, provider: "bob", prices: { perTask: money(1n) }, earned: money(7n) } as unknown as NodeRow,
});

/** Accounts to begin with, nothing on them. */
export const opening: readonly StoreChange[] = [
  account("world", null),
  account("ann", money(0n)),
  account("bob", money(0n)),
];

/** A transfer that does not sum to zero. */
export const unbalanced = (id: string): StoreChange & { kind: "transfer" } => {
  const whole = transfer(id, "ann", "bob", 5n);
  return { ...whole, transfer: { ...whole.transfer, postings: whole.transfer.postings.slice(1) } };
};
