import type { DomainId, SiteId } from "@weft/infrastructure";
import { MILLISECOND, type Micros, type Money, money, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { expect, it } from "vitest";
import { DESK_PRICES, Desk, describeNode, deskNeeds, linksBetween, YOU } from "../testing/index.ts";
import { foreignName, type PeerMessage, type Quote } from "./messages.ts";
import { decodePeer, encodePeer } from "./wire.ts";

/*
 * A peer domain's word on price and time is a stranger's: what a quote says is held against what a quote can say, on the
 * wire and by the manager that asked.
 */

const [HOME, FAR] = ["home" as DomainId, "far" as DomainId];
const PRICES: Quote = { prices: DESK_PRICES, price: money(5n), takes: SECOND };

/** Two domains, the far one with a node; what far's manager says goes through `say`. */
function domains(say: (message: PeerMessage) => PeerMessage): {
  readonly home: Desk;
  pass(ms: number): void;
} {
  const [homeSigner, farSigner] = [createSigner(), createSigner()];
  const make = (own: typeof homeSigner, domain: DomainId, peer: typeof homeSigner, other: DomainId): Desk => {
    const signers = [own];
    const terms = { relation: "peer", credit: money(1_000_000n), send: true, take: true } as const;
    return new Desk(nodeCryptography, () => signers.shift() ?? createSigner(), {
      domain,
      federation: {
        peers: [{ domain: other, key: peer.publicKey, ...terms }],
        offer: { tiers: null, labels: {}, markupPpm: 0 },
        silence: (10 * SECOND) as Micros,
      },
    });
  };
  const home = make(homeSigner, HOME, farSigner, FAR);
  const far = make(farSigner, FAR, homeSigner, HOME);
  home.onPeer = (_, message) =>
    far.after(MILLISECOND, () => far.toManager({ kind: "peer", from: HOME, message }));
  far.onPeer = (_, message) => {
    const said = say(message);
    home.after(MILLISECOND, () => home.toManager({ kind: "peer", from: FAR, message: said }));
  };
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i += 10) for (const desk of [home, far]) desk.pass((10 * MILLISECOND) as Micros);
  };
  far.join({ ...describeNode("mill", "town"), domain: FAR }, { lasts: SECOND, ends: "finished" });
  home.toManager({ kind: "links", links: linksBetween(YOU, foreignName(FAR) as never as SiteId, home.now) });
  pass(3000);
  return { home, pass };
}

/** What became of a task whose quote was this. */
function answeredBy(quote: (sound: Quote) => Quote): {
  readonly logs: readonly string[];
  readonly placed: boolean;
} {
  let asked = 0;
  const { home, pass } = domains((message) => {
    if (message.kind !== "quote" || !("prices" in message.quote)) return message;
    asked++;
    return { ...message, quote: quote(message.quote) };
  });
  const task = home.submit("abroad", deskNeeds());
  if (!task.ok) throw new Error(task.refusal.message);
  pass(500);
  expect(asked).toBe(1);
  const entry = home.manager.core.tasks.task(task.value)!;
  return {
    logs: home.logs.filter((line) => line.includes("does not take it")),
    placed: entry.runs.length > 0,
  };
}

it("a task goes abroad by a sound quote", () => {
  expect(answeredBy((sound) => sound)).toEqual({ logs: [], placed: true });
});

const { petaOperation } = DESK_PRICES;
const below = -1n as Money;
const UNSOUND: readonly (readonly [string, Partial<Quote>, string])[] = [
  ["a negative price", { price: below }, "E_PRICE_NEGATIVE"],
  [
    "a negative price of an operation",
    { prices: { ...DESK_PRICES, petaOperation: { ...petaOperation, logical: below } } },
    "E_PRICE_NEGATIVE",
  ],
  ["a negative least fee", { prices: { ...DESK_PRICES, perTask: below } }, "E_PRICE_NEGATIVE"],
  ["a negative time", { takes: -1 as Micros }, "E_QUOTE_TIME"],
  ["an endless time", { takes: Number.POSITIVE_INFINITY as Micros }, "E_QUOTE_TIME"],
  ["a time that is no number", { takes: Number.NaN as Micros }, "E_QUOTE_TIME"],
  ["a time of part of a microsecond", { takes: 0.5 as Micros }, "E_QUOTE_TIME"],
];

it.each(UNSOUND)("a quote of %s is none, and the task stays where it is", (_, wrong, code) => {
  const { logs, placed } = answeredBy((sound) => ({ ...sound, ...wrong }));
  expect(placed).toBe(false);
  expect(logs).toHaveLength(1);
  expect(logs[0]).toContain(code);
});

/** A quote on the wire with something else in one place. */
function onWire(path: readonly string[], value: unknown): ReturnType<typeof decodePeer> {
  const body = JSON.parse(JSON.stringify(encodePeer({ kind: "quote", id: "task-1", quote: PRICES })));
  let at = body;
  for (const key of path.slice(0, -1)) at = at[key];
  at[path.at(-1)!] = value;
  return decodePeer(JSON.parse(JSON.stringify(body)));
}

it.each([
  ["a negative time", ["quote", "takes"], -1],
  ["an endless time", ["quote", "takes"], Number.POSITIVE_INFINITY],
  ["a time that is no number", ["quote", "takes"], Number.NaN],
  ["a time beyond whole numbers", ["quote", "takes"], 1e300],
  ["a time in words", ["quote", "takes"], "soon"],
  ["an endless price", ["quote", "price"], "Infinity"],
  ["a price that is no number", ["quote", "price"], "NaN"],
  ["a price of part of a millionth", ["quote", "price"], "0.5"],
  ["a price without end", ["quote", "price"], "9".repeat(60)],
  ["a price as a number", ["quote", "prices", "perTask"], 1e300],
  ["a missing price", ["quote", "prices", "transferGb"], null],
] as const)("%s in a quote is refused on arrival, with its place and what was expected", (_, path, value) => {
  expect(onWire(["id"], "task-1").ok).toBe(true);
  const read = onWire(path, value);
  expect(read).toMatchObject({ ok: false, refusal: { code: "E_MESSAGE" } });
  if (read.ok) return;
  const { refusal } = read;
  expect(refusal.path).toBe(path.join("."));
  for (const told of [refusal.found, refusal.expected, refusal.hint]) expect(told).toBeTruthy();
});
