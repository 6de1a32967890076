import { createSigner } from "@weft/live";
import { expect, it } from "vitest";
import { DESK_PRICES, describeNode, START } from "./testing/index.ts";
import { decodeFromAgent, encodeMessage } from "./wire.ts";

/*
 * What an agent says of its node is a stranger's word: a figure that cannot be is refused on arrival, with its place, what
 * was found there, what was expected, and what to do.
 */

const { publicKey } = createSigner();
const HELLO = encodeMessage({
  kind: "hello",
  protocol: 1,
  at: START,
  key: publicKey,
  proof: "0".repeat(128) as never,
  joinToken: null,
  description: {
    ...describeNode("corner", "ningbo"),
    watts: { idle: 8, full: 45 },
    gramsPerKwh: 400,
  } as never,
  prices: DESK_PRICES,
  gateway: null,
  holding: [],
});

/** The greeting as it arrives, with something else in one place. */
function said(path: string, value: unknown): ReturnType<typeof decodeFromAgent> {
  const body = JSON.parse(JSON.stringify(HELLO));
  const keys = path.split(".");
  let at = body;
  for (const key of keys.slice(0, -1)) at = at[key];
  at[keys.at(-1)!] = value;
  return decodeFromAgent(body);
}

it("takes a greeting as it is", () => {
  expect(said("kind", "hello").ok).toBe(true);
  expect(said("description.watts", null).ok).toBe(true);
});

const FIGURES = [
  "description.watts.idle",
  "description.watts.full",
  "description.gramsPerKwh",
  "description.power.logical",
  "description.laneRate.neural",
  "description.memoryBytes",
  "description.storage.capacityBytes",
  "description.storage.throughput",
];
const PRICES = [
  "petaOperation.neural",
  "memoryGibHour",
  "storageGibHour",
  "transferGb",
  "bandwidthGbpsHour",
  "perTask",
];
/** JSON reads 1e999 as a number without end. */
const CASES = [
  ...FIGURES.flatMap((path) =>
    [-1, "much", "-1", Number.NaN, Number.POSITIVE_INFINITY].map((value) => [path, value] as const),
  ),
  ["description.memoryBytes", 1e300] as const,
  ...PRICES.flatMap((name) =>
    [-1, 1e300, "NaN", "Infinity", "0.5", "9".repeat(60), null].map(
      (value) => [`prices.${name}`, value] as const,
    ),
  ),
];

it.each(CASES)("refuses %s of %s with place, finding, expectation and hint", (path, value) => {
  const read = said(path, value);
  expect(read.ok).toBe(false);
  if (read.ok) return;
  expect(read.refusal).toMatchObject({ code: "E_MESSAGE", path });
  for (const told of [read.refusal.found, read.refusal.expected, read.refusal.hint])
    expect(told).toBeTruthy();
});
