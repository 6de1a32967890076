import fc from "fast-check";
import { expect, it } from "vitest";
import { Tournament } from "./tournament.ts";

it("knows the least value and the first that has it, after every change", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 5 }))),
      (count, changes) => {
        const tournament = new Tournament(count, Number.POSITIVE_INFINITY);
        const values = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
        for (const [who, value] of changes) {
          values[who % count] = value;
          tournament.set(who % count, value);
          expect(tournament.value).toBe(Math.min(...values));
          expect(tournament.least).toBe(values.indexOf(Math.min(...values)));
          expect(tournament.of(who % count)).toBe(value);
        }
      },
    ),
  );
});
