import { Rng } from "@weft/kernel";
import type { NodeTable } from "@weft/pool";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CELLS, MEMORY_BANDS } from "./bands.ts";
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
    lane: byType(() => 1e9),
    pricePerByteSecondMemory: column(() => 0),
    site: new Int32Array(NODES),
    capabilities: Int32Array.from({ length: NODES }, () => rng.below(2 ** 31) * rng.pick([1, -1])),
  } as unknown as NodeTable;
}

/** Nodes in the order of a walk over what is in a cell and has the capabilities, and the least of their rows. */
function walk(order: KeyOrder, cell: number, capabilities: number) {
  const planes = new Int32Array(40);
  const count = order.planesFor(cell, capabilities, planes);
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
        const cells = Int16Array.from({ length: NODES }, () => rng.below(CELLS + 1) - 1);
        const query = Object.assign(new Query(), { perMoney: 1 });
        const order = new KeyOrder(table, query, (n) => cells[n] as number);
        const there = new Set(Array.from({ length: rng.below(200) }, () => rng.below(NODES)));
        order.rebuild([...there]);
        for (let round = 0; round < 1_000; round++) {
          const n = rng.below(NODES);
          const from = cells[n] as number;
          const what = rng.below(4);
          if (what === 0) {
            order.remove(n);
            there.delete(n);
          } else if (what === 1) {
            cells[n] = rng.below(CELLS + 1) - 1;
            order.move(n, from, cells[n] as number);
          } else {
            // Often the same price, so that one row gets them all.
            prices[n] = rng.pick([0.3, 0, rng.float()]);
            order.put(n);
            there.add(n);
          }
        }
        const cell = rng.below(CELLS);
        const capabilities = rng.pick([0, 1, 6, -(2 ** 31)]);
        const found = walk(order, cell, capabilities);
        const memory = cell % MEMORY_BANDS;
        const expected = [...there].filter((n) => {
          const own = cells[n] as number;
          const holds = own >= cell - memory && own % MEMORY_BANDS >= memory;
          return holds && ((table.capabilities[n] as number) & capabilities) === capabilities;
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
