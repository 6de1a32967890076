import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gradeOf, type Measured } from "@weft/infrastructure";
import type { OperationsPerSecond } from "@weft/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HostMeasurement, lanePower, measuredPart, totalPower } from "./figures.ts";
import { fingerprintOf, measureHost } from "./measure.ts";
import { median, rateFrom, sampleRates, spreadOf, wallClock } from "./rates.ts";

const dir = mkdtempSync(join(tmpdir(), "weft-measure-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
/** A rough look: what is measured is the same, only shorter. */
const rough = { budget: { sliceMs: 5, rounds: 2, limitMs: 1 }, storageDir: dir };

describe("measureHost", () => {
  let half: HostMeasurement;
  beforeAll(async () => {
    half = await measureHost({ ...rough, share: 0.5, cacheDir: join(dir, "cache") });
  });

  it("[M1] measures all three types, one lane and all, each with its method", () => {
    const figures = [half.logical, half.parallel, half.neural, ...half.networks];
    const all = figures.flatMap(({ lane, total }) => [lane, total]);
    for (const { value, method, spread, took } of all) {
      expect(value).toBeGreaterThan(0);
      expect(method).not.toBe("");
      expect(Number.isFinite(spread) && spread >= 0).toBe(true);
      expect(took).toBeGreaterThan(0);
    }
    expect(half.networks.length).toBeGreaterThanOrEqual(2);
  });

  it("neural power is the geometric mean of the reference networks", () => {
    const product = half.networks.reduce((all, { total }) => all * total.value, 1);
    expect(half.neural.total.value / product ** (1 / half.networks.length)).toBeCloseTo(1, 9);
  });

  it("[P2] knows memory and storage under the share, and leaves no file behind", () => {
    expect(half.memoryBytes).toBeGreaterThan(0);
    const { storage } = half;
    expect(storage.freeBytes).toBeLessThanOrEqual(storage.capacityBytes);
    for (const each of [storage.sequentialRead, storage.sequentialWrite, storage.randomRead]) {
      expect(each.value).toBeGreaterThan(0);
    }
    expect(readdirSync(dir)).toEqual(["cache"]);
  });

  it("[M2] grades by the strongest type", () => {
    const { parallel, neural, logical } = totalPower(half);
    expect(half.grade).toBe(gradeOf(Math.max(parallel, neural, logical) as OperationsPerSecond));
    expect(measuredPart(half)).toMatchObject({ power: totalPower(half), laneRate: lanePower(half) });
  });

  it("keeps figures by fingerprint: they are read back, and measured again when the file is torn", async () => {
    const options = { ...rough, share: 0.5, cacheDir: join(dir, "cache") };
    const again = await measureHost(options);
    expect(again).toMatchObject({ cached: true, at: half.at, logical: half.logical });
    for (const name of readdirSync(options.cacheDir)) writeFileSync(join(options.cacheDir, name), "{ torn");
    const remeasured = await measureHost(options);
    expect(remeasured).toMatchObject({ cached: false, fingerprint: half.fingerprint });
  });

  it("the fingerprint is the same for the same facts only", () => {
    expect(fingerprintOf({ cpu: "a", share: 0.5 })).toBe(fingerprintOf({ share: 0.5, cpu: "a" }));
    expect(fingerprintOf({ cpu: "a", share: 0.5 })).not.toBe(fingerprintOf({ cpu: "a", share: 0.25 }));
  });
});

describe("rates", () => {
  it("a rate is the best sample times the cores allowed", async () => {
    const subject = { name: "s", method: "spin", work: async () => [5] };
    const samples = { perCore: [10, 30, 20], coresGot: [1, 1, 1], tookMs: 2 };
    const figure: Measured<number> = rateFrom(subject, samples, 0.5, wallClock());
    expect(figure).toMatchObject({ value: 15, spread: 1, took: 2000 });
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(spreadOf([7])).toBe(0);
  });

  it("takes all subjects in turns", async () => {
    const order: string[] = [];
    const subject = (name: string) => ({
      name,
      method: "",
      work: async () => {
        order.push(name);
        const until = performance.now() + 1;
        while (performance.now() < until);
        return [1, 9, 3];
      },
    });
    const samples = await sampleRates([subject("a"), subject("b")], { sliceMs: 1, rounds: 3, limitMs: 1e6 });
    expect(order.join("")).toBe("ababab");
    expect(samples.get("a")?.perCore).toEqual([3, 3, 3]); // of a round the second best
  });
});
