import { type Operations, Rng, type Watts } from "@weft/kernel";
import { expect, it } from "vitest";
import { cubeConstant, dynamicEnergy, dynamicPower, meanSojourn, thriftiestFrequency } from "./laws.ts";
import { SharedServers } from "./sharing.ts";

it("power grows with the cube of frequency, the energy of work with its square", () => {
  const k = cubeConstant(27 as Watts, 3e9);
  expect(dynamicPower(k, 1e9)).toBeCloseTo(1, 9);
  const work = 4e9 as Operations;
  expect(dynamicEnergy(k, 2e9, work, 4) / dynamicEnergy(k, 1e9, work, 4)).toBeCloseTo(4, 9);
  expect(dynamicEnergy(k, 1e9, work, 4)).toBeCloseTo(dynamicPower(k, 1e9) * 1, 9);
  expect(thriftiestFrequency(work, 4, 0.5, [1e9, 3e9])).toBe(2e9);
  expect(thriftiestFrequency(work, 4, 10, [1e9, 3e9])).toBe(1e9);
  expect(thriftiestFrequency(work, 4, 0.1, [1e9, 3e9])).toBeNull();
});

it("knows the queues that have a formula", () => {
  expect(meanSojourn(0.5, 1, 1)).toBeCloseTo(1 / (1 - 0.5), 12);
  expect(meanSojourn(0.5, 1, 0)).toBeCloseTo(1.5, 12);
  expect(meanSojourn(1, 1, 1)).toBe(Number.POSITIVE_INFINITY);
});

it("processor sharing with Poisson arrivals takes on average what M/M/1 takes", () => {
  const rng = new Rng(11);
  const servers = new SharedServers([1], [1]);
  const arrived: number[] = [];
  let [at, sum, done] = [0, 0, 0];
  for (let task = 0; task < 100_000; task++) {
    at += rng.exponential(1 / 0.6);
    for (let next = servers.nextAt; next <= at; next = servers.nextAt) {
      sum += next - (arrived[servers.takeNext()] as number);
      done++;
    }
    arrived[task] = at;
    servers.add(0, at, task, rng.exponential(1));
  }
  expect(sum / done / meanSojourn(0.6, 1, 1)).toBeCloseTo(1, 1);
});
