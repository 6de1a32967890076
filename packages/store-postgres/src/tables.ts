import type { Generated } from "kysely";

/** The columns that programs read back, as the connection parses them: int8 as bigint, JSON as text. */
export interface Tables {
  readonly accounts: { id: string; body: string };
  readonly tokens: { id: string; body: string };
  readonly keys: { key: string; body: string };
  readonly nodes: { id: string; body: string };
  readonly tasks: {
    id: string;
    consumer: string;
    submitted_at: bigint;
    phase: string;
    submission: string;
    progress: string;
  };
  readonly runs: { id: string; task: string; attempt: number; body: string };
  readonly contracts: { id: string; task: string; state: string; body: string };
  readonly usage: { id: string; task: string; body: string };
  readonly documents: { collection: string; id: string; at: bigint; body: string };
  readonly transfers: {
    id: string;
    serial: Generated<bigint>;
    at: bigint;
    kind: string;
    reference: string;
    closes: string | null;
  };
  readonly postings: { transfer: string; ordinal: number; account: string; amount: bigint };
  readonly balances: { account: string; posted: bigint };
  readonly holds: {
    id: string;
    account: string;
    amount: bigint;
    at: bigint;
    reference: string;
    closed: boolean;
  };
  readonly log: { index: bigint; leaf: Buffer; body: string };
}
