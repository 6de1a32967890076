import type { Instant, Money } from "@weft/kernel";
import type { AccountId, SequenceRange, UsageRecord } from "@weft/market";
import type pg from "pg";
import { binaryArray } from "./array.ts";
import { storeError } from "./store-error.ts";

/** A meter's record that was checked and is new (`UsageIntake`), with its line, and what it costs whom. */
export interface RatedReading {
  readonly record: UsageRecord;
  /** `recordLine(record)`. */
  readonly line: string;
  readonly account: AccountId;
  readonly charge: Money;
}

/** Consecutive readings of one node. */
interface Run {
  readonly node: string;
  readonly first: number;
  last: number;
  readonly lines: string[];
  /** By account and contract. */
  readonly charges: Map<string, Owed>;
}

interface Owed {
  readonly account: string;
  readonly contract: string;
  count: number;
  sum: bigint;
}

function runsOf(readings: readonly RatedReading[]): readonly Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  let last: Owed | undefined;
  for (const { record, line, account, charge } of readings) {
    const { node, sequence, contract } = record;
    const fresh = run === undefined || run.node !== node || run.last + 1 !== sequence;
    if (run === undefined || fresh) {
      run = { node, first: sequence, last: sequence, lines: [], charges: new Map() };
      runs.push(run);
    }
    run.last = sequence;
    run.lines.push(line);
    // A meter bills one account under one contract for long stretches.
    if (last === undefined || last.account !== account || last.contract !== contract || fresh) {
      const key = `${account}\u0000${contract}`;
      last = run.charges.get(key);
      if (last === undefined) run.charges.set(key, (last = { account, contract, count: 0, sum: 0n }));
    }
    last.count++;
    last.sum += charge;
  }
  return runs;
}

const APPEND = "SELECT meter_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS taken";

/**
 * Readings of long-running services, by the tens of thousands a second. Kept by runs, each the very lines that were
 * signed, so a row holds what a batch holds and the database writes text instead of rows.
 */
export class MeterTable {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Resolves to how many were new, once they are durable. The same call again writes nothing. */
  async append(readings: readonly RatedReading[], receivedAt: Instant): Promise<number> {
    const runs = runsOf(readings);
    const charges = runs.flatMap((run) => [...run.charges.values()].map((charge) => ({ run, charge })));
    const texts = (items: readonly string[]): Buffer => binaryArray("text", items);
    const values = [
      receivedAt,
      texts(runs.map((run) => run.node)),
      binaryArray(
        "int8",
        runs.map((run) => run.first),
      ),
      binaryArray(
        "int8",
        runs.map((run) => run.last),
      ),
      texts(runs.map((run) => run.lines.join("\n"))),
      texts(charges.map(({ run }) => run.node)),
      binaryArray(
        "int8",
        charges.map(({ run }) => run.first),
      ),
      texts(charges.map(({ charge }) => charge.account)),
      texts(charges.map(({ charge }) => charge.contract)),
      binaryArray(
        "int8",
        charges.map(({ charge }) => charge.count),
      ),
      binaryArray(
        "int8",
        charges.map(({ charge }) => charge.sum),
      ),
    ];
    try {
      const { rows } = await this.#client.query<{ taken: bigint }>({ name: "meter", text: APPEND, values });
      return Number(rows[0]?.taken);
    } catch (error) {
      throw storeError(error);
    }
  }

  /** What each account owes by the readings received from `from` until before `to`. */
  async owed(from: Instant, to: Instant): Promise<ReadonlyMap<AccountId, Money>> {
    const { rows } = await this.#client.query<{ account: string; owed: bigint }>(
      `SELECT account, sum(charge) AS owed FROM meter_charges
       WHERE received_at >= $1 AND received_at < $2 GROUP BY account ORDER BY account`,
      [from, to],
    );
    return new Map(rows.map((row) => [row.account, row.owed as Money]));
  }

  /** Which numbers of each node have been written, to begin its `UsageIntake` with. */
  async known(): Promise<ReadonlyMap<string, readonly SequenceRange[]>> {
    const { rows } = await this.#client.query<{ node: string; first: bigint; last: bigint }>(
      "SELECT node, first, last FROM meter ORDER BY node, first",
    );
    const ranges = new Map<string, SequenceRange[]>();
    for (const { node, first, last } of rows) {
      const known = ranges.get(node) ?? [];
      if (known.length === 0) ranges.set(node, known);
      const before = known.at(-1);
      const joined = before !== undefined && before.to + 1 === Number(first);
      if (joined) known[known.length - 1] = { from: before.from, to: Number(last) };
      else known.push({ from: Number(first), to: Number(last) });
    }
    return ranges;
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
