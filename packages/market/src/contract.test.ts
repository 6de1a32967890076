import { type Bytes, type Instant, type Micros, money, type OperationsPerSecond } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Charge,
  type Contract,
  type ContractTerms,
  checkUsage,
  type MeterBounds,
  meteredUsage,
  priceOf,
  priceRates,
  quote,
  rate,
  settlement,
  signContract,
  signOrder,
  signUsage,
  type UsageRecord,
  verifyContract,
  verifyTaskOf,
  verifyUsage,
} from "./index.ts";
import { PRICES, termsBetween } from "./testing/papers.ts";

const consumer = createSigner();
const provider = createSigner();
const manager = createSigner();
const start = 1_000_000_000 as Instant;

const terms = termsBetween(consumer.publicKey, provider.publicKey, manager.publicKey, {
  order: signOrder(
    {
      id: "o-1",
      consumer: consumer.publicKey,
      taskDigest: "ab".repeat(32),
      payAtMost: money(1000n),
      notAfter: (start + 60e6) as Instant,
    },
    consumer,
  ),
  validFrom: start,
  validUntil: (start + 120e6) as Instant,
});
const contract: Contract = {
  terms,
  manager: signContract(terms, manager),
  provider: signContract(terms, provider),
};
const record: UsageRecord = {
  id: "r-1",
  contract: "c-1",
  node: "corner",
  sequence: 1,
  startedAt: (start + 1e6) as Instant,
  endedAt: (start + 2e6) as Instant,
  cpuTime: 1_500_000 as Micros,
  wallTime: 1_000_000 as Micros,
  operations: 9_100_000_000n,
  memoryTime: 180_000_000n * 1_000_000n,
  storageTime: 0n,
  inputBytes: 2_300_000 as Bytes,
  outputBytes: 400 as Bytes,
  reservedBits: 0n,
  outcome: "completed",
  result: null,
};
const bounds: MeterBounds = {
  lanes: 2,
  rate: 100e9 as OperationsPerSecond,
  memoryBytes: 2e9 as Bytes,
  storageBytes: 1e9 as Bytes,
  movedBytes: 2_300_400,
  reservedBps: 0,
};
const code = (refusal: { code: string } | null): string | undefined => refusal?.code;
/** A contract with other terms, signed afresh by manager and provider. */
const reissued = (change: Partial<ContractTerms>): Contract => {
  const other = { ...terms, ...change };
  return { terms: other, manager: signContract(other, manager), provider: signContract(other, provider) };
};

describe("a contract", () => {
  it("[K2.6] binds when all three signed exactly these terms", () => {
    expect(verifyContract(contract, nodeCryptography)).toBeNull();
  });

  it("[K2.6] is void when one signature is missing, another's, or under other terms", () => {
    expect(code(verifyContract({ ...contract, provider: null }, nodeCryptography))).toBe(
      "E_CONTRACT_SIGNATURE",
    );
    const swapped = { ...contract, manager: contract.provider };
    expect(code(verifyContract(swapped, nodeCryptography))).toBe("E_CONTRACT_SIGNATURE");
    const edited = { ...contract, terms: { ...terms, ceiling: money(901n) } };
    expect(code(verifyContract(edited, nodeCryptography))).toBe("E_CONTRACT_SIGNATURE");
  });

  it("[K2.3] is void above the price its consumer allowed, whoever signed it", () => {
    expect(code(verifyContract(reissued({ ceiling: money(1001n) }), nodeCryptography))).toBe(
      "E_CONTRACT_CEILING",
    );
    expect(code(verifyContract(reissued({ ceiling: money(-1n) }), nodeCryptography))).toBe(
      "E_CONTRACT_CEILING",
    );
  });

  it("[K2.2, K2.4, K2.5] is void for another consumer, after the order lapsed, or with a price below zero", () => {
    const other = { account: "eve", key: createSigner().publicKey };
    expect(code(verifyContract(reissued({ consumer: other }), nodeCryptography))).toBe("E_CONTRACT_PARTY");
    const late = { validFrom: (start + 61e6) as Instant };
    expect(code(verifyContract(reissued(late), nodeCryptography))).toBe("E_CONTRACT_TIME");
    const paying = { prices: { ...PRICES, transferGb: money(-1n) } };
    expect(code(verifyContract(reissued(paying), nodeCryptography))).toBe("E_PRICE_NEGATIVE");
  });

  it("[K1.2] stands on an order that the consumer signed, not one that was edited", () => {
    const order = { ...terms.order.order, payAtMost: money(10_000n) };
    const forged = { order: { order, signature: terms.order.signature }, ceiling: money(5_000n) };
    expect(code(verifyContract(reissued(forged), nodeCryptography))).toBe("E_ORDER_SIGNATURE");
  });

  it("[K2.7] is about one task", () => {
    expect(verifyTaskOf(contract, "ab".repeat(32))).toBeNull();
    expect(code(verifyTaskOf(contract, "cd".repeat(32)))).toBe("E_CONTRACT_TASK");
  });
});

