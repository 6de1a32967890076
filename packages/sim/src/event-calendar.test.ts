import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { EventCalendar } from "./event-calendar.ts";
import { EventHeap } from "./event-heap.ts";

it("gives events in the same order as the heap, whatever the slots", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: 0.01, max: 5000, noNaN: true }),
      fc.integer({ min: 1, max: 64 }),
      (seed, width, slots) => {
        const rng = new Rng(seed);
        const heap = new EventHeap();
        const calendar = new EventCalendar(width, slots);
        const push = (at: number, what: number): void => {
          heap.push(at, what);
          calendar.push(at, what);
        };
        for (let i = 0; i < 20; i++) push(rng.below(1000), i);
        const wanted: number[] = [];
        const got: number[] = [];
        for (let i = 20; i < 300 && heap.size > 0; i++) {
          wanted.push(heap.nextAt, heap.size, heap.pop(), heap.at);
          got.push(calendar.nextAt, calendar.size, calendar.pop(), calendar.at);
          const more = rng.below(3);
          for (let k = 0; k < more; k++) push(heap.at + (rng.chance(0.2) ? 0 : rng.exponential(500)), i);
        }
        expect(got).toEqual(wanted);
      },
    ),
    { numRuns: 50 },
  );
});

it("finds an event many rounds ahead", () => {
  const calendar = new EventCalendar(1, 8);
  calendar.push(1e9, 7);
  calendar.push(3, 1);
  expect(calendar.pop()).toBe(1);
  expect(calendar.nextAt).toBe(1e9);
  expect(calendar.pop()).toBe(7);
  expect(calendar.nextAt).toBe(Number.POSITIVE_INFINITY);
});
