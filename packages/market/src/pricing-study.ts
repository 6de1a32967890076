import { type Instant, type Money, money, Rng } from "@weft/kernel";
import {
  type Ask,
  type Bid,
  type Clearing,
  doubleAuction,
  type Mechanism,
  reverseAuction,
  uniformPrice,
  vickreyClarkeGroves,
} from "./auction.ts";
import {
  type CongestionPolicy,
  congestion,
  type Pricing,
  posted,
  type TimeOfUseStep,
  timeOfUse,
} from "./pricing.ts";

/*
 * A study of ways to price (C8): the same buyers and providers, round after round, under each mechanism. Demand swings over
 * the day; a few large providers have many lots at low cost, many small ones have one each. Then single
 * participants lie, with everything else as it was, and it is counted whether that pays.
 */

export interface PricingStudy {
  readonly roundsPerDay: number;
  readonly days: number;
  readonly large: { readonly count: number; readonly lots: number; readonly cost: number };
  readonly small: { readonly count: number; readonly cost: number };
  /** How far a provider's cost lies from the mean, as a share (standard deviation). */
  readonly costSpread: number;
  /** Buyers a round at the quietest and at the busiest hour. */
  readonly demand: { readonly least: number; readonly most: number };
  /** Mean worth of a lot to a buyer, exponential, in micros of money. */
  readonly value: number;
  /** The list price of a lot. */
  readonly listPrice: number;
  readonly timeOfUse: readonly TimeOfUseStep[];
  readonly congestion: CongestionPolicy;
  /** Lies tried: what a liar says over what is true. */
  readonly lies: readonly number[];
}

export interface MechanismResult {
  readonly mechanism: string;
  /** Gain made over the greatest gain possible. */
  readonly welfare: number;
  readonly trades: number;
  /** Mean price that buyers paid, in micros. */
  readonly price: number;
  /** Mean change of the price from round to round over its mean. */
  readonly priceChange: number;
  /** What a lot of a large and of a small provider earned over its cost, a round. */
  readonly largeProfit: number;
  readonly smallProfit: number;
  /** The manager's surplus over what buyers paid; negative: it pays in. */
  readonly budget: number;
  /** The best lie's profit over the truth's, less one; 0 where no lie tried gained. */
  readonly lyingBuyer: number;
  /** A small provider lies about its one lot; a large one about all of its lots at once. */
  readonly lyingSmall: number;
  readonly lyingLarge: number;
}

interface Round {
  readonly bids: readonly Bid[];
  readonly asks: readonly Ask[];
  readonly at: Instant;
}

/** One round's clearing, and the price that stood for it. */
type Clear = (round: Round) => Clearing;

export const STUDIED = [
  "posted",
  "time-of-use",
  "congestion",
  "reverse",
  "uniform",
  "double",
  "vcg",
] as const;
export type StudiedMechanism = (typeof STUDIED)[number];

