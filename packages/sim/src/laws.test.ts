import type { Operations, Watts } from "@weft/kernel";
import { expect, it } from "vitest";
import { cubeConstant, dynamicPower, thriftiestFrequency } from "./laws.ts";

it("power grows with the cube of frequency, and work is done at the lowest that is in time", () => {
  const k = cubeConstant(27 as Watts, 3e9);
  expect(dynamicPower(k, 1e9)).toBeCloseTo(1, 9);
  const work = 4e9 as Operations;
  expect(thriftiestFrequency(work, 4, 0.5, [1e9, 3e9])).toBe(2e9);
  expect(thriftiestFrequency(work, 4, 10, [1e9, 3e9])).toBe(1e9);
  expect(thriftiestFrequency(work, 4, 0.1, [1e9, 3e9])).toBeNull();
});
