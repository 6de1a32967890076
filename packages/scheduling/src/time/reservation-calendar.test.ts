import { type Instant, type Micros, Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ReservationCalendar } from "./reservation-calendar.ts";

const HORIZON = 60;

it("[C1-C3] agrees with a plain array of instants, whatever is reserved, released and forgotten", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const resources = 1 + rng.below(3);
      const capacity = Float64Array.from({ length: resources }, () => 1 + rng.below(10));
      const calendar = new ReservationCalendar(capacity);
      const use = Array.from({ length: HORIZON + 1 }, () => new Float64Array(resources));
      const standing: { from: number; to: number; amount: Float64Array }[] = [];
      const amountOf = () => Float64Array.from({ length: resources }, (_, k) => rng.below(capacity[k]! + 1));
      const fits = (from: number, to: number, amount: Float64Array) =>
        use.slice(from, to).every((now) => now.every((used, k) => used + amount[k]! <= capacity[k]!));
      const add = (from: number, to: number, amount: Float64Array, sign: number) => {
        for (const now of use.slice(from, to))
          for (let k = 0; k < resources; k++) now[k]! += sign * amount[k]!;
      };
      let forgotten = 0;
      for (let i = 0; i < 60; i++) {
        const from = forgotten + rng.below(HORIZON - forgotten);
        const to = Math.min(HORIZON, from + rng.below(12));
        const amount = amountOf();
        const dice = rng.float();
        if (dice < 0.45) {
          const reserved = calendar.reserve(from as Instant, to as Instant, amount);
          expect(reserved.ok).toBe(from < to && fits(from, to, amount));
          if (reserved.ok) {
            add(from, to, amount, 1);
            standing.push({ from, to, amount });
          }
        } else if (dice < 0.65 && standing.length > 0) {
          const [gone] = standing.splice(rng.below(standing.length), 1);
          if (gone!.from < forgotten) continue;
          calendar.release(gone!.from as Instant, gone!.to as Instant, gone!.amount);
          add(gone!.from, gone!.to, gone!.amount, -1);
        } else if (dice < 0.95) {
          const length = 1 + rng.below(10);
          const by = rng.chance(0.3) ? from + rng.below(5) : undefined;
          let expected: number | null = null;
          for (let at = from; at <= (by ?? HORIZON) && expected === null; at++) {
            if (fits(at, at + length, amount)) expected = at;
          }
          expect(
            calendar.earliestFit(from as Instant, length as Micros, amount, by as Instant | undefined),
          ).toBe(expected);
          const k = rng.below(resources);
          const peak = Math.max(0, ...use.slice(from, Math.max(from + 1, to)).map((now) => now[k]!));
          expect(calendar.peak(from as Instant, Math.max(from + 1, to) as Instant, k)).toBe(peak);
        } else {
          forgotten = Math.max(forgotten, rng.below(HORIZON / 2));
          calendar.forgetBefore(forgotten as Instant);
        }
        const changes = use.filter((now, t) => t > forgotten && now.some((u, k) => u !== use[t - 1]![k]!));
        expect(calendar.pieces).toBeLessThanOrEqual(changes.length + 3);
      }
    }),
    { numRuns: 200 },
  );
});

it("refuses more than there ever is, and intervals that end before they start", () => {
  const calendar = new ReservationCalendar(Float64Array.of(4));
  expect(calendar.earliestFit(0 as Instant, 1 as Micros, Float64Array.of(5))).toBeNull();
  const reserved = calendar.reserve(5 as Instant, 5 as Instant, Float64Array.of(1));
  expect(reserved.ok ? "" : reserved.refusal.code).toBe("empty_interval");
});

it("gives all room back, and as few pieces as before", () => {
  const rng = new Rng(2);
  const calendar = new ReservationCalendar(Float64Array.of(100));
  const made: [Instant, Instant, Float64Array][] = [];
  for (let i = 0; i < 2000; i++) {
    const length = (1 + rng.below(1000)) as Micros;
    const amount = Float64Array.of(1 + rng.below(40));
    const at = calendar.earliestFit(rng.below(100_000) as Instant, length, amount)!;
    expect(calendar.reserve(at, (at + length) as Instant, amount).ok).toBe(true);
    made.push([at, (at + length) as Instant, amount]);
  }
  expect(calendar.peak(0 as Instant, 1e9 as Instant, 0)).toBeLessThanOrEqual(100);
  for (const [from, to, amount] of rng.shuffle(made)) calendar.release(from, to, amount);
  expect(calendar.pieces).toBe(1);
  expect(calendar.peak(0 as Instant, 1e9 as Instant, 0)).toBe(0);
});
