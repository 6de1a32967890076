import type { Instant, Micros } from "@weft/kernel";
import { HOUR, MILLISECOND, MINUTE, money, SECOND } from "@weft/kernel";
import { createSigner } from "@weft/live";
import {
  type PricingPolicy,
  type SignedOffer,
  type StandingOffer,
  scalePrices,
  signOffer,
} from "@weft/market";
import { DESK_PRICES, describeNode, deskNeeds } from "@weft/service/testing";
import { manifestText } from "@weft/service-http";
import type { RouteInput, WeftClient } from "@weft/service-http/client";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DeskApi, deskApi } from "./testing/desk-api.ts";

const owner = createSigner();
const QUICK = { lasts: (100 * MILLISECOND) as Micros, ends: "finished" } as const;
const LONG = { lasts: (10 * MINUTE) as Micros, ends: "finished" } as const;
let api: DeskApi;
let pat: WeftClient;
let ann: WeftClient;

beforeEach(async () => {
  api = await deskApi();
  api.desk.owner = owner.publicKey;
  pat = api.client(api.token("pat", "provider"));
  ann = api.client(api.token("ann", "consumer"));
  api.desk.command({ kind: "add-key", account: "pat", key: owner.publicKey, note: "" });
  api.desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
});
afterEach(() => api.close());

const pass = (ms: number): void => api.desk.pass((ms * MILLISECOND) as Micros);

function offer(change: Partial<StandingOffer> = {}): StandingOffer {
  return {
    node: "corner",
    at: api.desk.now,
    prices: null,
    pricing: { kind: "posted" },
    reserve: null,
    discounts: [],
    windows: [],
    shortest: 0 as Micros,
    longest: null,
    validUntil: null,
    ...change,
  };
}
async function set(change: Partial<StandingOffer>, signed: SignedOffer = signOffer(offer(change), owner)) {
  const body = signed as unknown as RouteInput<"POST /v1/offers", "body">;
  const made = await pat.call("POST /v1/offers", { body });
  pass(100); // the node hears of it and says what it makes of it
  return made;
}
const listed = async (node = "corner") => {
  const answer = await ann.call("GET /v1/offers", {});
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.value.items.find((one) => one.node === node)!;
};
const run = (name: string) => {
  const made = api.desk.submit(name, deskNeeds(), money(100_000n));
  if (!made.ok) throw new Error(made.refusal.message);
  return api.desk.manager.core.tasks.task(made.value)!;
};
const refused = (answer: { readonly ok: boolean; readonly refusal?: { readonly code: string } }) =>
  answer.ok ? null : answer.refusal?.code;
it("a price by the hour is charged by the hour, below the node's own list where its owner signed", async () => {
  const byHour: PricingPolicy = {
    kind: "time-of-use",
    steps: [
      { fromHour: 8, ppm: 500_000 }, // the desk begins at 08:00
      { fromHour: 9, ppm: 2_000_000 },
    ],
  };
  expect((await set({ pricing: byHour })).ok).toBe(true);
  for (const [hour, ppm] of [
    [8, 500_000],
    [9, 2_000_000],
  ] as const) {
    if (hour === 9) api.desk.pass((60 * MINUTE) as Micros);
    pass(11_000);
    expect((await listed()).prices).toEqual(scalePrices(DESK_PRICES, ppm));
    const task = run(`at-${hour}`);
    pass(1000);
    expect(task.runs[0]!.contract.contract.terms.prices).toEqual(scalePrices(DESK_PRICES, ppm));
    expect(task.row.progress.phase).toBe("succeeded");
  }
});

it("the contract is at the price in force, and the node signs it", async () => {
  await set({ prices: scalePrices(DESK_PRICES, 3_000_000) });
  const dear = run("dear");
  pass(1000);
  expect(dear.row.progress.phase).toBe("succeeded");
  expect(dear.runs[0]!.contract.contract.terms.prices).toEqual(scalePrices(DESK_PRICES, 3_000_000));
  await set({ prices: scalePrices(DESK_PRICES, 200_000) });
  const cheap = run("cheap");
  pass(1000);
  expect(cheap.row.progress.phase).toBe("succeeded");
  expect(cheap.row.progress.charged! * 5n).toBeLessThan(dear.row.progress.charged!);
});

it("without its owner's signature a node never sells below its list, whatever is set", async () => {
  const stranger = createSigner();
  api.desk.command({ kind: "add-key", account: "pat", key: stranger.publicKey, note: "" });
  const half = offer({ prices: scalePrices(DESK_PRICES, 500_000) });
  expect((await set({}, signOffer(half, stranger))).ok).toBe(true);
  expect((await listed()).prices).toEqual(DESK_PRICES);
  const task = run("one");
  pass(1000);
  expect(task.row.progress.phase).toBe("succeeded");
  expect(task.runs).toHaveLength(1);
});

it("a congestion price rises while the node is full and falls while it idles, within its bounds", async () => {
  const pricing: PricingPolicy = {
    kind: "congestion",
    target: 0.5,
    gain: 0.5,
    mostStep: 0.1,
    lowestPpm: 800_000,
    highestPpm: 1_500_000,
  };
  await set({ pricing });
  pass(120_000);
  expect((await listed()).conditions!.ppm).toBe(800_000);
  api.desk.behave("corner", LONG);
  run("a");
  run("b");
  run("c");
  pass(120_000);
  const { conditions, prices } = await listed();
  expect(conditions!.ppm).toBe(1_500_000);
  expect(prices).toEqual(scalePrices(DESK_PRICES, 1_500_000));
});

