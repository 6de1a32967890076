import {
  COMPUTE_TYPES,
  type LinkState,
  type NodeDescription,
  type SecurityClass,
  type Tier,
} from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool, type PriceColumns } from "@weft/pool";
import type { Objective, TaskNeeds } from "@weft/scheduling";

/*
 * A made-up computing power network to place tasks on, the same for every run. Sites lie in the plane and are joined to
 * their nearest neighbours and a few far ones; delay follows distance. A site has a tier and a provider with its own
 * price level; a node is one of nine machine models, but every measured figure of it is its own (a few per cent of
 * spread), so no two nodes are alike.
 */

/** GOPS or GFLOPS of one lane by type, lanes, GiB of memory, idle and full watts, units of money a tera-operation. */
interface Model {
  readonly tier: Tier;
  readonly lane: readonly [logical: number, parallel: number, neural: number];
  readonly lanes: number;
  readonly memory: number;
  readonly watts: readonly [idle: number, full: number];
  readonly price: number;
  readonly gpu: number;
  readonly share: number;
}

const MODELS: readonly Model[] = [
  { tier: "end", lane: [8, 20, 12], lanes: 4, memory: 4, watts: [2, 8], price: 0.012, gpu: 0, share: 0.15 },
  { tier: "end", lane: [20, 60, 40], lanes: 8, memory: 16, watts: [8, 45], price: 0.016, gpu: 0, share: 0.1 },
  {
    tier: "edge",
    lane: [25, 120, 80],
    lanes: 8,
    memory: 32,
    watts: [30, 120],
    price: 0.022,
    gpu: 0,
    share: 0.2,
  },
  {
    tier: "edge",
    lane: [30, 150, 100],
    lanes: 16,
    memory: 64,
    watts: [60, 250],
    price: 0.025,
    gpu: 0,
    share: 0.15,
  },
  {
    tier: "edge",
    lane: [30, 900, 700],
    lanes: 16,
    memory: 64,
    watts: [90, 450],
    price: 0.03,
    gpu: 16,
    share: 0.08,
  },
  {
    tier: "cloud",
    lane: [35, 180, 120],
    lanes: 32,
    memory: 128,
    watts: [90, 400],
    price: 0.02,
    gpu: 0,
    share: 0.12,
  },
  {
    tier: "cloud",
    lane: [40, 200, 150],
    lanes: 64,
    memory: 256,
    watts: [150, 700],
    price: 0.018,
    gpu: 0,
    share: 0.1,
  },
  {
    tier: "cloud",
    lane: [40, 2000, 1800],
    lanes: 32,
    memory: 256,
    watts: [200, 1500],
    price: 0.028,
    gpu: 48,
    share: 0.06,
  },
  {
    tier: "cloud",
    lane: [45, 4000, 3800],
    lanes: 48,
    memory: 512,
    watts: [300, 3000],
    price: 0.032,
    gpu: 80,
    share: 0.04,
  },
];

const SECURITY: readonly SecurityClass[] = ["open", "encrypted", "encrypted", "encrypted", "isolated"];
const brand = <T>(value: unknown): T => value as T;

export interface FleetSize {
  readonly nodes: number;
  readonly sites: number;
}

/** Fills a pool with the network. */
export function makeFleet({ nodes, sites }: FleetSize, seed = 1): Pool {
  const rng = new Rng(seed);
  const pool = new Pool();
  joinSites(pool, sites, rng.fork("links"));
  const levels = Array.from({ length: sites }, () => 0.7 + 0.6 * rng.float());
  const tierOf = Array.from(
    { length: sites },
    (_, s) => (s % 10 === 0 ? "cloud" : s % 3 === 0 ? "end" : "edge") as Tier,
  );
  for (let i = 0; i < nodes; i++) {
    const site = i % sites;
    const own = rng.chance(0.8);
    const models = MODELS.filter((model) => !own || model.tier === tierOf[site]);
    const model = pickByShare(rng, models);
    const node = describeNode(rng, `n${i}`, `s${site}`, site, model);
    pool.addNode(node);
    pool.setPrices(node.id, pricesOf(rng, (levels[site] as number) * model.price));
  }
  return pool;
}

