import { type Currency, type Instant, type Money, money, ok, type Result } from "@weft/kernel";
import {
  type AccountId,
  type Balance,
  type Hold,
  Ledger,
  type LedgerRefusal,
  type Transfer,
  transferContent,
} from "@weft/market";
import type { AccountRow, StoreChange, StoreState } from "../store.ts";

/** The account of everything outside the books: what is paid in comes from it, what is paid out goes to it. */
export const WORLD: AccountId = "world";

/** Transfers kept in memory to be shown; the store has them all. */
const KEPT_TRANSFERS = 20_000;

/**
 * The books as the manager keeps them: a change of the ledger and the store change that makes it durable, always
 * together.
 */
export class Books {
  readonly #ledger: Ledger;
  readonly #accounts = new Map<AccountId, AccountRow>();
  /** The latest transfers, oldest first. */
  #transfers: Transfer[];

  constructor(state: StoreState) {
    this.#ledger = Ledger.restore({
      accounts: state.accounts,
      balances: state.balances,
      holds: state.holds,
      done: state.transfers.map((transfer) => [transfer.id, transferContent(transfer)] as const),
    });
    this.#transfers = [...state.transfers];
    for (const row of state.accounts) this.#accounts.set(row.id, row);
  }

  account(id: AccountId): AccountRow | undefined {
    return this.#accounts.get(id);
  }

  get accounts(): readonly AccountRow[] {
    return [...this.#accounts.values()];
  }

  balance(id: AccountId): Balance | undefined {
    return this.#ledger.balance(id);
  }

  /** What moved on an account lately, newest first. */
  transfersOf(account: AccountId): readonly Transfer[] {
    return this.#transfers
      .filter((transfer) => transfer.postings.some((posting) => posting.account === account))
      .reverse();
  }

  /** Sum of all balances by currency; zero, always. */
  totals(): ReadonlyMap<Currency, Money> {
    return this.#ledger.totals();
  }

  open(row: AccountRow): StoreChange[] {
    this.#ledger.open(row);
    this.#accounts.set(row.id, row);
    return [{ kind: "put-account", row }];
  }

  /** Money comes in from outside. The same id again changes nothing. */
  deposit(id: string, account: AccountId, amount: Money, at: Instant): Result<StoreChange[], LedgerRefusal> {
    const transfer: Transfer = {
      id: `deposit/${id}`,
      at,
      kind: "deposit",
      reference: id,
      postings: [
        { account: WORLD, amount: money(-amount) },
        { account, amount },
      ],
      closes: null,
    };
    return this.enter(transfer);
  }

  /** Sets money aside. */
  place(hold: Hold): Result<StoreChange[], LedgerRefusal> {
    const placed = this.#ledger.place(hold);
    if (!placed.ok) return placed;
    return ok(placed.value === "already" ? [] : [{ kind: "place-hold", hold }]);
  }

  /** Whether something is set aside under this name. */
  holds(hold: string): boolean {
    return this.#ledger.hold(hold) !== undefined;
  }

  /** Gives back what was set aside; nothing where that is done already. */
  release(hold: string): StoreChange[] {
    const released = this.#ledger.release(hold);
    return released.ok && released.value === "done" ? [{ kind: "release-hold", id: hold }] : [];
  }

  /** Makes an entry. The same one again changes nothing. */
  enter(transfer: Transfer): Result<StoreChange[], LedgerRefusal> {
    const posted = this.#ledger.post(transfer);
    if (!posted.ok) return posted;
    if (posted.value === "already") return ok([]);
    this.#transfers.push(transfer);
    if (this.#transfers.length >= 2 * KEPT_TRANSFERS)
      this.#transfers = this.#transfers.slice(-KEPT_TRANSFERS);
    return ok([{ kind: "transfer", transfer }]);
  }
}
