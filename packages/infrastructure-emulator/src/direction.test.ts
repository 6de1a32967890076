import { type BitsPerSecond, type Micros, type Ratio, Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Direction } from "./direction.ts";

const distance = (delayMs: number, mbps: number | null, more = {}) => ({
  delay: (delayMs * 1000) as Micros,
  rate: mbps === null ? null : ((mbps * 1e6) as BitsPerSecond),
  ...more,
});

it("a lone piece takes its serialisation and the delay; pieces behind it wait only for the wire", () => {
  const direction = new Direction(distance(20, 8), new Rng(1)); // 8 Mb/s: one byte a microsecond
  expect(direction.admit(0, 1000)).toBe(21_000);
  expect(direction.admit(0, 1000)).toBe(22_000);
  expect(direction.backlog(500)).toBe(1_500);
  expect(direction.admit(50_000, 10)).toBe(70_010);
});

it("the delay costs pipelined data nothing of the rate", () => {
  const direction = new Direction(distance(100, 80), new Rng(1));
  let last = 0;
  for (let i = 0; i < 1000; i++) last = direction.admit(0, 10_000);
  expect(last).toBeCloseTo(100_000 + 1_000_000, 3);
});

it("keeps order under jitter, never beats the wire, and never carries more than the rate", () => {
  const piece = fc.record({ gap: fc.nat(3000), bytes: fc.integer({ min: 1, max: 20_000 }) });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1 }), fc.integer(), (pieces, seed) => {
      const direction = new Direction(distance(5, 40, { jitter: 2000 as Micros }), new Rng(seed));
      const plain = new Direction(distance(0, 40), new Rng(seed));
      let now = 0;
      let before = 0;
      for (const { gap, bytes } of pieces) {
        now += gap;
        const arrives = direction.admit(now, bytes);
        expect(arrives).toBeGreaterThanOrEqual(before);
        expect(arrives).toBeGreaterThanOrEqual(plain.admit(now, bytes));
        before = arrives;
      }
      const bytes = pieces.reduce((sum, each) => sum + each.bytes, 0);
      expect(direction.backlog(0)).toBeGreaterThanOrEqual((bytes / 5) * (1 - 1e-9));
    }),
  );
});

it("loses the share asked for, all when down, none unless said", () => {
  const lossy = new Direction(distance(1, null, { loss: 0.1 as Ratio }), new Rng(7));
  const lost = Array.from({ length: 10_000 }, () => lossy.loses()).filter(Boolean).length;
  expect(lost).toBeGreaterThan(850);
  expect(lost).toBeLessThan(1150);
  expect(new Direction(distance(1, null), new Rng(7)).loses()).toBe(false);
  expect(new Direction(distance(1, null, { up: false }), new Rng(7)).loses()).toBe(true);
});

it("cuts streams into half a millisecond's worth, within one packet and one read", () => {
  expect(new Direction(distance(1, 1), new Rng(1)).pieceBytes).toBe(1_460);
  expect(new Direction(distance(1, 160), new Rng(1)).pieceBytes).toBe(10_000);
  expect(new Direction(distance(1, 10_000), new Rng(1)).pieceBytes).toBe(65_536);
  expect(new Direction(distance(1, null), new Rng(1)).pieceBytes).toBe(65_536);
});
