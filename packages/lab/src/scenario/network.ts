import type { Bytes, GramsCo2, Micros, Operations, Ratio } from "@weft/kernel";
import { readPlaces } from "../importers/places.ts";
import { readSumoFcd } from "../importers/sumo.ts";
import { readAlibabaPods, readAzureLlm } from "../importers/traces.ts";
import { treeOf } from "../network/network.ts";
import type {
  Arrivals,
  Condition,
  Mobility,
  NetworkScenario,
  NodeGroup,
  Policy,
  ScenarioFault,
  TraceTask,
  Workload,
} from "../network/scenario.ts";
import { languageTasks } from "../network/scenario.ts";
import { distanceKm, type SitePlace, type Topology } from "../topology.ts";
import type { ScenarioFiles } from "./files.ts";
import { type FieldProblems, imported } from "./problems.ts";
import type { NetworkDocument } from "./schema.ts";
import { buildTopology, DEFAULT_DELAY, DEFAULT_RATE } from "./topology.ts";

const NO_AMOUNT = { kind: "fixed", value: 0 } as const;
const MINUTE = 60e6;

/** A checked scenario file as what the simulation reads: names become indexes, files are read. */
export function buildNetworkScenario(
  document: NetworkDocument,
  files: ScenarioFiles,
  problems: FieldProblems,
): NetworkScenario {
  const { network } = document;
  const topology = buildTopology(network, document.metadata.name, files, problems);
  const base: NetworkScenario = {
    topology,
    delayUnknown: network.delay ?? DEFAULT_DELAY,
    rateUnknown: network.rate ?? DEFAULT_RATE,
    traffic: (network.traffic ?? 0) as Ratio,
    duration: document.duration,
    warmUp: (document.warmUp ?? 0) as Micros,
    startHour: document.startHour ?? 12,
    groups: [],
    users: usersOf(document, topology, files, problems),
    mobility: mobilityOf(document, topology, files, problems),
    workloads: document.workloads.map((workload, i) => workloadOf(workload, i, files, problems)),
    ...eventsOf(document, [], topology, problems),
    conditions: (document.conditions ?? []).map(({ name, failures, ...events }, i): Condition => {
      const from = failures === undefined ? null : { ...failures, tier: failures.tier ?? null };
      return { name, failures: from, ...eventsOf(events, ["conditions", i], topology, problems) };
    }),
    detection: (document.detection ?? 3e6) as Micros,
    misprediction: document.misprediction ?? 0,
    joulesPerByte: document.joulesPerByte ?? 0,
    policies: document.policies.map(
      ({ name, tier, ownSite, objective }): Policy => ({
        name,
        tier: tier ?? null,
        ownSite: ownSite ?? false,
        objective: objective ?? "time",
      }),
    ),
  };
  if (base.warmUp >= base.duration) problems.say(["warmUp"], "the warm-up ends after the run does");
  problems.check();
  return { ...base, groups: document.nodes.map((group, i) => groupOf(group, i, base, problems)) };
}

type Events = Pick<NetworkDocument, "peaks" | "faults">;

function eventsOf(
  { peaks = [], faults = [] }: Events,
  path: readonly PropertyKey[],
  topology: Topology,
  problems: FieldProblems,
): Pick<NetworkScenario, "peaks" | "faults"> {
  const site = (own: readonly PropertyKey[], name: string): number =>
    siteOf(topology, [...path, ...own], name, problems);
  return {
    peaks: peaks.map((peak, i) => ({ ...peak, site: site(["peaks", i, "site"], peak.site) })),
    faults: faults.map((fault, i): ScenarioFault => {
      const { at, lasts } = fault;
      if ("site" in fault) return { kind: "site", at, lasts, site: site(["faults", i, "site"], fault.site) };
      const [a, b] = fault.link.map((name, k) => site(["faults", i, "link", k], name));
      return { kind: "link", at, lasts, a: a as number, b: b as number };
    }),
  };
}

function siteOf(
  topology: Topology,
  path: readonly PropertyKey[],
  name: string,
  problems: FieldProblems,
): number {
  return problems.find(
    path,
    name,
    topology.sites.map((site) => site.name),
    "site",
  );
}

function groupOf(
  group: NetworkDocument["nodes"][number],
  i: number,
  scenario: NetworkScenario,
  problems: FieldProblems,
): NodeGroup {
  if (group.power.full < group.power.idle) problems.say(["nodes", i, "power", "full"], "less than idle");
  const { carbon } = group;
  return {
    name: group.name,
    tier: group.tier,
    sites: sitesOf(group.at, ["nodes", i, "at"], scenario, problems),
    count: group.count ?? 1,
    type: group.type ?? "logical",
    lanes: group.lanes,
    laneRate: group.laneRate,
    memory: group.memory ?? (1e15 as Bytes),
    watts: { idle: group.power.idle, full: group.power.full },
    slowest: (group.power.slowest ?? 1) as Ratio,
    // A unit of currency for a tera-operation is 1000 millionths for a giga-operation.
    pricePerGiga: (group.price ?? 0) * 1000,
    carbon: carbon === undefined ? [0 as GramsCo2] : Array.isArray(carbon) ? carbon : [carbon as GramsCo2],
    battery: group.battery ?? null,
    failures: group.failures ?? null,
  };
}

