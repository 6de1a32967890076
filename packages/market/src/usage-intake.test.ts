import { type Bytes, type Instant, type Micros, money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  priceOf,
  recordLine,
  signUsageBatch,
  totalOf,
  UsageIntake,
  type UsageRecord,
  verifyUsageBatch,
} from "./index.ts";

const record = (sequence: number, change: Partial<UsageRecord> = {}): UsageRecord => ({
  id: `r-${sequence}`,
  contract: "c-1",
  node: "corner",
  sequence,
  startedAt: 1 as Instant,
  endedAt: 2 as Instant,
  cpuTime: 1 as Micros,
  wallTime: 1 as Micros,
  operations: 5n,
  memoryTime: 6n,
  storageTime: 0n,
  inputBytes: 7 as Bytes,
  outputBytes: 8 as Bytes,
  reservedBits: 0n,
  outcome: "completed",
  result: null,
  ...change,
});

describe("a batch", () => {
  const node = createSigner();
  it("[K4.2] counts when the node signed exactly these records", () => {
    const batch = signUsageBatch("corner", [record(1), record(2)], node, nodeCryptography);
    expect(verifyUsageBatch(batch, node.publicKey, nodeCryptography)).toBeNull();
    const forged = [
      { ...batch, records: batch.records.slice(1) },
      { ...batch, records: [record(1), record(2, { operations: 6n })] },
      { ...batch, records: batch.records.toReversed() },
    ];
    for (const other of forged) {
      expect(verifyUsageBatch(other, node.publicKey, nodeCryptography)?.code).toBe("E_USAGE_SIGNATURE");
    }
    const stranger = signUsageBatch("corner", [record(1, { node: "other" })], node, nodeCryptography);
    expect(verifyUsageBatch(stranger, node.publicKey, nodeCryptography)?.code).toBe("E_USAGE_CONTRACT");
  });

  it("gives two different records two different lines, whatever their ids hold", () => {
    const id = fc.string({ unit: fc.constantFrom("|", "1", "a", "\n", "{"), maxLength: 4 });
    const any = fc.record({ id, contract: id, node: id }).map((ids) => record(1, ids));
    fc.assert(
      fc.property(any, any, (a, b) => {
        const same = a.id === b.id && a.contract === b.contract && a.node === b.node;
        expect(recordLine(a) === recordLine(b)).toBe(same);
      }),
    );
  });
});

describe("the intake", () => {
  it("[K4.1, K4.7] takes each record once in any order, and knows what is missing", () => {
    const sequences = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 });
    fc.assert(
      fc.property(sequences, (order) => {
        const intake = new UsageIntake();
        const seen = new Set<number>();
        for (const sequence of order) {
          const expected = seen.has(sequence) ? "repeat" : "new";
          expect(intake.take(record(sequence))).toEqual({ ok: true, value: expected });
          seen.add(sequence);
          const highest = Math.max(...seen);
          const missing = Array.from({ length: highest }, (_, i) => i + 1).filter((n) => !seen.has(n));
          const listed = intake
            .gaps()
            .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
          expect(listed).toEqual(missing);
        }
      }),
    );
  });

  it("[K4.1, K4.7] goes on from the ranges it had, also where they overlap", () => {
    const ranges = fc.array(fc.record({ from: fc.integer({ min: 1, max: 20 }), length: fc.nat(8) }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(ranges, (had) => {
        const known = had.map(({ from, length }) => ({ from, to: from + length }));
        const intake = new UsageIntake(known);
        const taken = (n: number): boolean => known.some(({ from, to }) => from <= n && n <= to);
        intake.take(record(40));
        const listed = intake
          .gaps()
          .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
        const missing = Array.from({ length: 39 }, (_, i) => i + 1).filter((n) => !taken(n));
        expect(listed).toEqual(missing);
        for (let n = 1; n < 40; n++) {
          expect(intake.take(record(n))).toEqual({ ok: true, value: taken(n) ? "repeat" : "new" });
        }
      }),
    );
  });

  it("[K4.1] refuses a number that comes to mean something else", () => {
    const intake = new UsageIntake();
    intake.take(record(3));
    expect(intake.take(record(3, { operations: 6n }))).toMatchObject({ refusal: { code: "E_USAGE_REUSED" } });
    expect(intake.take(record(0))).toMatchObject({ refusal: { code: "E_USAGE_FORM" } });
  });
});

it("[K4.8, K4.9] the total alone is the total of the lines, whatever was used", () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 20n });
  const price = fc.bigInt({ min: 0n, max: 10n ** 9n }).map(money);
  fc.assert(
    fc.property(
      fc.tuple(price, price, price, price, price, price),
      fc.tuple(amount, amount, amount, amount),
      fc.nat(),
      (prices, [operations, memoryTime, storageTime, reservedBits], moved) => {
        const [logical, memoryGibHour, storageGibHour, transferGb, bandwidthGbpsHour, perTask] = prices;
        const list = {
          petaOperation: { logical, parallel: logical, neural: logical },
          memoryGibHour,
          storageGibHour,
          transferGb,
          bandwidthGbpsHour,
          perTask,
        };
        const usage = { operations, memoryTime, storageTime, reservedBits, movedBytes: BigInt(moved) };
        expect(totalOf(list, "logical", usage)).toBe(priceOf(list, "logical", usage).total);
      },
    ),
  );
});