describe("a usage record", () => {
  it("[K4.2] counts when the contract's node signed it for this contract", () => {
    const signed = signUsage(record, provider);
    expect(verifyUsage(signed, terms, nodeCryptography)).toBeNull();
    expect(code(verifyUsage(signed, { ...terms, id: "c-2" }, nodeCryptography))).toBe("E_USAGE_CONTRACT");
    const inflated = { ...signed, record: { ...record, operations: 10n ** 12n } };
    expect(code(verifyUsage(inflated, terms, nodeCryptography))).toBe("E_USAGE_SIGNATURE");
  });

  it("[K4.3 to K4.6] is refused when it says more than the node can have done", () => {
    expect(checkUsage(record, terms, bounds)).toBeNull();
    const wrong: readonly (readonly [Partial<UsageRecord>, string])[] = [
      [{ cpuTime: 2_100_000 as Micros }, "E_USAGE_CPU_TIME"],
      [{ operations: 250_000_000_000n }, "E_USAGE_OPERATIONS"],
      [{ memoryTime: 3_000_000_000n * 1_000_000n }, "E_USAGE_MEMORY"],
      [{ storageTime: 2_000_000_000n * 1_000_000n }, "E_USAGE_STORAGE"],
      [{ inputBytes: 9_000_000 as Bytes }, "E_USAGE_BYTES"],
      [{ reservedBits: 1n }, "E_USAGE_BANDWIDTH"],
      [{ wallTime: 2_000_000 as Micros }, "E_USAGE_TIME"],
      [{ endedAt: (start + 400e6) as Instant }, "E_USAGE_TIME"],
      [{ operations: -1n }, "E_USAGE_FORM"],
      [{ cpuTime: Number.NaN as Micros }, "E_USAGE_FORM"],
      [{ inputBytes: 1.5 as Bytes }, "E_USAGE_FORM"],
    ];
    for (const [change, expected] of wrong) {
      expect(code(checkUsage({ ...record, ...change }, terms, bounds)), expected).toBe(expected);
    }
  });

  it("[K4.3] is refused by the name of the figure that is no count", () => {
    const counts = ["sequence", "startedAt", "endedAt", "cpuTime", "wallTime", "inputBytes", "outputBytes"];
    for (const name of counts) {
      for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53, "7"]) {
        const refusal = checkUsage({ ...record, [name]: wrong }, terms, bounds);
        expect([refusal?.code, refusal?.path]).toEqual(["E_USAGE_FORM", name]);
      }
    }
    for (const name of ["operations", "memoryTime", "storageTime", "reservedBits"]) {
      for (const wrong of [-1n, 7, "7"]) {
        const refusal = checkUsage({ ...record, [name]: wrong }, terms, bounds);
        expect([refusal?.code, refusal?.path]).toEqual(["E_USAGE_FORM", name]);
      }
    }
  });

  it("[K4.6] may tell of a little more than the path's counters saw, and of anything where none counted", () => {
    const moved = (inputBytes: number, movedBytes: number | null) =>
      code(checkUsage({ ...record, inputBytes: inputBytes as Bytes }, terms, { ...bounds, movedBytes }));
    expect(moved(104e6, 100e6)).toBeUndefined();
    expect(moved(110e6, 100e6)).toBe("E_USAGE_BYTES");
    expect(moved(60_000, 0)).toBeUndefined();
    expect(moved(9e9, null)).toBeUndefined();
  });
});

