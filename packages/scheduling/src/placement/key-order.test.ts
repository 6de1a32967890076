import { Rng } from "@weft/kernel";
import type { NodeTable } from "@weft/pool";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laneBandOf, MEMORY_BANDS, NodeBands, RATE_BANDS } from "./bands.ts";
import { WORD } from "./bit-planes.ts";
import { KEY, KeyOrder, NODE, SEAT } from "./key-order.ts";
import { Query } from "./query.ts";

const NODES = 400;

/** A table of nodes with nothing but what an order reads. */
function tableOf(rng: Rng): NodeTable {
  const column = (value: () => number) => Float64Array.from({ length: NODES }, value);
  const byType = (value: () => number) => [column(value), column(value), column(value)];
  return {
    pricePerOperation: byType(() => rng.float()),
    lane: byType(() => rng.pick([0, 1e9, 3e9, 50e9, 1e14])),
    free: byType(() => 0),
    queue: byType(() => 0),
    pricePerByteSecondMemory: column(() => 0),
    site: new Int32Array(NODES),
    capabilities: Int32Array.from({ length: NODES }, () => rng.below(2 ** 31) * rng.pick([1, -1])),
  } as unknown as NodeTable;
}

/** Nodes in the order of a walk over what is in some bands and has the capabilities, and the least of their rows. */
function walk(order: KeyOrder, rates: number, memories: number, lane: number, capabilities: number) {
  const planes = new Int32Array(35);
  const count = order.planesFor(rates, memories, lane, capabilities, planes);
  const { words, filled, rows, spans } = order.planes;
  const found: { node: number; key: number; least: number }[] = [];
  for (let row = 0; row < rows; row++) {
    let [bits, span] = [-1, -1];
    for (const plane of planes.subarray(0, count)) {
      bits &= words[plane * rows + row] as number;
      span &= filled[plane * spans + Math.floor(row / WORD)] as number;
    }
    if (bits !== 0) expect(span & (1 << (row % WORD))).not.toBe(0);
    for (let seat = 0; seat < WORD; seat++) {
      if ((bits & (1 << seat)) === 0) continue;
      const at = (row * WORD + seat) * SEAT;
      const [key, node] = [order.seats[at + KEY] as number, order.whole[at + NODE] as number];
      found.push({ node, key, least: order.least[row] as number });
    }
  }
  return found;
}

describe("the order of nodes by key", () => {
  it("holds every node once, rows in ascending order, whatever comes, goes, is priced anew and fills up", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const table = tableOf(rng);
        const prices = table.pricePerOperation[0];
        const bands = new NodeBands();
        bands.makeRoom(NODES);
        const rates = bands.rates[0].map(() => rng.below(RATE_BANDS + 1) - 1);
        bands.rates[0] = rates;
        const memories = bands.memories.map(() => rng.below(MEMORY_BANDS));
        bands.memories = memories;
        const query = Object.assign(new Query(), { perMoney: 1 });
        const order = new KeyOrder(table, bands, query);
        const there = new Set(Array.from({ length: rng.below(200) }, () => rng.below(NODES)));
        order.rebuild([...there]);
        for (let round = 0; round < 1_000; round++) {
          const n = rng.below(NODES);
          const what = rng.below(5);
          if (what === 0) {
            order.remove(n);
            there.delete(n);
          } else if (what === 1) {
            const from = rates[n] as number;
            rates[n] = rng.below(RATE_BANDS + 1) - 1;
            order.moveRate(n, from, rates[n] as number);
          } else if (what === 2) {
            const from = memories[n] as number;
            memories[n] = rng.below(MEMORY_BANDS);
            order.moveMemory(n, from, memories[n] as number);
          } else {
            // Often the same price, so that one row gets them all.
            prices[n] = rng.pick([0.3, 0, rng.float()]);
            order.put(n);
            there.add(n);
          }
        }
        const [rate, memory] = [rng.below(RATE_BANDS), rng.below(MEMORY_BANDS)];
        const capabilities = rng.pick([0, 1, 6, -(2 ** 31)]);
        const lane = rng.pick([0, 1e9, 4e9, 50e9, 60e9]);
        const found = walk(order, rate, memory, lane, capabilities);
        const expected = [...there].filter((n) => {
          const holds = (rates[n] as number) >= rate && (memories[n] as number) >= memory;
          const fast = laneBandOf(table.lane[0][n] as number) >= laneBandOf(lane);
          return holds && fast && ((table.capabilities[n] as number) & capabilities) === capabilities;
        });
        expect(found.map(({ node }) => node).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
        for (const { node, key, least } of found) {
          expect(key).toBeGreaterThanOrEqual(least);
          expect(key).toBeLessThanOrEqual(prices[node] as number);
          expect(key).toBeCloseTo(prices[node] as number, 6);
        }
        for (let i = 1; i < found.length; i++) {
          const [before, after] = [found[i - 1], found[i]] as { key: number; least: number }[];
          if (before?.least !== after?.least) expect(before?.key).toBeLessThanOrEqual(after?.least as number);
        }
      }),
      { numRuns: 50 },
    );
  });
});
