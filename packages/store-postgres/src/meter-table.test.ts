import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bytes, type Instant, type Micros, money } from "@weft/kernel";
import { recordLine, UsageIntake, type UsageRecord } from "@weft/market";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OpenedStore, openStore, type RatedReading } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-meter-"));
chmodSync(folder, 0o755); // as root, the server runs as another user
let store: OpenedStore;
beforeAll(async () => {
  store = await openStore({ dataDir: folder });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const reading = (node: string, sequence: number, charge: bigint, account = "ann"): RatedReading => {
  const record = recordOf(node, sequence);
  return { record, line: recordLine(record), account, charge: money(charge) };
};
const recordOf = (node: string, sequence: number): UsageRecord => ({
  id: `${node}-${sequence}`,
  contract: "c",
  node,
  sequence,
  startedAt: 0 as Instant,
  endedAt: 1 as Instant,
  cpuTime: 1 as Micros,
  wallTime: 1 as Micros,
  operations: 10n ** 20n,
  memoryTime: 0n,
  storageTime: 0n,
  inputBytes: 0 as Bytes,
  outputBytes: 0 as Bytes,
  reservedBits: 0n,
  outcome: "completed",
  result: null,
});

it("[K4.1, K4.7] keeps each reading once, sums what is owed, and knows where the first gap is", async () => {
  const meter = await store.openMeter();
  const at = (n: number): Instant => n as Instant;
  const first = [reading("a", 1, 5n), reading("a", 2, 7n), reading("b", 2, 1n, "bob"), reading("a", 5, 1n)];
  expect(await meter.append(first, at(10))).toBe(4);
  expect(await meter.append(first, at(20))).toBe(0);
  expect(await meter.append([reading("a", 6, 9n)], at(20))).toBe(1);
  await expect(meter.append([reading("a", 4, 9n), reading("a", 5, 9n)], at(20))).rejects.toThrow("overlap");
  await expect(meter.append([reading("b", 1, 9n), reading("b", 2, 9n)], at(20))).rejects.toThrow("overlap");
  expect(await meter.owed(at(0), at(30))).toEqual(
    new Map([
      ["ann", 22n],
      ["bob", 1n],
    ]),
  );
  expect(await meter.owed(at(20), at(30))).toEqual(new Map([["ann", 9n]]));
  const known = await meter.known();
  expect(known.get("a")).toEqual([
    { from: 1, to: 2 },
    { from: 5, to: 6 },
  ]);
  const intake = new UsageIntake(known.get("a"));
  expect(intake.gaps()).toEqual([{ from: 3, to: 4 }]);
  expect(intake.take(recordOf("a", 6))).toEqual({ ok: true, value: "repeat" });
  expect(intake.take(recordOf("a", 4))).toEqual({ ok: true, value: "new" });
  await meter.close();
});