/** Runs the study for one mechanism. The same seed gives every mechanism the same people. */
export function studyPricing(
  study: PricingStudy,
  mechanism: StudiedMechanism,
  seed: number,
): MechanismResult {
  const rounds = roundsOf(study, new Rng(seed));
  const honest = run(rounds, clearing(study, mechanism));
  let best = 0n;
  let sums = { pays: 0n, earns: 0n, trades: 0, large: 0n, small: 0n, gain: 0n };
  const prices: number[] = [];
  const largeLots = study.large.count * study.large.lots;
  rounds.forEach((round, r) => {
    const cleared = honest[r] as Clearing;
    for (const { bid, ask, pays, earns } of cleared.trades) {
      const cost = (round.asks[ask] as Ask).cost;
      const profit = earns - cost;
      sums = {
        pays: sums.pays + pays,
        earns: sums.earns + earns,
        trades: sums.trades + 1,
        large: sums.large + (ask < largeLots ? profit : 0n),
        small: sums.small + (ask < largeLots ? 0n : profit),
        gain: sums.gain + (round.bids[bid] as Bid).value - cost,
      };
    }
    if (cleared.trades.length > 0) prices.push(mean(cleared.trades.map((trade) => Number(trade.pays))));
    best += gainOf(round, vickreyClarkeGroves(round.bids, round.asks));
  });
  const price = sums.trades === 0 ? 0 : Number(sums.pays) / sums.trades;
  const changes = prices.slice(1).map((now, i) => Math.abs(now - (prices[i] as number)));
  return {
    mechanism,
    welfare: best === 0n ? 1 : Number(sums.gain) / Number(best),
    trades: sums.trades,
    price,
    priceChange: price === 0 ? 0 : mean(changes) / price,
    largeProfit: Number(sums.large) / (largeLots * rounds.length),
    smallProfit: Number(sums.small) / (study.small.count * rounds.length),
    budget: sums.pays === 0n ? 0 : Number(sums.pays - sums.earns) / Number(sums.pays),
    lyingBuyer: lyingGain(study, mechanism, rounds, honest, "buyer"),
    lyingSmall: lyingGain(study, mechanism, rounds, honest, "small"),
    lyingLarge: lyingGain(study, mechanism, rounds, honest, "large"),
  };
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const gainOf = (round: Round, { trades }: Clearing): bigint =>
  trades.reduce(
    (sum, { bid, ask }) => sum + (round.bids[bid] as Bid).value - (round.asks[ask] as Ask).cost,
    0n,
  );

const run = (rounds: readonly Round[], clear: Clear): readonly Clearing[] => rounds.map(clear);

/** The people: large providers' lots stand first among the asks. */
function roundsOf(study: PricingStudy, rng: Rng): readonly Round[] {
  const costRng = rng.fork("cost");
  const amount = (value: number): Money => money(BigInt(Math.max(1, Math.round(value))));
  const around = (cost: number): number => cost * Math.max(0.1, costRng.normal(1, study.costSpread));
  const asks: Ask[] = [];
  for (let p = 0; p < study.large.count; p++) {
    const cost = amount(around(study.large.cost));
    for (let lot = 0; lot < study.large.lots; lot++) asks.push({ id: `large-${p}`, cost });
  }
  for (let p = 0; p < study.small.count; p++)
    asks.push({ id: `small-${p}`, cost: amount(around(study.small.cost)) });
  const rounds: Round[] = [];
  for (let r = 0; r < study.roundsPerDay * study.days; r++) {
    const demandRng = rng.fork(`round ${r}`);
    const ofDay = (r % study.roundsPerDay) / study.roundsPerDay;
    const busy = 0.5 - 0.5 * Math.cos(2 * Math.PI * ofDay);
    const buyers = Math.round(study.demand.least + (study.demand.most - study.demand.least) * busy);
    const bids = Array.from({ length: buyers }, (_, i) => ({
      id: `buyer-${i}`,
      value: amount(demandRng.exponential(study.value)),
    }));
    rounds.push({ bids, asks, at: Math.round((r / study.roundsPerDay) * 86_400e6) as Instant });
  }
  return rounds;
}

function clearing(study: PricingStudy, mechanism: StudiedMechanism): Clear {
  const stateless: Partial<Record<StudiedMechanism, Mechanism>> = {
    reverse: reverseAuction,
    uniform: uniformPrice,
    double: doubleAuction,
    vcg: vickreyClarkeGroves,
  };
  const auction = stateless[mechanism];
  if (auction !== undefined) return ({ bids, asks }) => auction(bids, asks);
  const pricing: Pricing =
    mechanism === "posted"
      ? posted()
      : mechanism === "time-of-use"
        ? timeOfUse(study.timeOfUse)
        : congestion(study.congestion);
  let utilisation = study.congestion.target;
  return ({ bids, asks, at }) => {
    const ppm = pricing.ppm({ at, utilisation });
    const price = money(BigInt(Math.round((study.listPrice * ppm) / 1e6)));
    const takers = bids.flatMap(({ value }, bid) => (value >= price ? [bid] : []));
    const givers = asks.flatMap(({ cost }, ask) => (cost <= price ? [ask] : []));
    utilisation = Math.min(2, takers.length / Math.max(1, givers.length));
    const count = Math.min(takers.length, givers.length);
    // providers take turns: at one price for all nobody is first by right
    const turn = givers.length === 0 ? 0 : Math.floor(at / 60e6) % givers.length;
    const trades = Array.from({ length: count }, (_, i) => ({
      bid: takers[i] as number,
      ask: givers[(i + turn) % givers.length] as number,
      pays: price,
      earns: price,
    }));
    return { trades, surplus: money(0n) };
  };
}

type Liar = "buyer" | "small" | "large";

/** How many of each kind are tried as liars, each with every lie, day in, day out. */
const LIARS = 3;

/** By how much each liar's best lie betters the truth, over all liars tried; 0 where none gains. */
function lyingGain(
  study: PricingStudy,
  mechanism: StudiedMechanism,
  rounds: readonly Round[],
  honest: readonly Clearing[],
  who: Liar,
): number {
  let told = 0;
  let best = 0;
  for (let liar = 0; liar < LIARS; liar++) {
    const truth = profits(rounds, honest, who, liar);
    let most = truth;
    for (const lie of study.lies) {
      const bent = rounds.map((round) => bend(round, who, liar, lie));
      most = Math.max(most, profits(rounds, run(bent, clearing(study, mechanism)), who, liar));
    }
    told += truth;
    best += most;
  }
  return told === 0 ? 0 : best / told - 1;
}

/** A liar's place among as many: spread over all of them. */
const placeOf = (liar: number, count: number): number => Math.floor(((liar + 0.5) * count) / LIARS);

/** The bids or asks that are the liar's: one of a buyer or small provider, all lots of a large provider. */
function isLiars(round: Round, who: Liar, liar: number): (index: number) => boolean {
  if (who === "buyer") {
    const place = placeOf(liar, round.bids.length);
    return (index) => index === place;
  }
  const names = [...new Set(round.asks.map(({ id }) => id))].filter((id) => id.startsWith(who));
  const name = names[placeOf(liar, names.length)];
  return (index) => round.asks[index]?.id === name;
}

function bend(round: Round, who: Liar, liar: number, lie: number): Round {
  const bent = (truth: Money): Money => money((truth * BigInt(Math.round(lie * 1000))) / 1000n);
  const mine = isLiars(round, who, liar);
  if (who === "buyer") {
    return {
      ...round,
      bids: round.bids.map((bid, i) => (mine(i) ? { ...bid, value: bent(bid.value) } : bid)),
    };
  }
  return { ...round, asks: round.asks.map((ask, i) => (mine(i) ? { ...ask, cost: bent(ask.cost) } : ask)) };
}

/** What the liar really gained: at its true value or cost. */
function profits(rounds: readonly Round[], cleared: readonly Clearing[], who: Liar, liar: number): number {
  let profit = 0n;
  rounds.forEach((round, r) => {
    const mine = isLiars(round, who, liar);
    for (const { bid, ask, pays, earns } of (cleared[r] as Clearing).trades) {
      if (who === "buyer" && mine(bid)) profit += (round.bids[bid] as Bid).value - pays;
      if (who !== "buyer" && mine(ask)) profit += earns - (round.asks[ask] as Ask).cost;
    }
  });
  return Number(profit);
}
