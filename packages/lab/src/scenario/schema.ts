import { COMPUTE_TYPES, TIERS } from "@weft/infrastructure";
import { z } from "zod";
import { ARCHITECTURES } from "../announcement/scenario.ts";
import {
  amount,
  bitRate,
  computingPower,
  count,
  grams,
  joules,
  line,
  placeName,
  positive,
  ratio,
  size,
  time,
  watts,
  work,
} from "./fields.ts";

/*
 * A scenario as a researcher writes it: where things are, what runs, what goes wrong, and what is compared. Paths are
 * relative to the scenario's file. docs/guides/lab.md shows one, docs/spec/models.md defines every figure.
 */

const path = () => line(4096).min(1, "a file's path");

const site = z.strictObject({
  name: placeName(),
  at: z.tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)]).optional(),
  region: placeName().optional(),
  /** Relative number of users there. */
  users: z.number().min(0, "at least 0").optional(),
});

const cable = z.strictObject({
  between: z.tuple([placeName(), placeName()]),
  delay: time().optional(),
  rate: bitRate().optional(),
});

const generators = {
  waxman: z
    .strictObject({
      sites: count(20_000),
      alpha: ratio().optional(),
      beta: ratio().optional(),
      side: positive().optional(),
    })
    .optional(),
  barabasiAlbert: z
    .strictObject({ sites: count(200_000), links: count(50).optional(), side: positive().optional() })
    .optional(),
  hierarchy: z
    .strictObject({ clouds: count(100), edges: count(1000), ends: count(1000), side: positive().optional() })
    .optional(),
};

const network = z.strictObject({
  graphml: path().optional(),
  sndlib: z.strictObject({ file: path(), unit: bitRate().optional() }).optional(),
  /** Edge sites as CSV; each joined to the `neighbours` nearest. */
  places: z.strictObject({ file: path(), neighbours: count(50).optional() }).optional(),
  ...generators,
  sites: z.array(site).min(1, "at least one site").optional(),
  links: z.array(cable).optional(),
  /** What a link without a delay of its own has where distance is not known either, and one without a rate. */
  delay: time().optional(),
  rate: bitRate().optional(),
  /** Share of the demands in the file that flows in the background. */
  traffic: ratio().optional(),
});

/** Where: names of sites, or a rule. */
const where = z.union([
  z.literal("all"),
  z.array(placeName()).min(1, "at least one site"),
  z.strictObject({ central: count(1000) }).describe("The sites with the least mean delay to all users."),
  z.strictObject({ every: count(1000) }).describe("Every n-th site."),
]);

const group = z.strictObject({
  name: placeName(),
  tier: z.enum(TIERS),
  at: where,
  count: count(10_000).optional(),
  type: z.enum(COMPUTE_TYPES).optional(),
  lanes: count(1e5),
  laneRate: computingPower(),
  memory: size().optional(),
  /** `slowest`: share of full frequency that tasks with time to spare may run at. */
  power: z.strictObject({ idle: watts(), full: watts(), slowest: ratio().optional() }),
  /** Of a tera-operation, in units of the currency. */
  price: z.number().min(0, "at least 0").optional(),
  carbon: z
    .union([z.array(grams()).length(24, "24 figures, one an hour"), grams()])
    .optional()
    .describe("Grams of CO2 a kilowatt-hour: one figure, or one an hour of the day."),
  battery: joules().optional(),
  failures: z.strictObject({ every: time(), lasts: time() }).optional(),
});

const arrivals = z.union([
  z.strictObject({ poisson: positive().describe("Tasks a second over the whole network.") }),
  z.strictObject({ onOff: z.strictObject({ perSecond: positive(), on: time(), off: time() }) }),
  z.strictObject({
    diurnal: z.strictObject({ perSecond: positive(), swing: ratio(), peakHour: z.number().min(0).max(24) }),
  }),
  z.strictObject({
    azureLlm: z.strictObject({ file: path(), parameters: positive(), speedUp: positive().optional() }),
  }),
  z.strictObject({
    alibabaPods: z.strictObject({
      file: path(),
      coreRate: computingPower(),
      speedUp: positive().optional(),
      longest: time().optional(),
    }),
  }),
]);

const workload = z.strictObject({
  name: placeName(),
  arrivals,
  type: z.enum(COMPUTE_TYPES).optional(),
  lanes: count(1e5).optional(),
  input: amount(size).optional(),
  result: amount(size).optional(),
  work: amount(work).optional(),
  memory: size().optional(),
  deadline: time().optional(),
  patience: time().optional(),
});

const users = z.strictObject({
  at: z.union([z.literal("all"), z.array(placeName()).min(1)]).optional(),
  /** Users as CSV; each counts for the site nearest to it. */
  file: path().optional(),
  /** Drawn as many times for a site as its neighbours' rank says: 1 is Zipf's law, 0 the same everywhere. */
  skew: z.number().min(0).max(3).optional(),
});

