import { type Instant, type Money, money, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import {
  type AccountId,
  type Billable,
  type CreditNote,
  type Invoice,
  invoiceId,
  type Period,
  periodNamed,
  periodOf,
  statementFrom,
} from "@weft/market";
import {
  type Caller,
  type Command,
  type ContractRow,
  type History,
  type Manager,
  type Payout,
  payoutOf,
  tooLittle,
} from "@weft/service";
import type { BillingApi, InvoiceView, IssuedView } from "@weft/service-http";
import { mayRead } from "./ownership.ts";
import { accountView, contractRowView } from "./views.ts";

/** Charges listed one by one on an invoice; of more, each day is one line. */
const MOST_LINES = 1000;

const absent = (what: string, found: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", `no such ${what}`, { found });

interface Parts {
  readonly core: () => Manager["core"];
  readonly history: History;
  readonly clock: () => Instant;
  readonly command: (command: Command) => Promise<Result<string>>;
}

/** Bills over a live core: what was charged comes from the history, what follows from it is the core's to decide. */
export function liveBilling({ core, history, clock, command }: Parts): BillingApi {
  const biller = () => core().billing.biller;
  const sees = (caller: Caller, account: AccountId): boolean =>
    core().books.account(account) !== undefined && (caller.role === "manager" || caller.account === account);
  const view = (invoice: Invoice): InvoiceView => ({
    invoice,
    credits: biller().state.credits.filter((note) => note.invoice === invoice.id),
    timeZone: core().books.account(invoice.account)?.timeZone ?? "UTC",
  });
  const found = (idOrNumber: string): Invoice | undefined =>
    biller().invoice(idOrNumber) ??
    biller().state.invoices.find(({ number }) => String(number) === idOrNumber);
  const named = (name: string | null): Result<Period> => {
    const { every } = core().billing.policy;
    const period = name === null ? periodOf(clock(), every) : periodNamed(name);
    return period === null
      ? refuse("E_REQUEST", "no such period", { path: "period", found: name ?? "" })
      : ok(period);
  };

  /** What an account was charged since its last invoice. */
  const charges = async (account: AccountId, period: Period): Promise<readonly Billable[]> => {
    const from = core().billing.invoicedUntil(account);
    const all = await history.chargesWithin(account, from, period.to);
    const each = all
      .filter(({ amount }) => amount > 0n)
      .map(({ contract, task, at, amount }) => ({ id: contract, account, at, description: task, amount }));
    return each.length <= MOST_LINES ? each : byDay(each, account);
  };

  const dryInvoice = async (account: AccountId, period: Period): Promise<Invoice> =>
    biller().invoice(invoiceId(account, period)) ??
    biller().draft(account, period, await charges(account, period), clock());

  const issueOne = async (account: AccountId, period: Period): Promise<IssuedView> => {
    const asked = {
      kind: "issue-invoice",
      account,
      period,
      charges: await charges(account, period),
    } as const;
    const answer = await command(asked);
    if (!answer.ok) return { account, invoice: null, refusal: answer.refusal };
    return { account, invoice: biller().invoice(answer.value) ?? null, refusal: null };
  };

  const changed = async (id: string, answer: Result<string>) => {
    if (!answer.ok) return answer;
    const row = await rowOf(id);
    return row === null ? absent("contract", id) : ok(contractRowView(row, true));
  };
  const rowOf = async (id: string): Promise<ContractRow | null> =>
    core().tasks.runOfContract(id)?.contract ?? (await history.contract(id));

  /** What a provider's work was charged since its last payout, and what the manager kept of it. */
  const sources = async (account: AccountId, before: Instant) => {
    const payouts = [...core().billing.payouts.values()].filter((paid) => paid.account === account);
    const since = Math.max(
      0,
      ...payouts.flatMap(({ at }) => (at !== null && at < before ? [at] : [])),
    ) as Instant;
    let charged = 0n;
    let commission = 0n;
    for (const { kind, postings } of await history.transfersWithin(account, since, before)) {
      if (kind !== "settlement") continue;
      for (const posting of postings) {
        if (posting.account === account || posting.account === core().options.account)
          charged += posting.amount;
        if (posting.account === core().options.account) commission += posting.amount;
      }
    }
    return { charged: money(charged), commission: money(commission) };
  };

  return {
    invoices: (caller) =>
      biller()
        .state.invoices.filter(({ account }) => sees(caller, account))
        .map(view)
        .reverse(),
    invoice: (caller, idOrNumber) => {
      const invoice = found(idOrNumber);
      return invoice !== undefined && sees(caller, invoice.account)
        ? ok(view(invoice))
        : absent("invoice", idOrNumber);
    },
    draft: async (caller, account, name) => {
      if (!sees(caller, account)) return absent("account", account);
      const period = named(name);
      return period.ok ? ok(view(await dryInvoice(account, period.value))) : period;
    },
    issue: async (name, dryRun) => {
      const period = named(name);
      if (!period.ok) return period;
      await command({ kind: "flush" }); // what was charged before is in the history now
      const issued: IssuedView[] = [];
      for (const { id, role } of core().books.accounts) {
        if (role !== "consumer") continue;
        if (dryRun) issued.push({ account: id, invoice: await dryInvoice(id, period.value), refusal: null });
        else issued.push(await issueOne(id, period.value));
      }
      const told = issued.filter(({ invoice, refusal }) =>
        dryRun ? (invoice?.lines.length ?? 0) > 0 : refusal?.code !== "E_INVOICE_EMPTY",
      );
      return ok(told);
    },
    credit: async (idOrNumber, note) => {
      const invoice = found(idOrNumber);
      if (invoice === undefined) return absent("invoice", idOrNumber);
      const borneBy = note.borneBy ?? core().options.account;
      const answer = await command({ kind: "credit-invoice", ...note, invoice: invoice.id, borneBy });
      if (!answer.ok) return answer;
      return ok(biller().state.credits.find(({ id }) => id === note.id) as CreditNote);
    },
    payouts: (caller) =>
      [...core().billing.payouts.values()].filter(({ account }) => sees(caller, account)).reverse(),
    payOut: async (caller, account, dryRun) => {
      if (!sees(caller, account)) return absent("account", account);
      if (dryRun) {
        const made = payoutOf(core(), clock(), account);
        if (made === null) {
          return tooLittle(core(), account);
        }
        return ok({ payout: { ...made[0], at: null }, ...(await sources(account, clock())) });
      }
      await command({ kind: "flush" });
      const answer = await command({ kind: "pay-out", caller, account });
      if (!answer.ok) return answer;
      const paid = core().billing.payouts.get(answer.value) as Payout;
      return ok({ payout: paid, ...(await sources(account, paid.at ?? clock())) });
    },
    statement: async (caller, account, name) => {
      const row = core().books.account(account);
      if (row === undefined || !sees(caller, account)) return absent("account", account);
      const period = name === null ? ok(periodOf(clock(), "month")) : named(name);
      if (!period.ok) return period;
      const { from, to } = period.value;
      const opening: Money = await history.balanceAt(account, from);
      const moved = await history.transfersWithin(account, from, to);
      return ok(statementFrom(account, row.currency, period.value, opening, moved));
    },
    dispute: async (caller, contract, claim) => {
      const row = await rowOf(contract);
      if (row === null || !mayRead(caller, row)) return absent("contract", contract);
      return changed(contract, await command({ kind: "dispute", caller, contract, claim, row }));
    },
    resolve: async (_, contract, ruling) => {
      const row = await rowOf(contract);
      if (row === null) return absent("contract", contract);
      return changed(contract, await command({ kind: "resolve", contract, ...ruling, row }));
    },
    setTimeZone: async (caller, account, timeZone) => {
      if (!sees(caller, account)) return absent("account", account);
      const answer = await command({ kind: "set-time-zone", account, timeZone });
      if (!answer.ok) return answer;
      const shown = accountView(core(), account, clock());
      return shown === undefined ? absent("account", account) : ok(shown);
    },
  };
}

/** One line a day of UTC, at its last charge. */
function byDay(charges: readonly Billable[], account: AccountId): readonly Billable[] {
  const days = new Map<string, { at: Instant; amount: bigint; count: number }>();
  for (const { at, amount } of charges) {
    const { name } = periodOf(at, "day");
    const day = days.get(name) ?? { at, amount: 0n, count: 0 };
    days.set(name, { at, amount: day.amount + amount, count: day.count + 1 });
  }
  return [...days].map(([name, { at, amount, count }]) => ({
    id: `${account}/${name}`,
    account,
    at,
    description: `${count} tasks on ${name}`,
    amount: money(amount),
  }));
}

/** Issues what is due: the invoices of the last period that is over. Safe to call at any time, and twice. */
export async function issueDue(
  billing: BillingApi,
  core: () => Manager["core"],
  now: Instant,
): Promise<readonly IssuedView[]> {
  const { every } = core().billing.policy;
  const last = periodOf((periodOf(now, every).from - 1) as Instant, every);
  const issued = await billing.issue(last.name, false);
  return issued.ok ? issued.value : [];
}