function pickByShare(rng: Rng, models: readonly Model[]): Model {
  let at = rng.float() * models.reduce((sum, model) => sum + model.share, 0);
  for (const model of models) {
    at -= model.share;
    if (at <= 0) return model;
  }
  return models[models.length - 1] as Model;
}

function describeNode(rng: Rng, id: string, site: string, s: number, model: Model): NodeDescription {
  const measured = (value: number): number => Math.floor(value * 1e9 * (1 + 0.03 * rng.normal()));
  const lane = model.lane.map(measured) as [number, number, number];
  const byType = (factor: number) =>
    Object.fromEntries(COMPUTE_TYPES.map((type, t) => [type, (lane[t] as number) * factor]));
  return brand({
    id,
    tier: model.tier,
    site,
    domain: `d${s % 7}`,
    labels: { zone: `z${s % 20}`, ...(rng.chance(0.1) ? { certified: "yes" } : {}) },
    power: byType(model.lanes),
    laneRate: byType(1),
    memoryBytes: model.memory * 2 ** 30,
    storage: {
      capacityBytes: model.memory * 1e10,
      throughput: 5e8,
      storageClass: model.tier === "end" ? "scratch" : "durable",
    },
    accelerators: model.gpu > 0 ? [{ kind: "gpu", model: "g", memoryBytes: model.gpu * 1e9 }] : [],
    runs: model.tier === "end" ? ["wasm", "model"] : ["wasm", "model", "process"],
    security: rng.pick(SECURITY),
    watts: { idle: model.watts[0], full: model.watts[1] * (1 + 0.05 * rng.normal()) },
    gramsPerKwh: 50 + 50 * (s % 13),
  });
}

function pricesOf(rng: Rng, perTera: number): PriceColumns {
  const perGiga = perTera * 1e3 * (1 + 0.1 * rng.normal());
  return {
    perGigaOperation: { logical: perGiga * 4, parallel: perGiga, neural: perGiga },
    perGibSecondMemory: 0.5 * perGiga,
    perGibSecondStorage: 0.01 * perGiga,
    perGbIn: 200,
    perGbOut: 400,
    perTask: 1,
  };
}

/** Each site to its three nearest and, for one in five, a far one; 10 to 400 Gb/s; 5 us a kilometre and a switch. */
function joinSites(pool: Pool, sites: number, rng: Rng): void {
  const at = Array.from({ length: sites }, () => [rng.float() * 3000, rng.float() * 3000] as const);
  const far = (a: number, b: number): number =>
    Math.hypot((at[a]?.[0] ?? 0) - (at[b]?.[0] ?? 0), (at[a]?.[1] ?? 0) - (at[b]?.[1] ?? 0));
  const joined = new Set<string>();
  const join = (a: number, b: number): void => {
    if (a === b || joined.has(`${a} ${b}`)) return;
    joined.add(`${a} ${b}`).add(`${b} ${a}`);
    const capacity = rng.pick([10e9, 40e9, 100e9, 400e9]);
    const delay = Math.round(100 + 7 * far(a, b));
    const security = rng.pick(SECURITY);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      pool.setLink(
        brand<LinkState>({
          from: `s${from}`,
          to: `s${to}`,
          up: true,
          delay,
          jitter: Math.round(20 + 80 * rng.float()),
          loss: 1e-5 * rng.float(),
          capacity,
          bitErrorRate: 1e-12,
          security,
          radio: null,
          at: 0,
        }),
      );
    }
  };
  for (let a = 0; a < sites; a++) {
    const near = Array.from({ length: sites }, (_, b) => b)
      .filter((b) => b !== a)
      .sort((x, y) => far(a, x) - far(a, y));
    for (const b of near.slice(0, 3)) join(a, b);
    if (rng.chance(0.2)) join(a, rng.below(sites));
    if (a > 0) join(a, near.find((b) => b < a) as number); // one connected whole
  }
}

const OBJECTIVES: readonly (readonly [number, Objective])[] = [
  [0.6, { kind: "cost" }],
  [0.8, { kind: "time" }],
  [0.9, { kind: "energy" }],
  [0.95, { kind: "carbon" }],
  [1, { kind: "weighted", perSecond: 500, perJoule: 1, perGram: 20 }],
];