function sitesOf(
  at: NetworkDocument["nodes"][number]["at"],
  path: readonly PropertyKey[],
  scenario: NetworkScenario,
  problems: FieldProblems,
): number[] {
  const all = scenario.topology.sites.map((_, i) => i);
  if (at === "all") return all;
  if (Array.isArray(at)) return at.map((name, k) => siteOf(scenario.topology, [...path, k], name, problems));
  if ("every" in at) return all.filter((site) => site % at.every === 0);
  const far = all.map((site) => {
    const { delay } = treeOf(scenario, site);
    return scenario.users.reduce((sum, users, other) => sum + users * (delay[other] as number), 0);
  });
  return all.sort((a, b) => (far[a] as number) - (far[b] as number) || a - b).slice(0, at.central);
}

function usersOf(
  document: NetworkDocument,
  topology: Topology,
  files: ScenarioFiles,
  problems: FieldProblems,
): number[] {
  const { users, network } = document;
  const weights = topology.sites.map(
    (site) => network.sites?.find(({ name }) => name === site.name)?.users ?? 1,
  );
  if (users?.file !== undefined) {
    const counted = new Array<number>(topology.sites.length).fill(0);
    for (const place of imported(readPlaces(files.text(users.file), users.file)))
      counted[nearestSite(topology, place)]! += 1;
    return counted;
  }
  const at = users?.at;
  if (Array.isArray(at)) {
    const chosen = at.map((name, k) => siteOf(topology, ["users", "at", k], name, problems));
    return weights.map((weight, site) => (chosen.includes(site) ? weight : 0));
  }
  const skew = users?.skew ?? 0;
  return weights.map((weight, rank) => weight / (rank + 1) ** skew);
}

function nearestSite(topology: Topology, place: SitePlace): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  topology.sites.forEach((site, i) => {
    const km = distanceKm(site, place);
    if (km !== null && km < least) {
      least = km;
      best = i;
    }
  });
  return best;
}

function mobilityOf(
  document: NetworkDocument,
  topology: Topology,
  files: ScenarioFiles,
  problems: FieldProblems,
): Mobility | null {
  const { mobility } = document;
  if (mobility === undefined) return null;
  if ("nomadic" in mobility) return { kind: "nomadic", dwell: mobility.nomadic.dwell };
  const { file, origin } = mobility.sumo;
  if (topology.sites.some(({ latitude }) => latitude === null)) {
    problems.say(["mobility", "sumo"], "tracks need sites with coordinates");
    return null;
  }
  const tracks = imported(readSumoFcd(files.text(file), file)).map(({ at, x, y }) => ({
    at,
    site: at.map((_, i) => nearestSite(topology, placeOf(x[i] as number, y[i] as number, origin))),
  }));
  return { kind: "tracks", tracks };
}

/** Metres east and north of an origin, or degrees where there is none. */
function placeOf(x: number, y: number, origin: readonly [number, number] | undefined): SitePlace {
  const at = { name: "", region: null };
  if (origin === undefined) return { ...at, latitude: y, longitude: x };
  const [latitude, longitude] = origin;
  const metre = 1 / 111_195;
  return {
    ...at,
    latitude: latitude + y * metre,
    longitude: longitude + (x * metre) / Math.cos((latitude * Math.PI) / 180),
  };
}

function workloadOf(
  workload: NetworkDocument["workloads"][number],
  i: number,
  files: ScenarioFiles,
  problems: FieldProblems,
): Workload {
  const arrivals = arrivalsOf(workload.arrivals, files);
  if (arrivals.kind !== "trace" && workload.work === undefined)
    problems.say(["workloads", i, "work"], "nothing to do: work is missing");
  const deadline = workload.deadline ?? null;
  return {
    name: workload.name,
    arrivals,
    type: workload.type ?? "logical",
    lanes: workload.lanes ?? 1,
    input: workload.input ?? NO_AMOUNT,
    result: workload.result ?? NO_AMOUNT,
    work: workload.work ?? NO_AMOUNT,
    memory: workload.memory ?? (0 as Bytes),
    deadline,
    patience: workload.patience ?? (Math.max(MINUTE, 10 * (deadline ?? 0)) as Micros),
  };
}

function arrivalsOf(field: NetworkDocument["workloads"][number]["arrivals"], files: ScenarioFiles): Arrivals {
  if ("poisson" in field) return { kind: "poisson", perSecond: field.poisson };
  if ("onOff" in field) return { kind: "on-off", ...field.onOff };
  if ("diurnal" in field) {
    const { perSecond, swing, peakHour } = field.diurnal;
    return { kind: "diurnal", perSecond, swing: swing as Ratio, peakHour };
  }
  if ("azureLlm" in field) {
    const { file, parameters, speedUp = 1 } = field.azureLlm;
    const requests = languageTasks(imported(readAzureLlm(files.text(file), file)), parameters);
    return { kind: "trace", requests, speedUp };
  }
  const { file, coreRate, speedUp = 1, longest } = field.alibabaPods;
  const pods = imported(readAlibabaPods(files.text(file), file));
  const requests = pods
    .map(
      ({ at, lasts, cores, memoryMib }): TraceTask => ({
        at,
        // A pod's image and data are not in the trace; its memory stands for what has to be moved.
        input: ((memoryMib * 2 ** 20) / 1000) as Bytes,
        result: 0 as Bytes,
        work: ((Math.min(lasts, longest ?? lasts) / 1e6 / speedUp) * cores * coreRate) as Operations,
      }),
    )
    .sort((a, b) => a.at - b.at);
  return { kind: "trace", requests, speedUp };
}
