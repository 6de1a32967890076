import fc from "fast-check";
import { expect, it } from "vitest";
import { Ranked, Rng } from "./index.ts";

it("gives keys by rank and then by the order they were set, like a sorted list would", () => {
  const step = fc.oneof(
    fc.record({ set: fc.nat(9), rank: fc.nat(5) }),
    fc.record({ delete: fc.nat(9) }),
    fc.constant({ take: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const ranked = new Ranked<number>();
      let model: { key: number; rank: number }[] = [];
      for (const s of steps) {
        if ("set" in s) {
          ranked.set(s.set, s.rank);
          model = [...model.filter(({ key }) => key !== s.set), { key: s.set, rank: s.rank }];
          model.sort((a, b) => a.rank - b.rank);
        } else if ("delete" in s) {
          ranked.delete(s.delete);
          model = model.filter(({ key }) => key !== s.delete);
        } else expect(ranked.take()).toBe(model.shift()?.key);
        expect(ranked.first).toBe(model[0]?.key);
        expect(ranked.least).toBe(model[0]?.rank ?? Number.POSITIVE_INFINITY);
      }
      expect([...ranked.keys].sort()).toEqual(model.map(({ key }) => key).sort());
    }),
    { numRuns: 50 },
  );
});

it("keeps the order when what was superseded far down is cleared away", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 100, max: 400 }), (seed, count) => {
      // Ranks fall and nothing is read, so that what is superseded does not surface by itself.
      const ranked = new Ranked<number>();
      const rng = new Rng(seed);
      const rank = new Map<number, number>();
      for (let i = 0; i < count; i++) {
        const key = rng.below(30);
        rank.delete(key); // so that keys of equal rank stand in the order they were set
        rank.set(key, Math.floor((count - i) / 7) + rng.below(20));
        ranked.set(key, rank.get(key) as number);
      }
      const inOrder = [...rank].sort(([, a], [, b]) => a - b).map(([key]) => key);
      expect(Array.from({ length: ranked.size }, () => ranked.take())).toEqual(inOrder);
    }),
  );
});
