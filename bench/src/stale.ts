import { type Micros, Rng } from "@weft/kernel";
import { type ChoiceRule, choiceForAge, chooseByRule } from "@weft/scheduling";
import type { Bench } from "./bench.ts";

/** What one run of the simulation showed. */
export interface StaleOutcome {
  /** Seconds from arrival to end, over the tasks after the warm-up. */
  readonly mean: number;
  readonly p99: number;
  /** Plans that did not hold when they came to be committed, by task. */
  readonly conflicts: number;
}

export interface StaleScenario {
  readonly nodes: number;
  readonly schedulers: number;
  readonly tasks: number;
  /** Share of all computing power that the tasks need. */
  readonly load: number;
  /** Every node reports its queue once in so many seconds, each at its own phase. 0: always known. */
  readonly age: number;
  readonly seed: number;
}

/** How often a task whose plan did not hold is planned again; the last plan is taken as it comes. */
const RETRIES = 2;
/** What a refused commit costs, in seconds. */
const ROUND_TRIP = 0.02;

/**
 * Several schedulers place Poisson arrivals of exponential work (mean one second at speed 1) on nodes of unlike speed
 * that serve in order of arrival. Each scheduler sees every node's last report and remembers what it itself has sent there
 * since. A commit is optimistic: a node on which the task would wait a second longer than planned says no,
 * and with that how long its queue is now; the task is planned again with that node known.
 */
export function simulateStale(scenario: StaleScenario, rule: ChoiceRule): StaleOutcome {
  const { nodes, schedulers, tasks, load, age, seed } = scenario;
  const world = new Rng(seed);
  const arrivals = world.fork("arrivals");
  const works = world.fork("works");
  const choices = world.fork("choices");
  const speed = Float64Array.from({ length: nodes }, () => 0.5 + 1.5 * world.float());
  const phase = Float64Array.from({ length: nodes }, () => world.float());
  const rate = load * speed.reduce((a, b) => a + b, 0);
  const busyUntil = new Float64Array(nodes);
  const reported = new Float64Array(nodes);
  const reportAt = phase.map((p) => p * age);
  /** `known[scheduler * nodes + node]`: until when it takes the node to be busy. */
  const known = new Float64Array(schedulers * nodes);
  const score = new Float64Array(nodes);
  const responses = new Float64Array(tasks);
  let conflicts = 0;
  let now = 0;
  for (let task = 0; task < tasks; task++) {
    now += arrivals.exponential(1 / rate);
    for (let j = 0; j < nodes; j++) {
      if (age > 0 && now < reportAt[j]!) continue;
      // The report left at the last full period of this node, with the queue as it was then.
      if (age > 0) reportAt[j] = reportAt[j]! + age * Math.ceil((now - reportAt[j]!) / age + 1e-12);
      reported[j] = busyUntil[j]!;
      for (let s = 0; s < schedulers; s++) known[s * nodes + j] = busyUntil[j]!;
    }
    const work = works.exponential(1);
    const s = task % schedulers;
    let paid = 0;
    for (let attempt = 0; ; attempt++) {
      for (let j = 0; j < nodes; j++) {
        score[j] = Math.max(0, known[s * nodes + j]! - now) + work / speed[j]!;
      }
      const j = chooseByRule(rule, score, speed, choices);
      const wait = Math.max(0, busyUntil[j]! - now);
      const planned = score[j]! - work / speed[j]!;
      if (attempt < RETRIES && wait > planned + 1) {
        conflicts++;
        paid += ROUND_TRIP;
        known[s * nodes + j] = busyUntil[j]!;
        continue;
      }
      busyUntil[j] = now + wait + work / speed[j]!;
      known[s * nodes + j] = Math.max(known[s * nodes + j]!, now) + work / speed[j]!;
      responses[task] = paid + wait + work / speed[j]!;
      break;
    }
  }
  const counted = responses
    .subarray(Math.floor(tasks / 5))
    .slice()
    .sort();
  return {
    mean: counted.reduce((a, b) => a + b, 0) / counted.length,
    p99: counted[Math.floor(0.99 * counted.length)]!,
    conflicts: conflicts / tasks,
  };
}

export const RULES: readonly (readonly [string, ChoiceRule])[] = [
  ["best", { kind: "best" }],
  ["best-of-8", { kind: "best-of", sample: 8 }],
  ["best-of-2", { kind: "best-of", sample: 2 }],
  ["damped-0.2", { kind: "damped", spread: 0.2 }],
  ["damped-1", { kind: "damped", spread: 1 }],
];

/** Mean response, p99 and conflicts of every rule and of the default, by age of the view. */
export const stale: Bench = {
  name: "stale",
  run(size, report) {
    const loads = size === "smoke" ? [0.9] : [0.7, 0.9];
    const ages = size === "smoke" ? [0, 5] : [0, 0.02, 0.1, 0.5, 2, 5, 15, 60];
    for (const load of loads) {
      for (const age of ages) {
        const tasks = size === "smoke" ? 4_000 : 30_000;
        const scenario = { nodes: 100, schedulers: 4, tasks, load, age, seed: 1 };
        const best = simulateStale(scenario, { kind: "best" });
        for (const [name, rule] of [...RULES, ["default", choiceForAge((age * 1e6) as Micros)] as const]) {
          const outcome = rule.kind === "best" ? best : simulateStale(scenario, rule);
          report({
            name: `stale/load${load}/age${age}/${name}`,
            value: outcome.mean,
            unit: "s mean response",
            against: "exact best on the same view",
            ratio: outcome.mean / best.mean,
            note: `p99 ${outcome.p99.toFixed(2)} s, ${outcome.conflicts.toFixed(3)} conflicts a task`,
          });
        }
      }
    }
  },
};
