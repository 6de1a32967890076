import type { Instant, Money } from "@weft/kernel";
import type { AccountId, Posting, Transfer, TransferKind } from "@weft/market";
import {
  type ContractCharge,
  type ContractRow,
  fromStoredText,
  type LogEntryRow,
  type History as Past,
  type TransferPage,
  type UsageRow,
} from "@weft/service";
import type pg from "pg";
import { storeError } from "./store-error.ts";

interface TransferRow {
  readonly id: string;
  readonly serial: bigint;
  readonly at: bigint;
  readonly kind: string;
  readonly reference: string;
  readonly closes: string | null;
  readonly accounts: readonly string[];
  readonly amounts: readonly string[];
}

const TRANSFERS = `
  SELECT t.id, t.serial, t.at, t.kind, t.reference, t.closes,
         array_agg(p.account ORDER BY p.ordinal) AS accounts, array_agg(p.amount::text ORDER BY p.ordinal) AS amounts
  FROM transfers t JOIN postings p ON p.transfer = t.id`;

const transferOf = (row: TransferRow): Transfer => ({
  id: row.id,
  at: Number(row.at) as Instant,
  kind: row.kind as TransferKind,
  reference: row.reference,
  postings: row.accounts.map(
    (account, i): Posting => ({ account, amount: BigInt(row.amounts[i] ?? "0") as Money }),
  ),
  closes: row.closes,
});

/**
 * What has been, read from the database over a connection of its own, so that reading never holds up a commit.
 * The core keeps only the latest in memory; statements, audits and proofs need all of it.
 */
export class History implements Past {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async #rows<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#client.query<Row>(text, values as unknown[])).rows;
    } catch (error) {
      throw storeError(error);
    }
  }

  /** An account's transfers, newest first, `limit` at a time; `after` is the former page's `next`. */
  async transfersOf(account: AccountId, limit: number, after: string | null = null): Promise<TransferPage> {
    const rows = await this.#rows<TransferRow>(
      `${TRANSFERS} WHERE ($3::int8 IS NULL OR t.serial < $3)
         AND EXISTS (SELECT FROM postings q WHERE q.transfer = t.id AND q.account = $1)
       GROUP BY t.id ORDER BY t.serial DESC LIMIT $2`,
      [account, limit + 1, after],
    );
    const shown = rows.slice(0, limit);
    const next = rows.length > limit ? String(shown.at(-1)?.serial) : null;
    return { transfers: shown.map(transferOf), next };
  }

  /** Everything an account moved from `from` until before `to`, oldest first. */
  async transfersWithin(account: AccountId, from: Instant, to: Instant): Promise<readonly Transfer[]> {
    const rows = await this.#rows<TransferRow>(
      `${TRANSFERS} WHERE t.at >= $2 AND t.at < $3
         AND EXISTS (SELECT FROM postings q WHERE q.transfer = t.id AND q.account = $1)
       GROUP BY t.id ORDER BY t.serial`,
      [account, from, to],
    );
    return rows.map(transferOf);
  }

  /**
   * What an account was charged for contracts settled from `from` until before `to`, penalties and refunds taken off,
   * oldest first.
   */
  async chargesWithin(account: AccountId, from: Instant, to: Instant): Promise<readonly ContractCharge[]> {
    const rows = await this.#rows<{ contract: string; task: string; at: bigint; amount: bigint }>(
      `SELECT s.reference AS contract, coalesce(max(c.task), '') AS task, s.at,
              -(sum(p.amount) + coalesce((SELECT sum(q.amount) FROM transfers t
                 JOIN postings q ON q.transfer = t.id AND q.account = $1
                 WHERE t.reference = s.reference AND t.kind <> 'settlement'
                   AND t.kind IN ('penalty', 'refund')), 0))::int8 AS amount
       FROM transfers s JOIN postings p ON p.transfer = s.id AND p.account = $1
       LEFT JOIN contracts c ON c.id = s.reference
       WHERE s.kind = 'settlement' AND s.at >= $2 AND s.at < $3
       GROUP BY s.id ORDER BY s.serial`,
      [account, from, to],
    );
    return rows.map(({ contract, task, at, amount }) => ({
      contract,
      task,
      at: Number(at) as Instant,
      amount: amount as Money,
    }));
  }

  /** What an account had at an instant. */
  async balanceAt(account: AccountId, at: Instant): Promise<Money> {
    const rows = await this.#rows<{ sum: bigint }>(
      `SELECT coalesce(sum(p.amount), 0) AS sum FROM postings p JOIN transfers t ON t.id = p.transfer
       WHERE p.account = $1 AND t.at < $2`,
      [account, at],
    );
    return (rows[0]?.sum ?? 0n) as Money;
  }

  /** The log's entries in order, from `first`, at most `limit`. */
  async logEntries(first: number, limit: number): Promise<readonly LogEntryRow[]> {
    const rows = await this.#rows<{ index: bigint; leaf: Buffer; body: string }>(
      "SELECT index, leaf, body FROM log WHERE index >= $1 ORDER BY index LIMIT $2",
      [first, limit],
    );
    return rows.map(({ index, leaf, body }) => ({ index: Number(index), leaf: leaf.toString("hex"), body }));
  }

  /** A contract, however old. */
  async contract(id: string): Promise<ContractRow | null> {
    const rows = await this.#rows<{ body: string }>("SELECT body FROM contracts WHERE id = $1", [id]);
    return rows[0] === undefined ? null : fromStoredText<ContractRow>(rows[0].body);
  }

  /** The usage records of a contract. */
  async usageOf(contract: string): Promise<readonly UsageRow[]> {
    const rows = await this.#rows<{ body: string }>(
      "SELECT body FROM usage WHERE contract = $1 ORDER BY id",
      [contract],
    );
    return rows.map((row) => fromStoredText<UsageRow>(row.body));
  }

  /**
   * Whether the books in the database hold: every transfer sums to zero by currency, every balance is the sum of its
   * postings. Gives the ids of what does not; empty when all is well. Reads everything.
   */
  async audit(): Promise<readonly string[]> {
    const rows = await this.#rows<{ wrong: string }>(
      `SELECT DISTINCT p.transfer AS wrong FROM postings p JOIN accounts a ON a.id = p.account
       GROUP BY p.transfer, a.currency HAVING sum(p.amount) <> 0
       UNION ALL
       SELECT coalesce(b.account, s.account) FROM balances b
       FULL JOIN (SELECT account, sum(amount) AS sum FROM postings GROUP BY account) s ON s.account = b.account
       WHERE coalesce(b.posted, 0) <> coalesce(s.sum, 0)`,
      [],
    );
    return rows.map((row) => row.wrong);
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
