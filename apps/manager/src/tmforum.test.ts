import { MILLISECOND, type Micros, money } from "@weft/kernel";
import { describeNode, deskNeeds } from "@weft/service/testing";
import { manifestText } from "@weft/service-http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DeskApi, deskApi } from "./testing/desk-api.ts";

const QUICK = { lasts: (100 * MILLISECOND) as Micros, ends: "finished" } as const;
const USAGE = "/tmf-api/usageManagement/v4/usage";
const BILLS = "/tmf-api/customerBillManagement/v4/customerBill";
const RATES = "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate";
const ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder";
const CANCELS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder";
const OFFERINGS = "/tmf-api/productCatalogManagement/v4/productOffering";
const PRICES = "/tmf-api/productCatalogManagement/v4/productOfferingPrice";

/** Members that the v4 schemas and their conformance profiles hold mandatory in an answer. */
const MANDATORY: Readonly<Record<string, readonly string[]>> = {
  [USAGE]: ["id", "href", "usageDate", "usageType", "status"],
  [BILLS]: ["id", "href", "billDate", "billNo", "state", "amountDue", "billingAccount", "relatedParty"],
  [RATES]: ["id", "href", "date", "name", "type", "isBilled", "bill", "taxExcludedAmount"],
  [ORDERS]: ["id", "href", "orderDate", "state", "productOrderItem"],
  [OFFERINGS]: ["id", "href", "name", "lifecycleStatus"],
  [PRICES]: ["id", "href", "name", "priceType", "lifecycleStatus"],
};

let api: DeskApi;
let ann: string;
beforeEach(async () => {
  api = await deskApi();
  ann = api.token("ann", "consumer");
  api.desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
});
afterEach(() => api.close());

const pass = (ms: number): void => api.desk.pass((ms * MILLISECOND) as Micros);
const done = (count: number): void => {
  for (let i = 0; i < count; i++) api.desk.submit(`t${i}`, deskNeeds(), money(1000n));
  pass(2000);
};
async function get(path: string, token = ann) {
  const response = await api.fetch(path, token);
  return { status: response.status, headers: response.headers, body: (await response.json()) as never };
}
async function post(path: string, body: unknown, token = ann) {
  const headers = { "content-type": "application/json" };
  const text = JSON.stringify(body, (_, value) => (typeof value === "bigint" ? String(value) : value));
  const response = await api.fetch(path, token, { method: "POST", headers, body: text });
  return { status: response.status, body: (await response.json()) as never };
}
type Item = Readonly<Record<string, unknown>> & { readonly id: string };

it("every resource is listed with what is mandatory, each item answers at its href", async () => {
  done(3);
  for (const [path, members] of Object.entries(MANDATORY)) {
    const { status, body } = await get(path);
    expect([path, status]).toEqual([path, 200]);
    const items = body as readonly Item[];
    expect(items.length, path).toBeGreaterThan(0);
    for (const item of items) {
      for (const member of members) expect(item, path).toHaveProperty([member]);
      expect(item.href).toBe(`${path}/${encodeURIComponent(item.id)}`);
      expect((await get(item.href as string)).body).toEqual(item);
    }
  }
});

it("pages by offset and limit, filters by values, and shows only the fields asked for", async () => {
  done(5);
  const first = await get(`${ORDERS}?offset=0&limit=2`);
  expect(first.status).toBe(206);
  expect([first.headers.get("x-total-count"), first.headers.get("x-result-count")]).toEqual(["5", "2"]);
  const rest = await get(`${ORDERS}?offset=2&limit=1000`);
  const all = [...(first.body as Item[]), ...(rest.body as Item[])];
  expect(new Set(all.map(({ id }) => id)).size).toBe(5);
  const few = await get(`${ORDERS}?fields=state&limit=1`);
  expect(Object.keys((few.body as Item[])[0]!).sort()).toEqual(["@type", "href", "id", "state"]);
  const completed = await get(`${ORDERS}?state=completed&billingAccount.id=ann&limit=1`);
  expect(completed.headers.get("x-total-count")).toBe("5");
  expect((await get(`${ORDERS}?state=failed`)).body).toEqual([]);
});

