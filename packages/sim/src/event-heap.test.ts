import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { EventHeap } from "./event-heap.ts";

it("gives events back by time, and equal times in the order they were scheduled", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
      const heap = new EventHeap(1);
      times.forEach((at, i) => {
        heap.push(at, i);
      });
      const got = times.map(() => heap.pop());
      const wanted = times.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at || a.i - b.i);
      expect(got).toEqual(wanted.map(({ i }) => i));
      expect(heap.size).toBe(0);
      expect(heap.nextAt).toBe(Number.POSITIVE_INFINITY);
    }),
  );
});

it("holds the same order with pushes and pops mixed", () => {
  const rng = new Rng(5);
  const heap = new EventHeap(4);
  const pending: { at: number; serial: number }[] = [];
  let serial = 0;
  for (let round = 0; round < 1500; round++) {
    if (pending.length === 0 || rng.chance(0.55)) {
      const at = (heap.at === Number.NEGATIVE_INFINITY ? 0 : heap.at) + rng.below(30);
      heap.push(at, serial);
      pending.push({ at, serial: serial++ });
    } else {
      pending.sort((a, b) => a.at - b.at || a.serial - b.serial);
      const first = pending.shift();
      expect(heap.pop()).toBe(first?.serial);
      expect(heap.at).toBe(first?.at);
    }
  }
});
