import type { ComputeType, Tier } from "@weft/infrastructure";
import type {
  BitsPerSecond,
  Bytes,
  Joules,
  Micros,
  Operations,
  OperationsPerSecond,
  Ratio,
  Watts,
} from "@weft/kernel";
import type { LanguageRequest } from "../importers/traces.ts";
import type { Topology } from "../topology.ts";

/** How much of something a task has: always the same, exponential, or log-normal by its median and 99th percentile. */
export type Amount =
  | { readonly kind: "fixed"; readonly value: number }
  | { readonly kind: "exponential"; readonly mean: number }
  | { readonly kind: "lognormal"; readonly median: number; readonly p99: number };

/** When tasks arrive, over the whole network. */
export type Arrivals =
  | { readonly kind: "poisson"; readonly perSecond: number }
  /** Bursts: exponential on and off times, at `perSecond` while on; one process a site. */
  | { readonly kind: "on-off"; readonly perSecond: number; readonly on: Micros; readonly off: Micros }
  /** A day's tide: perSecond * (1 + swing * sin), greatest at `peakHour`. */
  | { readonly kind: "diurnal"; readonly perSecond: number; readonly swing: Ratio; readonly peakHour: number }
  | { readonly kind: "trace"; readonly requests: readonly TraceTask[]; readonly speedUp: number };

/** A task as a trace has it. */
export interface TraceTask {
  readonly at: Micros;
  readonly input: Bytes;
  readonly result: Bytes;
  readonly work: Operations;
}

export interface Workload {
  readonly name: string;
  readonly arrivals: Arrivals;
  readonly type: ComputeType;
  /** Cores a task can use at once. */
  readonly lanes: number;
  readonly input: Amount;
  readonly result: Amount;
  readonly work: Amount;
  readonly memory: Bytes;
  readonly deadline: Micros | null;
  /** A task that found no place for this long is given up. */
  readonly patience: Micros;
}

/** Nodes of one kind, `count` at each of `sites`. */
export interface NodeGroup {
  readonly name: string;
  readonly tier: Tier;
  readonly sites: readonly number[];
  readonly count: number;
  readonly type: ComputeType;
  readonly lanes: number;
  readonly laneRate: OperationsPerSecond;
  readonly memory: Bytes;
  readonly watts: { readonly idle: Watts; readonly full: Watts };
  /** Slowest frequency, as a share of the full one: a task with time to spare runs so slowly (P = k f^3). 1: fixed. */
  readonly slowest: Ratio;
  /** Millionths of the currency unit for a giga-operation. */
  readonly pricePerGiga: number;
  /** Grams of CO2 a kilowatt-hour by hour of the day; one figure: the same all day. */
  readonly carbon: readonly number[];
  /** What its battery holds; null on mains. */
  readonly battery: Joules | null;
  /** Mean time to failure and to repair, exponential; null where nodes do not fail. */
  readonly failures: { readonly every: Micros; readonly lasts: Micros } | null;
}

/** How users move between sites; null: they stay. */
export type Mobility =
  | { readonly kind: "nomadic"; readonly dwell: Micros }
  /** Site of each vehicle over time, as a trace has it: `site[i]` from `at[i]` on. */
  | {
      readonly kind: "tracks";
      readonly tracks: readonly { readonly at: readonly Micros[]; readonly site: readonly number[] }[];
    };

export interface Peak {
  readonly site: number;
  readonly at: Micros;
  readonly lasts: Micros;
  /** By how much arrivals there grow. */
  readonly times: number;
}

export type ScenarioFault =
  | { readonly kind: "site"; readonly site: number; readonly at: Micros; readonly lasts: Micros }
  | {
      readonly kind: "link";
      readonly a: number;
      readonly b: number;
      readonly at: Micros;
      readonly lasts: Micros;
    };

/** What befalls all policies alike: every policy is run under every condition. */
export interface Condition {
  readonly name: string;
  readonly peaks: readonly Peak[];
  readonly faults: readonly ScenarioFault[];
  /** Nodes of a tier (null: all) fail, in place of what their group says. */
  readonly failures: { readonly tier: Tier | null; readonly every: Micros; readonly lasts: Micros } | null;
}

/** What a case may use and what it is after. All cases place with the same scheduler and wait in the same way. */
export interface Policy {
  readonly name: string;
  /** Tiers it may place on; null: all. */
  readonly tier: Tier | null;
  /** Only at the site where the task is: compute that does not cooperate. */
  readonly ownSite: boolean;
  readonly objective: "time" | "cost" | "energy" | "carbon";
}

/** A network of sites, nodes and users, and the tasks they ask for. All base units. */
export interface NetworkScenario {
  readonly topology: Topology;
  readonly delayUnknown: Micros;
  readonly rateUnknown: BitsPerSecond;
  /** Share of the topology's demands that flows in the background. */
  readonly traffic: Ratio;
  readonly duration: Micros;
  readonly warmUp: Micros;
  /** Hour of the day at which it starts. */
  readonly startHour: number;
  readonly groups: readonly NodeGroup[];
  /** Relative number of users by site. */
  readonly users: readonly number[];
  readonly mobility: Mobility | null;
  readonly workloads: readonly Workload[];
  readonly peaks: readonly Peak[];
  readonly faults: readonly ScenarioFault[];
  /** Empty: one, in which nothing more happens. */
  readonly conditions: readonly Condition[];
  /** Time until a silent node is taken for lost. */
  readonly detection: Micros;
  /** Standard deviation of ln(real rate / predicted rate). */
  readonly misprediction: number;
  readonly joulesPerByte: number;
  readonly policies: readonly Policy[];
}

/** A language model's requests as tasks: 2 floating-point operations a parameter and token, 4 bytes a token. */
export function languageTasks(requests: readonly LanguageRequest[], parameters: number): TraceTask[] {
  return requests.map(({ at, contextTokens, generatedTokens }) => ({
    at,
    input: (4 * contextTokens) as Bytes,
    result: (4 * generatedTokens) as Bytes,
    work: (2 * parameters * (contextTokens + generatedTokens)) as Operations,
  }));
}

const BETWEEN = " / ";

/** The cases of a scenario: each policy, under each condition where there are any. */
export function casesOf({
  policies,
  conditions,
}: Pick<NetworkScenario, "policies" | "conditions">): string[] {
  const names = policies.map(({ name }) => name);
  if (conditions.length === 0) return names;
  return conditions.flatMap((condition) => names.map((name) => `${condition.name}${BETWEEN}${name}`));
}

/** The scenario and policy of one case; null where there is no such case. */
export function caseOf(
  scenario: NetworkScenario,
  name: string,
): { scenario: NetworkScenario; policy: Policy } | null {
  const at = scenario.conditions.length === 0 ? -1 : name.indexOf(BETWEEN);
  const policy = scenario.policies.find(
    (one) => one.name === (at < 0 ? name : name.slice(at + BETWEEN.length)),
  );
  const condition = scenario.conditions.find((one) => one.name === name.slice(0, Math.max(0, at)));
  if (policy === undefined || (condition === undefined && scenario.conditions.length > 0)) return null;
  return { scenario: condition === undefined ? scenario : under(scenario, condition), policy };
}

function under(scenario: NetworkScenario, condition: Condition): NetworkScenario {
  const { failures } = condition;
  const groups = scenario.groups.map((group) =>
    failures !== null && (failures.tier === null || failures.tier === group.tier)
      ? { ...group, failures }
      : group,
  );
  return {
    ...scenario,
    groups,
    peaks: [...scenario.peaks, ...condition.peaks],
    faults: [...scenario.faults, ...condition.faults],
  };
}