it("says no in TM Forum's form", async () => {
  expect(await get(`${ORDERS}/none`)).toMatchObject({
    status: 404,
    body: { code: "E_NOT_FOUND", status: "404", reason: expect.any(String), message: expect.any(String) },
  });
  expect(await get(`${ORDERS}?limit=0`)).toMatchObject({ status: 400, body: { code: "E_REQUEST" } });
  expect(await get(ORDERS, "wt_none")).toMatchObject({ status: 401, body: { code: "E_UNAUTHENTICATED" } });
  const pat = api.token("pat", "provider");
  expect(await get(BILLS, pat)).toMatchObject({ status: 403, body: { code: "E_FORBIDDEN" } });
  expect(await post(ORDERS, {})).toMatchObject({ status: 400, body: { code: "E_REQUEST" } });
});

it("shows each its own: a consumer what it ordered, a provider what ran on its nodes", async () => {
  done(2);
  api.desk.command({ kind: "open-account", id: "eve", name: "Eve", role: "consumer", limit: money(0n) });
  const eve = api.token("eve", "consumer");
  for (const path of [USAGE, BILLS, RATES, ORDERS]) expect((await get(path, eve)).body, path).toEqual([]);
  const pat = api.token("pat", "provider");
  expect((await get(USAGE, pat)).body).toHaveLength(2);
});

it("the sums of usage, its rates and the bill are the same", async () => {
  done(4);
  const bills = (await get(BILLS)).body as { amountDue: { value: number }; state: string }[];
  const rates = (await get(RATES)).body as { taxExcludedAmount: { value: number } }[];
  const usage = (await get(USAGE)).body as {
    ratedProductUsage: { taxExcludedRatingAmount: { value: number } }[];
  }[];
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const billed = sum(bills.map((bill) => bill.amountDue.value));
  expect(billed).toBeGreaterThan(0);
  expect(sum(rates.map((rate) => rate.taxExcludedAmount.value))).toBeCloseTo(billed, 9);
  const rated = usage.flatMap(({ ratedProductUsage }) => ratedProductUsage);
  expect(sum(rated.map((line) => line.taxExcludedRatingAmount.value))).toBeCloseTo(billed, 9);
  expect(bills[0]!.state).toBe("new");
});

function order(offering = "task") {
  const digest = "c".repeat(64);
  const manifest = manifestText({
    apiVersion: "weft.dev/v1",
    kind: "Task",
    metadata: { name: "count", labels: {} },
    spec: { compute: { type: "logical", work: "0.1 GOP" }, run: { wasm: { module: `sha256:${digest}` } } },
  });
  const characteristic = [
    { name: "manifest", value: manifest },
    { name: "order", value: api.desk.orderFor("tmf-1", manifest, money(100_000n)) },
    { name: "contents", value: [{ digest, size: 9 }] },
  ];
  return {
    externalId: "crm-17",
    productOrderItem: [
      {
        id: "1",
        action: "add",
        quantity: 1,
        productOffering: { id: offering },
        product: { productCharacteristic: characteristic },
      },
    ],
  };
}

it("a posted order is a task: placed, run, paid; the same again is the same", async () => {
  const made = await post(ORDERS, order());
  expect(made).toMatchObject({ status: 201, body: { externalId: "tmf-1", state: "inProgress" } });
  expect((await post(ORDERS, order())).body).toEqual(made.body);
  pass(2000);
  const { id } = made.body as Item;
  expect((await get(`${ORDERS}/${id}`)).body).toMatchObject({
    state: "completed",
    completionDate: expect.any(String),
  });
  expect((await get(USAGE)).body).toHaveLength(1);
  expect(await post(ORDERS, order("corner"))).toMatchObject({
    status: 422,
    body: { code: "E_TMF_OFFERING" },
  });
});

it("an order is cancelled, and one that has ended is not", async () => {
  api.desk.behave("corner", { lasts: (60_000 * MILLISECOND) as Micros, ends: "finished" });
  const { id } = (await post(ORDERS, order())).body as Item;
  const cancelled = await post(CANCELS, { productOrder: { id } });
  expect(cancelled).toMatchObject({ status: 201, body: { state: "done", productOrder: { id } } });
  expect((await get(`${ORDERS}/${id}`)).body).toMatchObject({ state: "cancelled" });
  expect(await post(CANCELS, { productOrder: { id: "none" } })).toMatchObject({ status: 404 });
});
