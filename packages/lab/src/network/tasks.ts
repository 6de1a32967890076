import { type Micros, Rng } from "@weft/kernel";
import type { Amount, NetworkScenario, Workload } from "./scenario.ts";

/** The tasks of one run, in order of arrival. The same for every policy: a seed's cases differ in nothing else. */
export interface TaskList {
  readonly count: number;
  /** Micros since the start. */
  readonly at: Float64Array;
  /** Site the task is asked from. */
  readonly site: Int32Array;
  readonly workload: Uint8Array;
  readonly input: Float64Array;
  readonly result: Float64Array;
  readonly work: Float64Array;
  /** What the real rate is of the predicted one. */
  readonly speed: Float64Array;
  /** When the user leaves the site, and where to; Infinity: stays. */
  readonly leavesAt: Float64Array;
  readonly leavesTo: Int32Array;
}

interface Drawn {
  readonly at: number;
  readonly site: number;
  readonly workload: number;
  readonly input: number;
  readonly result: number;
  readonly work: number;
  readonly speed: number;
  readonly leavesAt: number;
  readonly leavesTo: number;
}

/** Draws every task of a run. */
export function drawTasks(scenario: NetworkScenario, seed: number): TaskList {
  const root = new Rng(seed).fork("tasks");
  const drawn = scenario.workloads.flatMap((workload, w) =>
    drawWorkload(scenario, workload, w, root.fork(workload.name)),
  );
  drawn.sort((a, b) => a.at - b.at || a.workload - b.workload);
  const column = (of: (task: Drawn) => number): Float64Array => Float64Array.from(drawn, of);
  return {
    count: drawn.length,
    at: column(({ at }) => at),
    site: Int32Array.from(drawn, ({ site }) => site),
    workload: Uint8Array.from(drawn, ({ workload }) => workload),
    input: column(({ input }) => input),
    result: column(({ result }) => result),
    work: column(({ work }) => work),
    speed: column(({ speed }) => speed),
    leavesAt: column(({ leavesAt }) => leavesAt),
    leavesTo: Int32Array.from(drawn, ({ leavesTo }) => leavesTo),
  };
}

function drawWorkload(scenario: NetworkScenario, workload: Workload, w: number, rng: Rng): Drawn[] {
  const place = new SitePicker(scenario, rng.fork("users"));
  const sizes = rng.fork("sizes");
  const speeds = rng.fork("speeds");
  const finish = (at: number, site: number, own: Partial<Drawn>): Drawn => ({
    at: Math.round(at),
    site,
    workload: w,
    input: Math.round(own.input ?? draw(workload.input, sizes)),
    result: Math.round(own.result ?? draw(workload.result, sizes)),
    work: Math.max(1, Math.round(own.work ?? draw(workload.work, sizes))),
    speed: scenario.misprediction > 0 ? Math.exp(speeds.normal(0, scenario.misprediction)) : 1,
    ...place.departure(at, site),
  });
  if (workload.arrivals.kind === "trace") {
    const { requests, speedUp } = workload.arrivals;
    const times = requests.map((request) => ({ ...request, at: request.at / speedUp }));
    return times.flatMap((request) => {
      if (request.at > scenario.duration) return [];
      const copies = place.copies(request.at, rng);
      return copies.map((site) => finish(request.at, site, request));
    });
  }
  const weights = place.shares();
  return weights.flatMap((share, site) =>
    share === 0
      ? []
      : arrivalTimes(scenario, workload, site, share, rng.fork(`arrivals/${site}`)).map((at) => {
          const here = place.wanders ? place.pick(at) : site;
          return finish(at, here, {});
        }),
  );
}

