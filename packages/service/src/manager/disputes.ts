import { type Instant, type Money, money, ok, type Result, refuse, scaleMoney } from "@weft/kernel";
import { type ContractRole, commissionOf, type Invoice } from "@weft/market";
import type { Caller } from "../resources.ts";
import type { ContractRow } from "../store.ts";
import { credit, TAX } from "./billing.ts";
import { type Core, store } from "./core.ts";
import { sealRow } from "./log.ts";
import { advance, reopen, type Traded } from "./trading.ts";

/*
 * Disputes (docs/spec/contract.md, K6): a party objects to how a contract ended, what its provider earned by it is set
 * aside, and the manager's ruling gives back what it finds due; where the charge stands on an invoice already, by a credit
 * note.
 */

export type DisputeCommand =
  /** `row`: the contract as it is kept, for one that the core has forgotten. */
  | {
      readonly kind: "dispute";
      readonly caller: Caller;
      readonly contract: string;
      readonly claim: string;
      readonly row: ContractRow | null;
    }
  | {
      readonly kind: "resolve";
      readonly contract: string;
      readonly refund: Money;
      readonly borneBy: "provider" | "manager";
      readonly note: string;
      readonly row: ContractRow | null;
    };

const asideFor = (contract: string): string => `dispute/${contract}`;

function traded(core: Core, { contract, row }: DisputeCommand): Traded | null {
  const run = core.tasks.runOfContract(contract);
  if (run !== undefined) return run;
  return row === null ? null : { contract: row, life: reopen(core.options.fee, row) };
}

const absent = (contract: string) => refuse("E_NOT_FOUND", "no such contract", { found: contract });

export function disputeCommand(core: Core, now: Instant, asked: DisputeCommand): Result<string> {
  const found = traded(core, asked);
  if (found === null) return absent(asked.contract);
  return asked.kind === "dispute" ? dispute(core, now, found, asked) : resolve(core, now, found, asked);
}

/** Which party of a contract somebody is; null: none. */
function partyOf({ contract: { terms } }: ContractRow, { account, role }: Caller): ContractRole | null {
  if (terms.consumer.account === account) return "consumer";
  if (terms.provider.account === account) return "provider";
  return role === "manager" ? "manager" : null;
}

function dispute(
  core: Core,
  now: Instant,
  found: Traded,
  asked: DisputeCommand & { kind: "dispute" },
): Result<string> {
  const { caller, claim, contract } = asked;
  const by = partyOf(found.contract, caller);
  if (by === null) return absent(contract);
  const from = found.contract.state as "fulfilled" | "breached" | "settled";
  const refusal = advance(core, now, found, { kind: "dispute", by, claim });
  if (refusal !== null) return { ok: false, refusal };
  setAside(core, now, found.contract);
  const opened = { by: caller.account, claim, at: now, from, ruling: null };
  found.contract = { ...found.contract, dispute: opened };
  store(core, [{ kind: "put-contract", row: found.contract }]);
  return ok(contract);
}

/** What the provider earned by it, as far as it still has it, is not paid out until the ruling. */
function setAside(core: Core, now: Instant, { contract: { terms }, charged, penalty }: ContractRow): void {
  const { account } = terms.provider;
  const due = money((charged ?? 0n) - (penalty ?? 0n));
  const earned = money(due - commissionOf(due, core.options.fee));
  const balance = core.books.balance(account);
  const there = money((balance?.posted ?? 0n) - (balance?.held ?? 0n));
  let amount = earned;
  if (there < amount) amount = there;
  if (amount <= 0n) return;
  const held = core.books.place({ id: asideFor(terms.id), account, amount, at: now, reference: terms.id });
  if (held.ok) store(core, held.value);
}

function resolve(
  core: Core,
  now: Instant,
  found: Traded,
  asked: DisputeCommand & { kind: "resolve" },
): Result<string> {
  const { contract, refund, borneBy, note } = asked;
  const opened = found.contract.dispute;
  if (opened?.ruling && opened.ruling.refund === refund && opened.ruling.borneBy === borneBy)
    return ok(contract);
  const { terms } = found.contract.contract;
  const { account } = terms.consumer;
  const invoice = core.billing.invoiceAt(account, found.contract.closedAt ?? now);
  if (invoice !== undefined && refund > core.billing.biller.creditable(invoice.id)) {
    return refuse("E_CREDIT_AMOUNT", "more than is left of the invoice", {
      path: "refund",
      found: String(refund),
      expected: `at most ${core.billing.biller.creditable(invoice.id)}`,
      hint: "in millionths of the currency; what was given back before counts",
    });
  }
  const aside = core.books.holds(asideFor(contract)) ? asideFor(contract) : null;
  const refusal = advance(core, now, found, { kind: "resolve", refund, borneBy }, aside);
  if (refusal !== null) {
    const hint = "the provider has less than that left; --borne-by manager gives it back all the same";
    return { ok: false, refusal: refusal.code === "E_LEDGER_OVERDRAWN" ? { ...refusal, hint } : refusal };
  }
  if (aside !== null) store(core, core.books.release(aside)); // where nothing moved, it is still there
  const ruling = { at: now, refund, borneBy, note };
  if (opened !== undefined) found.contract = { ...found.contract, dispute: { ...opened, ruling } };
  sealRow(core, now, found, null);
  store(core, [{ kind: "put-contract", row: found.contract }]);
  if (invoice !== undefined && refund > 0n) creditFor(core, now, found.contract, invoice, asked);
  return ok(contract);
}

/** What was invoiced already is put right by a credit note, its tax with it. */
function creditFor(
  core: Core,
  now: Instant,
  { contract: { terms } }: ContractRow,
  invoice: Invoice,
  { refund, borneBy, note }: DisputeCommand & { kind: "resolve" },
): void {
  const id = asideFor(terms.id);
  const common = { invoice: invoice.id, account: invoice.account, issuedAt: now };
  const bearer = terms[borneBy].account;
  // Its money moved with the ruling.
  credit(core, { ...common, id, amount: refund, reason: note, borneBy: bearer }, false);
  const taxes = invoice.adjustments.filter(({ kind }) => kind === "tax");
  const tax = taxes.reduce((sum, { amount }) => sum + amount, 0n);
  const back = invoice.charges === 0n ? 0n : scaleMoney(refund, tax, invoice.charges, "down");
  if (back === 0n) return;
  const reason = `tax on it: ${note}`;
  credit(core, { ...common, id: `${id}/tax`, amount: money(back), reason, borneBy: TAX }, true);
}
