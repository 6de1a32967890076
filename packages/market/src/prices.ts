import {
  type Bytes,
  type Micros,
  type Money,
  money,
  ok,
  type Refusal,
  type Result,
  refuse,
} from "@weft/kernel";

/** The three types of computing power (survey, M1), as the price list tells them apart. */
export type PricedCompute = "logical" | "parallel" | "neural";

/**
 * What a provider asks, in whole micros of money for a large amount of each resource, so that even a price far
 * below one micro an operation is exact. A consumer pays for what the task occupies.
 */
export interface PriceList {
  /** For 1e15 operations, by type of computing power. 0.02 CNY/TFLOP is 20_000_000. */
  readonly petaOperation: { readonly [type in PricedCompute]: Money };
  /** For one GiB of memory held for one hour. */
  readonly memoryGibHour: Money;
  /** For one GiB of storage held for one hour. */
  readonly storageGibHour: Money;
  /** For 1e9 bytes moved in or out. */
  readonly transferGb: Money;
  /** For 1 Gbit/s of path reserved for one hour. */
  readonly bandwidthGbpsHour: Money;
  /** The least that a task is charged. */
  readonly perTask: Money;
}

/** What a task occupies, exactly: expected (for a quote) or metered (for a charge). */
export interface Usage {
  readonly operations: bigint;
  /** Byte-microseconds of memory. */
  readonly memoryTime: bigint;
  /** Byte-microseconds of storage. */
  readonly storageTime: bigint;
  /** Bytes moved in and out. */
  readonly movedBytes: bigint;
  /** Bits that the reserved path could have carried: reserved rate x time. */
  readonly reservedBits: bigint;
}

/** Usage as ordinary numbers, for callers who estimate: rounded up to whole units. */
export function expectedUsage(expected: {
  readonly operations: number;
  readonly memoryBytes: Bytes;
  readonly storageBytes: Bytes;
  readonly movedBytes: number;
  readonly reservedBps: number;
  readonly lasting: Micros;
}): Usage {
  const lasting = BigInt(Math.ceil(expected.lasting));
  return {
    operations: BigInt(Math.ceil(expected.operations)),
    memoryTime: BigInt(Math.ceil(expected.memoryBytes)) * lasting,
    storageTime: BigInt(Math.ceil(expected.storageBytes)) * lasting,
    movedBytes: BigInt(Math.ceil(expected.movedBytes)),
    reservedBits: (BigInt(Math.ceil(expected.reservedBps)) * lasting) / MICROS_PER_SECOND,
  };
}

const MICROS_PER_SECOND = 1_000_000n;
const HOUR_MICROS = 3_600n * MICROS_PER_SECOND;
const GIB_HOUR = (1n << 30n) * HOUR_MICROS;
const PETA = 10n ** 15n;
const GIGA = 10n ** 9n;
const GBPS_HOUR = GIGA * 3_600n;

export type ChargeLineKind =
  | "operations"
  | "memory"
  | "storage"
  | "transfer"
  | "bandwidth"
  /** Tops the charge up to the least a task costs. */
  | "minimum"
  /** Brings the charge down to the contract's ceiling. */
  | "ceiling";

export interface ChargeLine {
  readonly what: ChargeLineKind;
  /** In the unit of `Usage`; 0 for the two lines that only adjust. */
  readonly quantity: bigint;
  readonly amount: Money;
}

/** An amount and what it is made of; the lines sum to the total. */
export interface Charge {
  readonly lines: readonly ChargeLine[];
  readonly total: Money;
}

/**
 * What `usage` costs. Each line is rounded up to the whole micro [K4.9], so that cutting work into crumbs
 * never makes it cheaper; nobody loses more than one micro a line by it.
 */
export function priceOf(prices: PriceList, compute: PricedCompute, usage: Usage): Charge {
  const lines: ChargeLine[] = [];
  let total = 0n;
  const add = (what: ChargeLineKind, price: bigint, quantity: bigint, per: bigint): void => {
    const product = price * quantity;
    if (product === 0n) return;
    const amount = (product + per - 1n) / per;
    total += amount;
    lines.push({ what, quantity, amount: money(amount) });
  };
  add("operations", prices.petaOperation[compute], usage.operations, PETA);
  add("memory", prices.memoryGibHour, usage.memoryTime, GIB_HOUR);
  add("storage", prices.storageGibHour, usage.storageTime, GIB_HOUR);
  add("transfer", prices.transferGb, usage.movedBytes, GIGA);
  add("bandwidth", prices.bandwidthGbpsHour, usage.reservedBits, GBPS_HOUR);
  if (total < prices.perTask) {
    lines.push({ what: "minimum", quantity: 0n, amount: money(prices.perTask - total) });
    total = prices.perTask;
  }
  return { lines, total: money(total) };
}

