import { assert, type Money, money } from "@weft/kernel";

/*
 * Clearing a market of like lots (so much computing power of one grade for one period): every bid wants one lot, every
 * ask gives one. A mechanism decides who trades and at what price, and is judged by four properties: what it
 * makes of the possible gain (efficiency), whether nobody loses by taking part (individual rationality), whether the
 * manager pays in (budget), and whether lying ever pays (truthfulness).
 */

export interface Bid {
  readonly id: string;
  /** The most that one lot is worth to the buyer, as the buyer says. */
  readonly value: Money;
}
export interface Ask {
  readonly id: string;
  /** The least for which the provider gives one lot, as the provider says. */
  readonly cost: Money;
}

export interface Trade {
  /** Indices into bids and asks. */
  readonly bid: number;
  readonly ask: number;
  readonly pays: Money;
  readonly earns: Money;
}

export interface Clearing {
  readonly trades: readonly Trade[];
  /** What buyers pay minus what providers earn: the manager keeps it, or pays it in when negative. */
  readonly surplus: Money;
}

export type Mechanism = (bids: readonly Bid[], asks: readonly Ask[]) => Clearing;

/** Amounts above this (9 billion units of currency) are not exact as ranking keys. */
const EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** Indices by falling (`-1`) or rising (`1`) amount; equal amounts keep their order, so a tie is decided by who came first. */
function ranked(amounts: readonly Money[], direction: 1 | -1): Uint32Array {
  const keys = new Float64Array(amounts.length);
  for (let i = 0; i < amounts.length; i++) {
    const amount = amounts[i] as Money;
    assert(amount <= EXACT && amount >= -EXACT, "an amount beyond what one market deals in");
    keys[i] = Number(amount) * direction;
  }
  const order = new Uint32Array(amounts.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
}

interface Book {
  readonly bids: Uint32Array;
  readonly asks: Uint32Array;
  readonly value: (rank: number) => bigint | null;
  readonly cost: (rank: number) => bigint | null;
  /** How many lots change hands where all gain is made: the greatest k whose k-th bid is at least the k-th ask. */
  readonly efficient: number;
}

function bookOf(bids: readonly Bid[], asks: readonly Ask[]): Book {
  const byValue = ranked(
    bids.map((bid) => bid.value),
    -1,
  );
  const byCost = ranked(
    asks.map((ask) => ask.cost),
    1,
  );
  const value = (rank: number): bigint | null => bids[byValue[rank] as number]?.value ?? null;
  const cost = (rank: number): bigint | null => asks[byCost[rank] as number]?.cost ?? null;
  const most = Math.min(bids.length, asks.length);
  let efficient = 0;
  while (efficient < most && (value(efficient) as bigint) >= (cost(efficient) as bigint)) efficient++;
  return { bids: byValue, asks: byCost, value, cost, efficient };
}

function trades({ bids, asks }: Book, count: number, pays: bigint, earns: bigint): Clearing {
  const list: Trade[] = [];
  for (let rank = 0; rank < count; rank++) {
    list.push({
      bid: bids[rank] as number,
      ask: asks[rank] as number,
      pays: money(pays),
      earns: money(earns),
    });
  }
  return { trades: list, surplus: money(BigInt(count) * (pays - earns)) };
}

/**
 * The double auction of McAfee (1992): one price for all when the first pair left out allows it, else the last
 * pair is given up and its bid and ask become the prices. Truthful and individually rational; never costs the
 * manager anything; loses at most the least valuable trade.
 */
export const doubleAuction: Mechanism = (bids, asks) => {
  const book = bookOf(bids, asks);
  const last = book.efficient - 1;
  if (last < 0) return trades(book, 0, 0n, 0n);
  const lowestValue = book.value(last) as bigint;
  const highestCost = book.cost(last) as bigint;
  const nextValue = book.value(last + 1);
  const nextCost = book.cost(last + 1);
  if (nextValue !== null && nextCost !== null) {
    const price = (nextValue + nextCost) / 2n;
    if (price >= highestCost && price <= lowestValue) return trades(book, last + 1, price, price);
  }
  return trades(book, last, lowestValue, highestCost);
};

/**
 * Vickrey, Clarke and Groves: everyone who should trade does, and pays what their taking part costs the others.
 * Truthful, rational and efficient; the manager pays the difference in.
 */
export const vickreyClarkeGroves: Mechanism = (bids, asks) => {
  const book = bookOf(bids, asks);
  const k = book.efficient;
  if (k === 0) return trades(book, 0, 0n, 0n);
  const lowestValue = book.value(k - 1) as bigint;
  const highestCost = book.cost(k - 1) as bigint;
  const nextValue = book.value(k);
  const nextCost = book.cost(k);
  // without one buyer, the next one in line takes the lot, or the dearest lot is not needed: whichever is worth more
  const pays = nextValue !== null && nextValue > highestCost ? nextValue : highestCost;
  const earns = nextCost !== null && nextCost < lowestValue ? nextCost : lowestValue;
  return trades(book, k, pays, earns);
};

/** One uniform price half-way between the last trading bid and ask. Efficient and balanced, but lying can pay. */
export const uniformPrice: Mechanism = (bids, asks) => {
  const book = bookOf(bids, asks);
  const k = book.efficient;
  if (k === 0) return trades(book, 0, 0n, 0n);
  const price = ((book.value(k - 1) as bigint) + (book.cost(k - 1) as bigint)) / 2n;
  return trades(book, k, price, price);
};

/**
 * A reverse auction for each bid in the order they came: the cheapest provider wins and is paid the second
 * cheapest's price, or the buyer's reserve when there is no other below it (Vickrey 1961). Truthful for providers within
 * one auction; a provider that may wait for the next one can gain by it.
 */
export const reverseAuction: Mechanism = (bids, asks) => {
  const byCost = ranked(
    asks.map((ask) => ask.cost),
    1,
  );
  const list: Trade[] = [];
  for (let bid = 0; bid < bids.length && list.length < asks.length; bid++) {
    const reserve = (bids[bid] as Bid).value;
    const ask = byCost[list.length] as number;
    if ((asks[ask] as Ask).cost > reserve) continue;
    let price = asks[byCost[list.length + 1] as number]?.cost ?? reserve;
    if (price > reserve) price = reserve;
    list.push({ bid, ask, pays: price, earns: price });
  }
  return { trades: list, surplus: money(0n) };
};