it("outside its hours, and for work of the wrong length, a node is not placed on; in them it is", async () => {
  const minute = Math.floor(api.desk.now / MINUTE) % 1440;
  const opens = (minute + 5) % 1440;
  await set({ windows: [{ from: opens, to: (opens + 60) % 1440, days: null }] });
  expect(await listed()).toMatchObject({ conditions: { openFor: 0 } });
  const waiting = run("waits");
  pass(1000);
  expect(waiting.row.progress.phase).toBe("pending");
  api.desk.pass((6 * MINUTE) as Micros);
  expect(waiting.row.progress.phase).toBe("succeeded");
  await set({ longest: (10 * MILLISECOND) as Micros });
  const long = run("long");
  pass(1000);
  expect(long.row.progress.phase).toBe("pending");
  await pat.call("DELETE /v1/offers/{node}", { params: { node: "corner" } });
  pass(1000);
  expect(long.row.progress.phase).toBe("succeeded");
});

it("why a node does not sell a task is told as that, and what it would sell", async () => {
  const explained = async () => {
    const params = { task: short.row.id };
    const decision = await ann.call("GET /v1/tasks/{task}/explain", { params });
    if (!decision.ok) throw new Error(decision.refusal.message);
    return decision.value.explanation;
  };
  await set({ shortest: HOUR as Micros });
  const short = run("short");
  pass(1000);
  expect(await explained()).toMatchObject({
    ruledOut: [
      { constraint: "offer", nodes: 1, examples: [{ name: "corner", offers: "sells no less than 1 h" }] },
    ],
    nearestMiss: { misses: [{ constraint: "offer", fixes: ["work of at least 1 h"] }] },
  });
  const minute = Math.floor(api.desk.now / MINUTE) % 1440;
  await set({ windows: [{ from: (minute + 5) % 1440, to: (minute + 65) % 1440, days: null }] });
  pass(11_000);
  expect(await explained()).toMatchObject({
    ruledOut: [{ constraint: "offer", examples: [{ offers: "closed now" }] }],
    nearestMiss: { misses: [{ fixes: ["the hours of its offer"] }] },
  });
});

it("a discount for volume is the consumer's own, and the reserve bounds it", async () => {
  await set({
    discounts: [{ grade: null, fromVolume: money(1n), ppm: 900_000 }],
    reserve: scalePrices(DESK_PRICES, 400_000),
  });
  const first = run("first");
  pass(20_000);
  const second = run("second");
  pass(1000);
  expect(first.runs[0]!.contract.contract.terms.prices).toEqual(DESK_PRICES);
  expect(second.runs[0]!.contract.contract.terms.prices).toEqual(scalePrices(DESK_PRICES, 400_000));
});

it("refuses a stranger's node, a forged or older offer, and one that makes no sense", async () => {
  const body = (signed: SignedOffer) => ({
    body: signed as unknown as RouteInput<"POST /v1/offers", "body">,
  });
  const other = api.client(api.token("manager", "provider"));
  expect(refused(await other.call("POST /v1/offers", body(signOffer(offer(), owner))))).toBe("E_NOT_FOUND");
  const signed = signOffer(offer(), owner);
  expect(refused(await set({}, { ...signed, offer: { ...signed.offer, shortest: 1 as Micros } }))).toBe(
    "E_OFFER_SIGNATURE",
  );
  expect(refused(await set({}, signOffer(offer(), createSigner())))).toBe("E_KEY_UNKNOWN");
  expect((await set({})).ok).toBe(true);
  expect(refused(await set({ at: (api.desk.now - SECOND) as Instant }))).toBe("E_OFFER_OLD");
  expect(refused(await set({ windows: [{ from: 5, to: 5, days: null }] }))).toBe("E_OFFER_WINDOW");
  expect(refused(await set({ pricing: { kind: "time-of-use", steps: [] } }))).toBe("E_OFFER_PRICING");
  expect(refused(await set({ discounts: [{ grade: null, fromVolume: money(0n), ppm: 2_000_000 }] }))).toBe(
    "E_OFFER_DISCOUNT",
  );
});

it("an offer holds over a restart of the manager", async () => {
  const prices = scalePrices(DESK_PRICES, 500_000);
  await set({ prices });
  api.desk.restartManager();
  pass(1000);
  expect((await listed()).prices).toEqual(prices);
});

it("says what a task costs on each node, cheapest first, and commits nothing", async () => {
  api.desk.join(describeNode("backup", "shanghai"), QUICK);
  pass(500);
  await set({ prices: scalePrices(DESK_PRICES, 2_000_000) });
  const digest = "c".repeat(64);
  const manifest = manifestText({
    apiVersion: "weft.dev/v1",
    kind: "Task",
    metadata: { name: "count", labels: {} },
    spec: {
      compute: { type: "logical", work: "1 GOP" },
      run: { wasm: { module: `sha256:${digest}` } },
    },
  });
  const answer = await ann.call("POST /v1/offers:price", {
    body: { manifest, contents: [{ digest, size: 9 }] },
  });
  if (!answer.ok) throw new Error(answer.refusal.message);
  const { quotes } = answer.value;
  expect(quotes.map(({ placement }) => placement.node)).toEqual(["backup", "corner"]);
  expect(quotes[1]!.placement.price).toBeGreaterThan(quotes[0]!.placement.price);
  expect(api.desk.manager.core.pool.reservations).toBe(0);
});