/** Arrival times at one site: a thinned Poisson process (Lewis and Shedler 1979). */
function arrivalTimes(
  scenario: NetworkScenario,
  workload: Workload,
  site: number,
  share: number,
  rng: Rng,
): number[] {
  const arrivals = workload.arrivals;
  if (arrivals.kind === "trace") return [];
  const peaks = scenario.peaks.filter((peak) => peak.site === site);
  const most = Math.max(1, ...peaks.map(({ times }) => times));
  const swing = arrivals.kind === "diurnal" ? 1 + arrivals.swing : 1;
  const mean = 1e6 / (arrivals.perSecond * share * most * swing);
  const times: number[] = [];
  let on = true;
  let turnsAt = arrivals.kind === "on-off" ? rng.exponential(arrivals.on) : Number.POSITIVE_INFINITY;
  for (let at = rng.exponential(mean); at <= scenario.duration; at += rng.exponential(mean)) {
    while (at > turnsAt && arrivals.kind === "on-off") {
      on = !on;
      turnsAt += rng.exponential(on ? arrivals.on : arrivals.off);
    }
    const here = peaks.reduce(
      (top, peak) => (at >= peak.at && at < peak.at + peak.lasts ? Math.max(top, peak.times) : top),
      1,
    );
    const keep = rng.chance((here / most) * (tide(scenario, arrivals, at) / swing));
    if (on && keep) times.push(at);
  }
  return times;
}

function tide(scenario: NetworkScenario, arrivals: Workload["arrivals"], at: number): number {
  if (arrivals.kind !== "diurnal") return 1;
  const hour = scenario.startHour + at / 3.6e9;
  return 1 + arrivals.swing * Math.cos(((hour - arrivals.peakHour) / 24) * 2 * Math.PI);
}

function draw(amount: Amount, rng: Rng): number {
  switch (amount.kind) {
    case "fixed":
      return amount.value;
    case "exponential":
      return rng.exponential(amount.mean);
    case "lognormal": {
      // The 99th percentile of a standard normal is 2.3263.
      const sigma = Math.log(amount.p99 / amount.median) / 2.3263;
      return amount.median * Math.exp(rng.normal(0, sigma));
    }
  }
}

/** Which site a task is asked from, and when its user goes on. */
class SitePicker {
  readonly #scenario: NetworkScenario;
  readonly #rng: Rng;
  readonly #sum: number;
  #track: { readonly at: readonly Micros[]; readonly site: readonly number[] } | null = null;
  readonly wanders: boolean;

  constructor(scenario: NetworkScenario, rng: Rng) {
    this.#scenario = scenario;
    this.#rng = rng;
    this.#sum = scenario.users.reduce((sum, weight) => sum + weight, 0);
    this.wanders = scenario.mobility?.kind === "tracks";
  }

  /** Share of all users by site. */
  shares(): number[] {
    return this.#scenario.users.map((weight) => weight / this.#sum);
  }

  /** A site by the number of its users; with tracks, the site of a random vehicle then. */
  pick(at: number): number {
    const { mobility, users } = this.#scenario;
    if (mobility?.kind === "tracks") {
      const track = this.#rng.pick(mobility.tracks);
      this.#track = track;
      return track.site[Math.max(0, lastBefore(track.at, at))] as number;
    }
    let left = this.#rng.float() * this.#sum;
    for (let site = 0; site < users.length - 1; site++) {
      left -= users[site] as number;
      if (left < 0) return site;
    }
    return users.length - 1;
  }

  /** Sites at which a request of a trace is asked: one, and more while its site has a peak. */
  copies(at: number, rng: Rng): number[] {
    const site = this.pick(at);
    const peak = this.#scenario.peaks.find(
      (one) => one.site === site && at >= one.at && at < one.at + one.lasts,
    );
    if (peak === undefined) return [site];
    const whole = Math.floor(peak.times);
    return new Array<number>(whole + (rng.chance(peak.times - whole) ? 1 : 0)).fill(site);
  }

  departure(at: number, site: number): { leavesAt: number; leavesTo: number } {
    const { mobility, users } = this.#scenario;
    const stays = { leavesAt: Number.POSITIVE_INFINITY, leavesTo: site };
    if (this.#track !== null) {
      const { at: times, site: sites } = this.#track;
      const next = sites.findIndex((there, i) => (times[i] as number) > at && there !== site);
      return next < 0 ? stays : { leavesAt: times[next] as number, leavesTo: sites[next] as number };
    }
    if (mobility?.kind !== "nomadic" || users.length < 2) return stays;
    const others = this.#rng.below(users.length - 1);
    return {
      leavesAt: at + this.#rng.exponential(mobility.dwell),
      leavesTo: others >= site ? others + 1 : others,
    };
  }
}

/** Index of the last entry that is not after `at`; -1 where all are. */
function lastBefore(times: readonly Micros[], at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