const mobility = z.union([
  z.strictObject({ nomadic: z.strictObject({ dwell: time() }) }),
  z.strictObject({
    sumo: z.strictObject({
      file: path(),
      /** Where the file's origin lies, when its coordinates are metres: latitude, longitude. */
      origin: z.tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)]).optional(),
    }),
  }),
]);

const peak = z.strictObject({ site: placeName(), at: time(), lasts: time(), times: positive() });

const fault = z.union([
  z.strictObject({ site: placeName(), at: time(), lasts: time() }),
  z.strictObject({ link: z.tuple([placeName(), placeName()]), at: time(), lasts: time() }),
]);

const condition = z.strictObject({
  name: placeName(),
  peaks: z.array(peak).optional(),
  faults: z.array(fault).optional(),
  failures: z.strictObject({ tier: z.enum(TIERS).optional(), every: time(), lasts: time() }).optional(),
});

const policy = z.strictObject({
  name: placeName(),
  tier: z.enum(TIERS).optional(),
  /** Only at the site where the task is. */
  ownSite: z.boolean().optional(),
  objective: z.enum(["time", "cost", "energy", "carbon"]).optional(),
});

/** What every scenario begins with. */
export const head = {
  apiVersion: z.literal("weft.dev/v1"),
  kind: z.literal("Scenario"),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, "lower-case letters, digits, - and ."),
    title: line(160).optional(),
    /** Where its figures come from. */
    source: line(2000).optional(),
  }),
};

export const networkScenario = z.strictObject({
  ...head,
  study: z.literal("network"),
  duration: time(),
  warmUp: time().optional(),
  startHour: z.number().min(0).max(24).optional(),
  network,
  nodes: z.array(group).min(1, "at least one group of nodes"),
  users: users.optional(),
  mobility: mobility.optional(),
  workloads: z.array(workload).min(1, "at least one workload").max(255),
  peaks: z.array(peak).optional(),
  faults: z.array(fault).optional(),
  /** Each policy is run under each of these. */
  conditions: z.array(condition).optional(),
  detection: time().optional(),
  misprediction: z.number().min(0).max(2).optional(),
  joulesPerByte: z.number().min(0).optional(),
  policies: z.array(policy).min(1, "at least one policy"),
});

const app = z.strictObject({
  name: placeName(),
  share: ratio(),
  toCloud: ratio(),
  interarrival: time(),
  active: time(),
  idle: time(),
  upload: size(),
  download: size(),
  work: work(),
  edgeShare: ratio(),
  cloudShare: ratio(),
});

const servers = z.strictObject({ count: count(), cores: count(4096), rate: computingPower() });

const sharedLink = z.strictObject({
  rate: bitRate(),
  propagation: time().optional(),
  /** As the M/M/1 model takes them; left out: the means over all apps. */
  interval: time().optional(),
  upload: size().optional(),
  download: size().optional(),
});

export const cellScenario = z.strictObject({
  ...head,
  study: z.literal("cells"),
  duration: time(),
  warmUp: time().optional(),
  startsAt: time().optional(),
  devices: count(20_000_000),
  cells: z.array(z.strictObject({ count: count(), dwell: time() })).min(1, "at least one kind of cell"),
  apps: z.array(app).min(1, "at least one app").max(255),
  edge: servers,
  cloud: servers,
  wlan: sharedLink,
  wan: sharedLink,
  lan: time(),
  patience: time().optional(),
  tiers: z.array(z.enum(["edge", "edge+cloud", "edge+cloud+neighbours"])).min(1),
});

const generatedNetwork = z
  .strictObject(generators)
  .refine((one) => Object.keys(one).length === 1, "one of waxman, barabasiAlbert, hierarchy");

export const announcementScenario = z.strictObject({
  ...head,
  study: z.literal("announcement"),
  /** Files or folders (GraphML, SNDlib JSON), `$NAME` for those a variable of the environment lists, or generated ones. */
  topologies: z.array(z.union([path(), generatedNetwork])),
  /** Barabasi-Albert networks too large for everybody to know everybody. */
  generated: z.array(count(1_000_000)).optional(),
  architectures: z.array(z.enum(ARCHITECTURES)).min(1, "at least one architecture").optional(),
  changes: count(10_000),
  changeEvery: time(),
  generatedChanges: count(1000).optional(),
  generatedTime: time().optional(),
  decisions: count(100_000),
  decisionEvery: time(),
  task: z.strictObject({ type: z.enum(COMPUTE_TYPES), work: work() }),
  withdrawals: z.int().min(0).max(100).optional(),
});

export type AnnouncementDocument = z.infer<typeof announcementScenario>;
export type NetworkDocument = z.infer<typeof networkScenario>;
export type CellDocument = z.infer<typeof cellScenario>;