/** `priceOf(...).total` without the lines: for meters, whose records come by the thousand and are billed by their sum. */
export function totalOf(prices: PriceList, compute: PricedCompute, usage: Usage): Money {
  let total = 0n;
  if (usage.operations !== 0n) total += upTo(prices.petaOperation[compute] * usage.operations, PETA);
  if (usage.memoryTime !== 0n) total += upTo(prices.memoryGibHour * usage.memoryTime, GIB_HOUR);
  if (usage.storageTime !== 0n) total += upTo(prices.storageGibHour * usage.storageTime, GIB_HOUR);
  if (usage.movedBytes !== 0n) total += upTo(prices.transferGb * usage.movedBytes, GIGA);
  if (usage.reservedBits !== 0n) total += upTo(prices.bandwidthGbpsHour * usage.reservedBits, GBPS_HOUR);
  return money(total < prices.perTask ? prices.perTask : total);
}

const upTo = (product: bigint, per: bigint): bigint => (product + per - 1n) / per;

/** The price a consumer is told beforehand: what the expected usage would cost. */
export const quote = (prices: PriceList, compute: PricedCompute, expected: Usage): Money =>
  priceOf(prices, compute, expected).total;

/** A price list as plain numbers, in micros of money: for ranking thousands of nodes, never for charging. */
export interface PriceRates {
  readonly perOperation: { readonly [type in PricedCompute]: number };
  readonly perMemoryByteSecond: number;
  readonly perStorageByteSecond: number;
  readonly perByteMoved: number;
  /** For every bit a reserved path could have carried. */
  readonly perReservedBit: number;
  readonly perTask: number;
}

export function priceRates(prices: PriceList): PriceRates {
  const perByteSecond = (price: Money): number => Number(price) / (2 ** 30 * 3600);
  return {
    perOperation: {
      logical: Number(prices.petaOperation.logical) / 1e15,
      parallel: Number(prices.petaOperation.parallel) / 1e15,
      neural: Number(prices.petaOperation.neural) / 1e15,
    },
    perMemoryByteSecond: perByteSecond(prices.memoryGibHour),
    perStorageByteSecond: perByteSecond(prices.storageGibHour),
    perByteMoved: Number(prices.transferGb) / 1e9,
    perReservedBit: Number(prices.bandwidthGbpsHour) / 3.6e12,
    perTask: Number(prices.perTask),
  };
}

/** Every price in a list by its name, for walking over all of them. */
export function priceEntries(prices: PriceList): readonly (readonly [name: string, price: Money])[] {
  return [
    ["petaOperation.logical", prices.petaOperation.logical],
    ["petaOperation.parallel", prices.petaOperation.parallel],
    ["petaOperation.neural", prices.petaOperation.neural],
    ["memoryGibHour", prices.memoryGibHour],
    ["storageGibHour", prices.storageGibHour],
    ["transferGb", prices.transferGb],
    ["bandwidthGbpsHour", prices.bandwidthGbpsHour],
    ["perTask", prices.perTask],
  ];
}

/** Accepts a price list with no price below zero; `at` is where the list stands in what it came with. */
export function checkPrices(
  prices: PriceList,
  at = "prices",
): Result<PriceList, Refusal<"E_PRICE_NEGATIVE">> {
  const wrong = priceEntries(prices).find(([, price]) => price < 0n);
  return wrong === undefined
    ? ok(prices)
    : { ok: false, refusal: negativePrice(`${at}.${wrong[0]}`, wrong[1]) };
}

/** That a price, in micros of money, is below zero. */
export const negativePrice = (path: string, found: Money | string): Refusal<"E_PRICE_NEGATIVE"> =>
  refuse("E_PRICE_NEGATIVE", "no price is below zero", {
    path,
    found: String(found),
    expected: "0 or more",
    hint: "what costs nothing has the price 0; a discount is set with weft offer set",
  }).refusal;