/**
 * `usual`: what most tasks state. Least cost, the default objective; 0.1 to 3,000 giga-operations of any type in 1 to 8
 * lanes, 64 MiB to 4 GiB of memory, 1 kB to 10 MB of input from any site; half have a deadline (twice to ten
 * times what a usual node needs, three times what the input takes at 1 Gb/s, and 20 ms), a third ask for a least rate,
 * one in ten for bandwidth, one in ten for a delay limit. `mixed`: all five objectives, and besides in one task of three
 * bandwidth, in one of ten a tier, a label, an accelerator, durable storage, in one of twenty residency, jitter, loss, a
 * domain; in one of four encryption.
 */
export type Stream = "usual" | "mixed";

export function makeTasks(count: number, sites: number, stream: Stream, seed = 2): TaskNeeds[] {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () =>
    stream === "usual" ? usualTask(rng, sites) : mixedTask(rng, sites),
  );
}

const or = <T>(rng: Rng, chance: number, value: T): T | null => (rng.chance(chance) ? value : null);

function usualTask(rng: Rng, sites: number): TaskNeeds {
  const type = rng.pick(["logical", "logical", "logical", "parallel", "neural"] as const);
  const work = 10 ** (8 + 4.5 * rng.float()) * (type === "logical" ? 1 : 4);
  const lanes = rng.pick([1, 1, 1, 2, 4, 8]);
  const usual = (work / (lanes * (type === "logical" ? 25e9 : 120e9))) * 1e6;
  const inputBytes = Math.floor(10 ** (3 + 4 * rng.float()));
  return brand({
    basic: {
      inputBytes,
      resultBytes: Math.floor(10 ** (2 + 3 * rng.float())),
      dataType: null,
      dataAt: `s${rng.below(sites)}`,
      mayLeaveTo: null,
      deadline: or(rng, 0.5, Math.round(20_000 + inputBytes * 0.024 + usual * (2 + 8 * rng.float()))),
      sticky: null,
    },
    compute: {
      type,
      work,
      atLeast: rng.chance(0.3) ? lanes * (type === "logical" ? 10e9 : 40e9) : 0,
      lanes,
      accelerator: null,
    },
    storage: { capacity: rng.chance(0.3) ? 1e9 : 0, throughput: 0, storageClass: null },
    algorithm: {
      function: `f${rng.below(50)}`,
      timeComplexity: null,
      space: Math.floor(2 ** (26 + 6 * rng.float())),
    },
    network: {
      delay: or(rng, 0.1, 2_000 + rng.below(20_000)),
      bandwidth: rng.chance(0.1) ? rng.pick([1e6, 5e6, 20e6]) : 0,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    },
    where: {
      runs: rng.pick(["wasm", "wasm", "model", "process"]),
      tier: null,
      domain: null,
      labels: {},
      avoid: [],
    },
    objective: { kind: "cost" },
    payAtMost: null,
  });
}

function mixedTask(rng: Rng, sites: number): TaskNeeds {
  const task = usualTask(rng, sites);
  const draw = rng.float();
  const accelerated = task.compute.type !== "logical" && rng.chance(0.25);
  return brand({
    ...task,
    basic: {
      ...task.basic,
      mayLeaveTo: or(
        rng,
        0.05,
        Array.from({ length: 60 }, () => `s${rng.below(sites)}`),
      ),
    },
    compute: {
      ...task.compute,
      accelerator: accelerated ? { kind: "gpu", memoryBytes: rng.pick([2e9, 8e9]) } : null,
    },
    storage: { ...task.storage, storageClass: or(rng, 0.1, "durable") },
    network: {
      ...task.network,
      bandwidth: rng.chance(0.33) ? rng.pick([1e6, 5e6, 20e6, 50e6]) : 0,
      jitter: or(rng, 0.05, 1_000),
      loss: or(rng, 0.05, 1e-4),
      security: rng.pick(["open", "open", "open", "encrypted"]),
    },
    where: {
      ...task.where,
      tier: or(rng, 0.1, rng.pick(["edge", "cloud"])),
      domain: or(rng, 0.05, `d${rng.below(7)}`),
      labels: rng.chance(0.1) ? (rng.chance(0.5) ? { certified: "yes" } : { zone: `z${rng.below(20)}` }) : {},
    },
    objective: (OBJECTIVES.find(([upTo]) => draw <= upTo) as (typeof OBJECTIVES)[number])[1],
  });
}
