import type { Money, Refusal, Result } from "@weft/kernel";
import type { AccountId, CreditNote, Invoice, Statement } from "@weft/market";
import type { Caller, Payout } from "@weft/service";
import type { Awaitable } from "../asked.ts";
import type { AccountView, ContractView } from "../views.ts";

/** An invoice, and what of it was given back. */
export interface InvoiceView {
  readonly invoice: Invoice;
  readonly credits: readonly CreditNote[];
  /** The account's clock: IANA name. */
  readonly timeZone: string;
}

/** What became of one account in a run over all of them. */
export interface IssuedView {
  readonly account: AccountId;
  /** null where it was refused. */
  readonly invoice: Invoice | null;
  readonly refusal: Refusal | null;
}

/** What a payout comes from: settlements since the last one, and what the manager kept of them. */
export interface PayoutView {
  readonly payout: Payout;
  readonly charged: Money;
  readonly commission: Money;
}

/** Bills, payouts and disputes as the server asks for them. Callers see their own, managers all. */
export interface BillingApi {
  /** Newest first. */
  invoices(caller: Caller): Awaitable<readonly InvoiceView[]>;
  /** By id, or by number. */
  invoice(caller: Caller, idOrNumber: string): Awaitable<Result<InvoiceView>>;
  /** What an account's invoice for a period (by name; null: the present one) would be now. Keeps nothing. */
  draft(caller: Caller, account: AccountId, period: string | null): Promise<Result<InvoiceView>>;
  /** Issues every account's invoice for a period that is over; those there are already stay as they are. */
  issue(period: string, dryRun: boolean): Promise<Result<readonly IssuedView[]>>;
  credit(
    invoice: string,
    note: {
      readonly id: string;
      readonly amount: Money;
      readonly reason: string;
      readonly borneBy: AccountId | null;
    },
  ): Promise<Result<CreditNote>>;
  payouts(caller: Caller): Awaitable<readonly Payout[]>;
  /** Pays a provider what it has, or says what would be paid. Once a period: asked again it is the same one. */
  payOut(caller: Caller, account: AccountId, dryRun: boolean): Promise<Result<PayoutView>>;
  statement(caller: Caller, account: AccountId, period: string | null): Promise<Result<Statement>>;
  dispute(caller: Caller, contract: string, claim: string): Promise<Result<ContractView>>;
  resolve(
    caller: Caller,
    contract: string,
    ruling: { readonly refund: Money; readonly borneBy: "provider" | "manager"; readonly note: string },
  ): Promise<Result<ContractView>>;
  setTimeZone(caller: Caller, account: AccountId, timeZone: string): Promise<Result<AccountView>>;
}
