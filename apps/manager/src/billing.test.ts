import { type Instant, MILLISECOND, type Micros, type Money, money } from "@weft/kernel";
import { periodNamed } from "@weft/market";
import { type BillingPolicy, PLAIN_BILLING } from "@weft/service";
import { describeNode, deskNeeds } from "@weft/service/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DeskApi, deskApi } from "./testing/desk-api.ts";

const BILLING: BillingPolicy = {
  ...PLAIN_BILLING,
  every: "day",
  rules: [
    { kind: "fee", name: "account", amount: money(7n) },
    { kind: "tax", name: "VAT 6 %", ppm: 60_000 },
  ],
  payout: { minimum: money(1n), fixed: money(0n), ppm: 100_000 },
};
const TODAY = periodNamed("2027-01-15")!;
const TOMORROW = periodNamed("2027-01-16")!;
let api: DeskApi;
beforeEach(async () => {
  api = await deskApi({ billing: BILLING });
  api.desk.join(describeNode("corner", "ningbo"), { lasts: (100 * MILLISECOND) as Micros, ends: "finished" });
  pass(100);
});
afterEach(async () => {
  soundBooks();
  await api.close();
});

const pass = (ms: number): void => api.desk.pass((ms * MILLISECOND) as Micros);
const until = (at: Instant): void => {
  api.desk.now = at;
  pass(10);
};
const balance = (account: string): Money => api.desk.manager.core.books.balance(account)!.posted;
function soundBooks(): void {
  for (const total of api.desk.manager.core.books.totals().values()) expect(total).toBe(0n);
  const stored = api.desk.store.state();
  expect(stored.balances.reduce((sum, { posted }) => sum + posted, 0n)).toBe(0n);
  for (const { account, posted } of stored.balances) expect(posted).toBe(balance(account));
  const open = new Map<string, bigint>();
  for (const { account, amount } of stored.holds) open.set(account, (open.get(account) ?? 0n) + amount);
  for (const { id } of stored.accounts) {
    expect(api.desk.manager.core.books.balance(id)!.held).toBe(open.get(id) ?? 0n);
  }
}
/** Runs a task; its contract. */
function trade(name: string): string {
  const answer = api.desk.submit(name, deskNeeds());
  if (!answer.ok) throw new Error(answer.refusal.message);
  pass(1000);
  return api.desk.manager.core.tasks.task(answer.value)!.runs.at(-1)!.contract.contract.terms.id;
}
type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: { readonly code: string; readonly message: string } };
function must<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.refusal.code}: ${answer.refusal.message}`);
  return answer.value;
}
const refused = (answer: Answer<unknown>): string | null => (answer.ok ? null : answer.refusal.code);
const ann = () => api.client(api.token("ann", "consumer"));
const pat = () => api.client(api.token("pat", "provider"));
const boss = () => api.client(api.token("manager", "manager"));
const issue = (period = TODAY.name, dryRun = false) =>
  boss().call("POST /v1/invoices", { body: { period, dryRun } });

it("[I1] a day's charges stand on one invoice with fee and tax, however often it is made", async () => {
  const contracts = [trade("one"), trade("two")];
  const charged = 10_000_000n - balance("ann");
  const draft = must(await ann().call("POST /v1/invoices:draft", { body: {} }));
  expect(draft.invoice).toMatchObject({ number: 0, charges: charged, period: { name: TODAY.name } });
  expect(must(await issue(TODAY.name, true)).items).toHaveLength(1);
  expect(must(await issue()).items[0]).toMatchObject({
    account: "ann",
    refusal: { code: "E_INVOICE_EARLY" },
  });
  expect(must(await ann().call("GET /v1/invoices", {})).items).toEqual([]);
  until(TOMORROW.from);
  const before = balance("ann");
  const [issued] = must(await issue()).items;
  const tax = ((charged + 7n) * 60_000n + 999_999n) / 1_000_000n;
  expect(issued!.invoice).toMatchObject({ number: 1, charges: charged, total: charged + 7n + tax });
  expect(issued!.invoice!.lines.map(({ billable }) => billable)).toEqual(contracts);
  expect(before - balance("ann")).toBe(7n + tax);
  expect(balance("tax")).toBe(tax);
  expect(must(await issue()).items[0]!.invoice).toEqual(issued!.invoice);
  expect(before - balance("ann")).toBe(7n + tax);
  const shown = must(await ann().call("GET /v1/invoices", {})).items;
  expect(shown.map(({ invoice }) => invoice.id)).toEqual(["invoice/ann/2027-01-15"]);
  const one = must(
    await ann().call("GET /v1/invoices/{invoice}", { params: { invoice: shown[0]!.invoice.id } }),
  );
  expect(one).toEqual(must(await ann().call("GET /v1/invoices/{invoice}", { params: { invoice: "1" } })));
});

it("[I2] neither a restart nor a crash before it is durable makes an invoice twice, or loses it", async () => {
  trade("one");
  until(TOMORROW.from);
  const before = balance("ann");
  const apply = api.desk.store.apply.bind(api.desk.store);
  api.desk.store.apply = () => {}; // nothing more gets to the disk
  must(await issue());
  api.desk.store.apply = apply;
  api.desk.restartManager();
  expect(balance("ann")).toBe(before);
  expect(api.desk.manager.core.billing.biller.state.invoices).toEqual([]);
  const [issued] = must(await issue()).items;
  const after = balance("ann");
  expect(after).toBeLessThan(before);
  api.desk.restartManager();
  expect(must(await issue()).items[0]).toEqual(issued);
  expect(balance("ann")).toBe(after);
});

it("[I5] what was charged before the last invoice's end and never invoiced stands on the next, marked late", async () => {
  const early = trade("one");
  until(TOMORROW.from);
  const late = trade("two");
  until(TOMORROW.to);
  const [issued] = must(await issue(TOMORROW.name)).items;
  expect(issued!.invoice!.lines.map((line) => [line.billable, line.late])).toEqual([
    [early, true],
    [late, false],
  ]);
  expect(must(await issue(TODAY.name)).items).toEqual([]);
  expect(refused(await issue("2027-01"))).toBeNull();
  expect(must(await issue("2026-12")).items[0]).toMatchObject({ refusal: { code: "E_INVOICE_PERIOD" } });
});

it("[P1] a provider is paid what it has less the fee, once a day, and may look beforehand", async () => {
  trade("one");
  const had = balance("pat");
  const dry = must(await pat().call("POST /v1/payouts", { body: { dryRun: true } }));
  expect(dry.payout).toMatchObject({ amount: had, fee: (had + 9n) / 10n, at: null });
  expect(dry.charged - dry.commission).toBe(had);
  expect(balance("pat")).toBe(had);
  const paid = must(await pat().call("POST /v1/payouts", { body: {} }));
  expect(paid).toMatchObject({ payout: { paid: had - (had + 9n) / 10n }, charged: dry.charged });
  expect(balance("pat")).toBe(0n);
  trade("two");
  expect(must(await pat().call("POST /v1/payouts", { body: {} }))).toEqual(paid);
  api.desk.restartManager();
  expect(must(await pat().call("POST /v1/payouts", { body: {} }))).toEqual(paid);
  expect(must(await pat().call("GET /v1/payouts", {})).items).toEqual([paid.payout]);
  until(TOMORROW.from);
  const next = must(await pat().call("POST /v1/payouts", { body: {} }));
  expect(next.payout.period.name).toBe(TOMORROW.name);
  expect(refused(await pat().call("POST /v1/payouts", { body: { account: "ann" } }))).toBe("E_NOT_FOUND");
  expect(refused(await ann().call("POST /v1/payouts", { body: {} }))).toBe("E_FORBIDDEN");
  until(TOMORROW.to);
  expect(refused(await pat().call("POST /v1/payouts", { body: {} }))).toBe("E_PAYOUT_LITTLE");
});

it("[K6.1] a dispute sets the provider's pay aside, and the ruling gives back its part", async () => {
  const contract = trade("one");
  const params = { contract };
  const stranger = api.client(api.token("manager", "provider"));
  const claim = { claim: "the result is empty" };
  const route = "POST /v1/contracts/{contract}/dispute";
  expect(refused(await stranger.call(route, { params, body: claim }))).toBe("E_NOT_FOUND");
  const opened = must(await ann().call(route, { params, body: claim }));
  expect(opened).toMatchObject({ state: "disputed", dispute: { by: "ann", ruling: null } });
  expect(api.desk.manager.core.books.balance("pat")).toMatchObject({ available: 0n });
  expect(refused(await pat().call("POST /v1/payouts", { body: {} }))).toBe("E_PAYOUT_LITTLE");
  expect(refused(await ann().call(route, { params, body: claim }))).toBe("E_CONTRACT_STATE");
  api.desk.restartManager();
  const before = [balance("ann"), balance("pat"), balance("manager")] as const;
  const due = opened.charged!;
  const ruling = { refund: String(due), borneBy: "provider", note: "it is empty indeed" } as const;
  const rule = (body: typeof ruling) =>
    boss().call("POST /v1/contracts/{contract}/resolve", { params, body });
  expect(refused(await rule({ ...ruling, refund: String(due + 1n) }))).toBe("E_CONTRACT_REFUND");
  const ruled = must(await rule(ruling));
  expect(ruled).toMatchObject({ state: "resolved", dispute: { ruling: { refund: due } } });
  expect(balance("ann") - before[0]).toBe(due);
  expect([balance("pat"), balance("manager")]).toEqual([0n, 0n]);
  expect(must(await rule(ruling))).toEqual(ruled);
  until(TOMORROW.from);
  expect(must(await issue()).items).toEqual([]); // what was given back is not billed
});

it("[K6.2] a charge that was invoiced already is put right by a credit note, its tax with it", async () => {
  const contract = trade("one");
  until(TOMORROW.from);
  const [issued] = must(await issue()).items;
  const { charges, adjustments } = issued!.invoice!;
  const tax = adjustments.find(({ kind }) => kind === "tax")!.amount;
  const params = { contract };
  must(await ann().call("POST /v1/contracts/{contract}/dispute", { params, body: { claim: "wrong" } }));
  const body = { refund: String(charges), borneBy: "provider", note: "wrong indeed" } as const;
  const before = balance("ann");
  must(await boss().call("POST /v1/contracts/{contract}/resolve", { params, body }));
  const { credits } = must(await ann().call("GET /v1/invoices/{invoice}", { params: { invoice: "1" } }));
  expect(credits.map(({ amount, borneBy }) => [amount, borneBy])).toEqual([
    [charges, "pat"],
    [tax, "tax"],
  ]);
  expect(balance("ann") - before).toBe(charges + tax);
  api.desk.restartManager();
  const again = must(await ann().call("GET /v1/invoices/{invoice}", { params: { invoice: "1" } }));
  expect(again.credits).toEqual(credits);
});

it("[K6.3] a provider who was paid out already cannot be made to owe; the manager may bear it", async () => {
  const contract = trade("one");
  must(await pat().call("POST /v1/payouts", { body: {} }));
  const params = { contract };
  const { charged } = must(
    await ann().call("POST /v1/contracts/{contract}/dispute", { params, body: { claim: "wrong" } }),
  );
  const rule = (borneBy: "provider" | "manager", refund: bigint) =>
    boss().call("POST /v1/contracts/{contract}/resolve", {
      params,
      body: { refund: String(refund), borneBy, note: "wrong indeed" },
    });
  expect(refused(await rule("provider", charged!))).toBe("E_LEDGER_OVERDRAWN");
  soundBooks();
  const there = balance("manager");
  must(await rule("manager", there));
  expect(balance("manager")).toBeLessThanOrEqual(there);
});

it("[I3] the manager credits an invoice by hand, once by id and never beyond it", async () => {
  trade("one");
  until(TOMORROW.from);
  const total = must(await issue()).items[0]!.invoice!.total;
  const give = (id: string, amount: bigint) =>
    boss().call("POST /v1/invoices/{invoice}/credits", {
      params: { invoice: "1" },
      body: { id, amount: String(amount), reason: "goodwill" },
    });
  const before = balance("ann");
  for (let i = 0; i < 2; i++) expect(must(await give("g-1", 2n)).amount).toBe(2n);
  expect(balance("ann") - before).toBe(2n);
  expect(refused(await give("g-1", 3n))).toBe("E_CREDIT_REUSED");
  expect(refused(await give("g-2", total))).toBe("E_CREDIT_AMOUNT");
  expect(refused(await give("g-3", 0n))).toBe("E_CREDIT_AMOUNT");
});

it("statements come from all that ever moved, and accounts say how long their money lasts", async () => {
  trade("one");
  const statement = must(
    await ann().call("GET /v1/accounts/{account}/statement", {
      params: { account: "ann" },
      query: { period: TODAY.name },
    }),
  );
  expect(statement).toMatchObject({ opening: 0n, closing: balance("ann") });
  expect(statement.rows.map(({ kind }) => kind)).toEqual(["deposit", "settlement"]);
  const [account] = must(await ann().call("GET /v1/accounts", {})).items;
  expect(account).toMatchObject({ id: "ann", timeZone: "UTC", runway: expect.any(Number) });
  const params = { account: "ann" };
  const zone = (timeZone: string) =>
    ann().call("POST /v1/accounts/{account}/time-zone", { params, body: { timeZone } });
  expect(must(await zone("Asia/Shanghai")).timeZone).toBe("Asia/Shanghai");
  expect(refused(await zone("Asia/Nowhere"))).toBe("E_REQUEST");
  api.desk.restartManager();
  expect(must(await ann().call("GET /v1/accounts", {})).items[0]!.timeZone).toBe("Asia/Shanghai");
});