describe("a charge", () => {
  const sum = (charge: Charge): bigint => charge.lines.reduce((total, line) => total + line.amount, 0n);

  it("prices each resource exactly, rounded up to the micro", () => {
    const charge = priceOf(PRICES, "neural", meteredUsage(record));
    expect(charge.lines.map((line) => [line.what, line.amount])).toEqual([
      ["operations", 273n], // 9.1e9 / 1e15 x 30,000,000
      ["memory", 2n], // 0.1676 GiB x 1 s x 30,000 / 3600 = 1.4
      ["transfer", 921n], // 2,300,400 B x 0.4
    ]);
    expect(charge.total).toBe(1196n);
    expect(quote(PRICES, "neural", meteredUsage(record))).toBe(1196n);
  });

  it("[K4.8] never passes the ceiling, and its lines sum to its total", () => {
    const charge = rate(record, terms);
    expect(charge.total).toBe(900n);
    expect(sum(charge)).toBe(900n);
  });

  it("tops up to the least a task costs, and charges a failed run nothing", () => {
    const idle = {
      ...record,
      operations: 0n,
      memoryTime: 1n,
      inputBytes: 0 as Bytes,
      outputBytes: 0 as Bytes,
    };
    expect(rate(idle, terms)).toEqual({
      lines: [
        { what: "memory", quantity: 1n, amount: 1n },
        { what: "minimum", quantity: 0n, amount: 4n },
      ],
      total: 5n,
    });
    expect(rate({ ...record, outcome: "failed" }, terms).total).toBe(0n);
  });

  it("[K4.9] is never less when the work is cut into crumbs", () => {
    const whole = quote(PRICES, "logical", { ...meteredUsage(record), movedBytes: 0n });
    const crumb = { ...meteredUsage(record), operations: record.operations / 1000n, movedBytes: 0n };
    expect(quote(PRICES, "logical", crumb) * 1000n).toBeGreaterThanOrEqual(whole);
  });

  it("is settled by postings that sum to zero, the fee rounded up", () => {
    expect(settlement(terms, money(410n), { commissionPpm: 50_000 })).toEqual([
      { account: "ann", amount: -410n },
      { account: "bob", amount: 389n },
      { account: "fees", amount: 21n },
    ]);
    expect(settlement(terms, money(0n), { commissionPpm: 50_000 })).toEqual([]);
  });

  it("agrees with the plain rates used for ranking, whatever is used", () => {
    const rates = priceRates(PRICES);
    const amount = (most: number) => fc.bigInt(0n, BigInt(most));
    const usages = fc.record({
      operations: amount(1e18),
      memoryTime: amount(1e22),
      storageTime: amount(1e24),
      movedBytes: amount(1e13),
      reservedBits: amount(1e16),
    });
    fc.assert(
      fc.property(fc.constantFrom("logical", "parallel", "neural"), usages, (compute, usage) => {
        const estimate =
          rates.perOperation[compute] * Number(usage.operations) +
          (rates.perMemoryByteSecond * Number(usage.memoryTime)) / 1e6 +
          (rates.perStorageByteSecond * Number(usage.storageTime)) / 1e6 +
          rates.perByteMoved * Number(usage.movedBytes) +
          rates.perReservedBit * Number(usage.reservedBits);
        const exact = Number(quote(PRICES, compute, usage));
        expect(Math.abs(Math.max(estimate, rates.perTask) - exact)).toBeLessThan(6 + exact * 1e-9); // a micro a line
      }),
    );
  });
});
