import { nodeGrade } from "@weft/infrastructure";
import { type Instant, type Micros, ZERO } from "@weft/kernel";
import {
  type Invoice,
  type Offer,
  openFor,
  TASK_OFFERING,
  type TmfOrderState,
  type TmfProductOffering,
  type TmfProductOrder,
  tmfAppliedRates,
  tmfCustomerBill,
  tmfOfferingPrices,
  tmfProductOffering,
  tmfTaskOrder,
  tmfUsage,
} from "@weft/market";
import {
  type Caller,
  listOf,
  type Manager,
  type NodeRow,
  type RunEntry,
  type TaskEntry,
} from "@weft/service";
import type { BillingApi, TmfApi, TmfList } from "@weft/service-http";

type Core = Manager["core"];

const NO_TIME = 0 as Micros;

/** The market over a live core, as operators' systems read it. */
export function liveTmForum(core: () => Core, clock: () => Instant, billing: () => BillingApi): TmfApi {
  return {
    usage: (caller) => {
      const rated = runsOf(core(), caller).filter((run) => run.usage !== null);
      const shape = (run: RunEntry) => {
        const { usage, charge, receivedAt } = run.usage as NonNullable<RunEntry["usage"]>;
        const rating = { charge, at: receivedAt, billed: run.contract.state === "settled" };
        return tmfUsage(usage.record, run.contract.contract, rating, rating.billed ? "billed" : "rated");
      };
      return listed(rated, (run) => run.usage?.usage.record.id ?? "", shape);
    },
    bills: async (caller) => listed(await billsOf(billing(), caller), ({ id }) => id, shapeOfBill),
    rates: async (caller) => {
      const rates = (await billsOf(billing(), caller)).flatMap(tmfAppliedRates);
      return listed(
        rates,
        ({ id }) => id,
        (rate) => rate,
      );
    },
    orders: (caller) => {
      const entries = [...core().tasks.all].filter((entry) => sees(entry, caller)).reverse();
      return listed(
        entries,
        ({ row }) => row.id,
        (entry) => orderOf(core(), entry),
      );
    },
    offerings: () => {
      const now = clock();
      const own = (row: NodeRow) =>
        tmfProductOffering(offerOf(core(), row, now), onSale(core(), row, now), now);
      const shapes = [taskOffering(), ...rowsOf(core()).map(own)];
      return listed(
        shapes,
        ({ id }) => id,
        (offering) => offering,
      );
    },
    prices: () => {
      const { currency } = core().options;
      const now = clock();
      const prices = rowsOf(core()).flatMap((row) => tmfOfferingPrices(offerOf(core(), row, now), currency));
      return listed(
        prices,
        ({ id }) => id,
        (price) => price,
      );
    },
  };
}

const listed = <S, T>(items: readonly S[], idOf: (item: S) => string, shape: (item: S) => T): TmfList<T> => ({
  length: items.length,
  at: (index) => shape(items[index] as S),
  find: (id) => {
    const found = items.find((item) => idOf(item) === id);
    return found === undefined ? undefined : shape(found);
  },
});

const provides = (caller: Caller, run: RunEntry): boolean =>
  caller.role === "provider" && run.contract.contract.terms.provider.account === caller.account;

/** A manager sees all, a consumer what it ordered, a provider what ran on its nodes. */
const sees = (entry: TaskEntry, caller: Caller): boolean =>
  caller.role === "manager" ||
  entry.row.consumer === caller.account ||
  entry.runs.some((run) => provides(caller, run));

function runsOf(core: Core, caller: Caller): RunEntry[] {
  const runs: RunEntry[] = [];
  for (const entry of core.tasks.all) {
    const mine = caller.role === "manager" || entry.row.consumer === caller.account;
    for (const run of entry.runs) if (mine || provides(caller, run)) runs.push(run);
  }
  return runs.reverse();
}

/** Invoices, newest first; before them, for a consumer, what the running period's would be now. */
async function billsOf(billing: BillingApi, caller: Caller): Promise<readonly Invoice[]> {
  const issued = (await billing.invoices(caller)).map(({ invoice }) => invoice);
  if (caller.role !== "consumer") return issued;
  const draft = await billing.draft(caller, caller.account, null);
  return draft.ok && draft.value.invoice.lines.length > 0 ? [draft.value.invoice, ...issued] : issued;
}

/** Everything on an invoice has moved by the time it is issued, so nothing of it remains; drafts have no number. */
const shapeOfBill = (bill: Invoice) => tmfCustomerBill(bill, ZERO, bill.number === 0 ? "new" : "settled");

const ORDER_STATE: { readonly [phase in TaskEntry["row"]["progress"]["phase"]]: TmfOrderState } = {
  pending: "acknowledged",
  launched: "inProgress",
  running: "inProgress",
  succeeded: "completed",
  failed: "failed",
  cancelled: "cancelled",
};

function orderOf(core: Core, { row, runs }: TaskEntry): TmfProductOrder {
  const { submission, progress } = row;
  const latest = runs.at(-1)?.contract.contract.terms;
  return tmfTaskOrder({
    id: row.id,
    order: submission.order.order.id,
    state: ORDER_STATE[progress.phase],
    consumer: row.consumer,
    provider: latest?.provider.account ?? null,
    orderedAt: row.submittedAt,
    completeBy: latest?.completeBy ?? null,
    finishedAt: progress.finishedAt,
    atMost: submission.order.order.payAtMost,
    currency: core.options.currency,
    contracts: runs.map((run) => run.contract.contract.terms.id),
  });
}

const rowsOf = (core: Core): readonly NodeRow[] =>
  [...core.fleet.members].map(({ row }) => row).sort((a, b) => (a.id < b.id ? -1 : 1));

function offerOf(core: Core, row: NodeRow, now: Instant): Offer {
  const set = core.offers.of(row.id)?.offer;
  const { power, site } = row.description;
  return {
    id: row.id,
    provider: row.provider,
    node: row.id,
    region: site,
    grade: nodeGrade(power),
    compute: (["logical", "parallel", "neural"] as const).filter((type) => power[type] > 0),
    prices: listOf(core, row, null, now),
    reserve: set?.reserve ?? null,
    discounts: set?.discounts ?? [],
    windows: set?.windows ?? [],
    shortest: set?.shortest ?? NO_TIME,
    longest: set?.longest ?? null,
    validUntil: set?.validUntil ?? null,
  };
}

function onSale(core: Core, row: NodeRow, now: Instant): boolean {
  const willing = core.fleet.member(row.id)?.connection !== null;
  return (
    willing && core.view.get(row.id)?.load?.accepting === true && openFor(offerOf(core, row, now), now) > 0
  );
}

/** What can be ordered: a task, wherever it fits best among all that is on sale, at the price in force there. */
const taskOffering = (): TmfProductOffering => ({
  id: TASK_OFFERING,
  href: `/tmf-api/productCatalogManagement/v4/productOffering/${TASK_OFFERING}`,
  "@type": "ProductOffering",
  name: "computing power by the task",
  description:
    "A task on the node and path where it fits best. Order it with the characteristics manifest, order and contents.",
  isBundle: false,
  isSellable: true,
  lifecycleStatus: "Active",
  place: [],
  productOfferingPrice: [],
});
