import {
  COMPUTE_TYPES,
  type LinkState,
  type NodeDescription,
  type NodeId,
  type NodeLoad,
  PROGRAM_KINDS,
  SECURITY_CLASSES,
  type SiteId,
  TIERS,
} from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { ASSUMED, Pool, type PriceColumns } from "@weft/pool";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatExplanation, LEAST_SHARE, Scheduler, type TaskNeeds } from "./index.ts";
import type { Objective } from "./task.ts";

/*
 * The scheduler against brute force: every node, every loopless path, written straight from the words of the guide
 * and from the raw descriptions, sharing no code with what is tested. Figures come from small sets, so that ties and limits
 * met exactly are common.
 */

interface World {
  readonly pool: Pool;
  readonly nodes: { description: NodeDescription; load: NodeLoad; prices: PriceColumns }[];
  readonly links: LinkState[];
  readonly corrections: { service: string; node: NodeId; factor: number }[];
}

const brand = <T>(value: unknown): T => value as T;
const maybe = <T>(rng: Rng, chance: number, value: T): T | null => (rng.chance(chance) ? value : null);

function randomNode(rng: Rng, i: number, sites: number): World["nodes"][number] {
  const power = () => rng.pick([0, 10e9, 20e9, 40e9]);
  const [logical, parallel, neural] = [power(), power(), power()];
  const lanes = rng.pick([1, 2, 4]);
  const description: NodeDescription = brand({
    id: `n${i}`,
    tier: rng.pick(TIERS),
    site: `s${rng.below(sites)}`,
    domain: rng.pick(["d0", "d1"]),
    labels: rng.chance(0.5) ? { zone: rng.pick(["a", "b"]) } : {},
    power: { logical, parallel, neural },
    laneRate: { logical: logical / lanes, parallel: parallel / lanes, neural: neural / lanes },
    memoryBytes: rng.pick([1, 4, 8]) * 2 ** 30,
    storage: {
      capacityBytes: rng.pick([1e9, 1e10]),
      throughput: rng.pick([1e8, 5e8]),
      storageClass: rng.pick(["scratch", "durable"]),
    },
    accelerators: rng.chance(0.3) ? [{ kind: rng.pick(["gpu", "npu"]), model: "x", memoryBytes: 4e9 }] : [],
    runs: rng.chance(0.8) ? PROGRAM_KINDS : [rng.pick(PROGRAM_KINDS)],
    security: rng.pick(SECURITY_CLASSES),
    watts: maybe(rng, 0.8, { idle: 10, full: rng.pick([30, 50, 110]) }),
    gramsPerKwh: maybe(rng, 0.8, rng.pick([50, 400, 600])),
  });
  const load: NodeLoad = brand({
    node: description.id,
    othersUse: { logical: rng.pick([0, 0, 5e9]), parallel: 0, neural: rng.pick([0, 15e9]) },
    freeMemoryBytes: description.memoryBytes - rng.pick([0, 2 ** 29]),
    freeStorageBytes: description.storage.capacityBytes,
    queue: { logical: rng.pick([0, 1000, 5000]), parallel: 0, neural: rng.pick([0, 20000]) },
    battery: null,
    accepting: rng.chance(0.9),
    at: 0,
  });
  const rate = () => rng.pick([0, 5, 10, 40]);
  const prices: PriceColumns = {
    perGigaOperation: { logical: rate(), parallel: rate(), neural: rate() },
    perGibSecondMemory: rng.pick([0, 100]),
    perGibSecondStorage: rng.pick([0, 10]),
    perGbIn: rng.pick([0, 1000]),
    perGbOut: rng.pick([0, 1000]),
    perTask: rng.pick([0, 20]),
  };
  return { description, load, prices };
}

function randomWorld(rng: Rng): World {
  const pool = new Pool();
  const sites = 2 + rng.below(4);
  const links: LinkState[] = [];
  for (let a = 0; a < sites; a++) {
    for (let b = 0; b < sites; b++) {
      if (a === b || rng.chance(0.25)) continue;
      links.push(
        brand({
          from: `s${a}`,
          to: `s${b}`,
          up: rng.chance(0.95),
          delay: maybe(rng, 0.95, rng.pick([0, 1000, 2000, 3000, 10000])),
          jitter: maybe(rng, 0.9, rng.pick([0, 100, 300])),
          loss: maybe(rng, 0.9, rng.pick([0, 0.001, 0.01])),
          capacity: maybe(rng, 0.9, rng.pick([10e6, 50e6, 100e6, 1e9])),
          bitErrorRate: maybe(rng, 0.9, rng.pick([0, 1e-9, 1e-6])),
          security: rng.pick(SECURITY_CLASSES),
          radio: null,
          at: 0,
        }),
      );
    }
  }
  const nodes = Array.from({ length: 1 + rng.below(8) }, (_, i) => randomNode(rng, i, sites));
  const corrections = nodes
    .filter(() => rng.chance(0.2))
    .map(({ description }) => ({ service: "f1", node: description.id, factor: rng.pick([0.5, 0.8, 1.25]) }));
  for (const link of links) pool.setLink(link);
  for (const { description, load, prices } of nodes) {
    pool.addNode(description);
    pool.setPrices(description.id, prices);
    pool.updateLoad(load);
  }
  for (const { service, node, factor } of corrections) pool.setCorrection(service, node, factor);
  return { pool, nodes, links, corrections };
}

const OBJECTIVES: readonly Objective[] = [
  { kind: "cost" },
  { kind: "time" },
  { kind: "energy" },
  { kind: "carbon" },
  { kind: "weighted", perSecond: 1000, perJoule: 3, perGram: 50 },
  { kind: "weighted", perSecond: 0, perJoule: 0, perGram: 50 },
];

function randomTask(rng: Rng): TaskNeeds {
  return brand({
    basic: {
      inputBytes: rng.pick([0, 1e4, 1e6, 2.3e6]),
      resultBytes: rng.pick([0, 1e3, 1e6]),
      dataType: null,
      dataAt: `s${rng.below(5)}`,
      mayLeaveTo: maybe(
        rng,
        0.3,
        ["s0", "s1", "s2", "s3"].filter(() => rng.chance(0.7)),
      ),
      deadline: maybe(rng, 0.5, rng.pick([30e3, 250e3, 1e6])),
      sticky: null,
    },
    compute: {
      type: rng.pick(COMPUTE_TYPES),
      work: rng.pick([0, 1e8, 1e9, 9.1e9]),
      atLeast: rng.pick([0, 0, 5e9, 12e9]),
      lanes: rng.pick([1, 2, Number.POSITIVE_INFINITY]),
      accelerator: maybe(rng, 0.1, { kind: "gpu", memoryBytes: rng.pick([1e9, 3e9]) }),
    },
    storage: {
      capacity: rng.pick([0, 5e8, 2e9]),
      throughput: rng.pick([0, 0, 2e8]),
      storageClass: maybe(rng, 0.2, rng.pick(["scratch", "durable"])),
    },
    algorithm: {
      function: rng.pick(["f1", "f2"]),
      timeComplexity: null,
      space: rng.pick([0, 2 ** 29, 2 ** 31]),
    },
    network: {
      delay: maybe(rng, 0.2, rng.pick([2000, 5000, 12000])),
      bandwidth: rng.pick([0, 0, 0, 20e6, 60e6]),
      jitter: maybe(rng, 0.15, rng.pick([100, 400])),
      loss: maybe(rng, 0.15, rng.pick([0.001, 0.015])),
      bitErrorRate: maybe(rng, 0.15, rng.pick([1e-9, 1.5e-6])),
      security: rng.pick(["open", "open", "open", "encrypted"]),
    },
    where: {
      runs: rng.pick(PROGRAM_KINDS),
      tier: maybe(rng, 0.15, rng.pick(TIERS)),
      domain: maybe(rng, 0.15, rng.pick(["d0", "d1", "d9"])),
      labels: rng.chance(0.15) ? { zone: "a" } : {},
      avoid: rng.chance(0.1) ? ["n0"] : [],
    },
    objective: rng.pick(OBJECTIVES),
    payAtMost: maybe(rng, 0.2, BigInt(rng.pick([10, 100, 1000]))),
  });
}

/** What stands reserved, kept beside the pool. */
class Books {
  readonly rate = new Map<string, number>();
  readonly link = new Map<string, number>();
  readonly node = new Map<string, { memory: number; storage: number; throughput: number; device: number }>();
}

interface Candidate {
  readonly node: string;
  readonly path: readonly string[];
  readonly score: number;
  readonly total: number;
  readonly cost: number;
}

function* looplessPaths(world: World, path: SiteId[]): Generator<SiteId[]> {
  yield path;
  for (const link of world.links) {
    if (link.from !== path.at(-1) || path.includes(link.to)) continue;
    yield* looplessPaths(world, [...path, link.to]);
  }
}

/** Micros there and back over a path, or null where the task's demands rule the path out. */
function overPath(world: World, books: Books, task: TaskNeeds, path: readonly SiteId[]): number | null {
  const { basic, network } = task;
  if (basic.mayLeaveTo !== null) {
    if (path.some((site) => site !== basic.dataAt && !basic.mayLeaveTo?.includes(site))) return null;
  }
  const way = (sites: readonly SiteId[], bytes: number): LinkState[] | null => {
    const links: LinkState[] = [];
    for (let i = 1; i < sites.length; i++) {
      const link = world.links.find((l) => l.from === sites[i - 1] && l.to === sites[i]);
      if (link === undefined || !link.up) return null;
      const rest = (link.capacity ?? ASSUMED.capacity) - (books.link.get(`${link.from}>${link.to}`) ?? 0);
      if (network.bandwidth > 0 && (link.capacity === null || rest < network.bandwidth)) return null;
      if (bytes > 0 && rest <= 0) return null;
      if (SECURITY_CLASSES.indexOf(link.security) < SECURITY_CLASSES.indexOf(network.security)) return null;
      links.push(link);
    }
    return links;
  };
  const there = way(path, basic.inputBytes);
  const back = way([...path].reverse(), basic.resultBytes);
  if (there === null || back === null) return null;
  const hops = there.map((link, i) => [back[back.length - 1 - i] as LinkState, link] as const).reverse();
  const sum = (figure: (link: LinkState) => number | null): number => {
    let total = 0;
    for (const pair of hops)
      total += Math.max(...pair.map((link) => figure(link) ?? Number.POSITIVE_INFINITY));
    return total;
  };
  const nats = (p: number | null): number | null => (p === null ? null : -Math.log1p(-p));
  const delayOf = (links: readonly LinkState[], unknown: number): number =>
    links.reduce((total, link) => total + (link.delay ?? unknown), 0);
  const { delay, jitter, loss, bitErrorRate } = network;
  if (delay !== null && delayOf(there, Number.POSITIVE_INFINITY) > delay) return null;
  if (delay !== null && delayOf(back, Number.POSITIVE_INFINITY) > delay) return null;
  if (jitter !== null && sum((link) => link.jitter) > jitter) return null;
  if (loss !== null && sum((link) => nats(link.loss)) > (nats(loss) as number)) return null;
  if (bitErrorRate !== null && sum((link) => nats(link.bitErrorRate)) > (nats(bitErrorRate) as number))
    return null;
  const send = (links: readonly LinkState[], bytes: number): number => {
    if (bytes === 0 || links.length === 0) return 0;
    const rest = links.map(
      (l) => (l.capacity ?? ASSUMED.capacity) - (books.link.get(`${l.from}>${l.to}`) ?? 0),
    );
    return Math.ceil((bytes * 8e6) / Math.min(...rest));
  };
  return (
    delayOf(there, ASSUMED.delay) +
    send(there, basic.inputBytes) +
    delayOf(back, ASSUMED.delay) +
    send(back, basic.resultBytes)
  );
}

function onNode(world: World, books: Books, task: TaskNeeds, i: number, transfer: number) {
  const { description: d, load, prices } = world.nodes[i] as World["nodes"][number];
  const { type } = task.compute;
  const held = books.node.get(d.id) ?? { memory: 0, storage: 0, throughput: 0, device: 0 };
  const { where } = task;
  if (!load.accepting || where.avoid.includes(d.id) || !d.runs.includes(where.runs)) return null;
  if (where.tier !== null && where.tier !== d.tier) return null;
  if (where.domain !== null && where.domain !== d.domain) return null;
  if (Object.entries(where.labels).some(([key, value]) => d.labels[key] !== value)) return null;
  if (SECURITY_CLASSES.indexOf(d.security) < SECURITY_CLASSES.indexOf(task.network.security)) return null;
  if (task.storage.storageClass === "durable" && d.storage.storageClass !== "durable") return null;
  const { accelerator } = task.compute;
  if (accelerator !== null) {
    const device = d.accelerators.find((a) => a.kind === accelerator.kind);
    if (device === undefined || device.memoryBytes - held.device < accelerator.memoryBytes) return null;
  }
  if (load.freeMemoryBytes - held.memory < task.algorithm.space) return null;
  if (d.storage.capacityBytes - held.storage < task.storage.capacity) return null;
  if (d.storage.throughput - held.throughput < task.storage.throughput) return null;
  const free = Math.max(0, d.power[type] - load.othersUse[type]) - (books.rate.get(`${d.id}/${type}`) ?? 0);
  let rate = Math.floor(Math.min(free, task.compute.lanes * d.laneRate[type]));
  if (!(rate > 0) || rate < Math.floor(LEAST_SHARE * d.laneRate[type])) rate = 0;
  const factor =
    world.corrections.find((c) => c.node === d.id && c.service === task.algorithm.function)?.factor ?? 1;
  if (rate * factor < task.compute.atLeast || (rate === 0 && task.compute.work > 0)) return null;
  const compute = task.compute.work === 0 ? 0 : Math.ceil((task.compute.work * 1e6) / (rate * factor));
  const total = transfer + load.queue[type] + compute;
  if (task.basic.deadline !== null && total > task.basic.deadline) return null;
  const seconds = compute / 1e6;
  const cost = Math.max(
    prices.perTask,
    task.compute.work * (prices.perGigaOperation[type] / 1e9) +
      seconds * task.algorithm.space * (prices.perGibSecondMemory / 2 ** 30) +
      seconds * task.storage.capacity * (prices.perGibSecondStorage / 2 ** 30) +
      task.basic.inputBytes * (prices.perGbIn / 1e9) +
      task.basic.resultBytes * (prices.perGbOut / 1e9),
  );
  if (task.payAtMost !== null && Math.ceil(cost) > Number(task.payAtMost)) return null;
  const joules =
    d.watts === null
      ? Number.POSITIVE_INFINITY
      : (task.compute.work * ((d.watts.full - d.watts.idle) / d.power[type])) / factor;
  const energy = d.power[type] === 0 ? Number.POSITIVE_INFINITY : joules;
  const grams = d.gramsPerKwh === null ? Number.POSITIVE_INFINITY : energy * (d.gramsPerKwh / 3.6e6);
  return { total, cost, energy, grams };
}

function scoreOf(objective: Objective, total: number, cost: number, energy: number, grams: number): number {
  switch (objective.kind) {
    case "cost":
      return cost;
    case "time":
      return total;
    case "energy":
      return energy;
    case "carbon":
      return grams;
    case "weighted": {
      const joules = objective.perJoule > 0 ? objective.perJoule * energy : 0;
      const carbon = objective.perGram > 0 ? objective.perGram * grams : 0;
      return cost + (objective.perSecond / 1e6) * total + joules + carbon;
    }
  }
}

/** Least by score, total, cost, hops, name; paths of one node by time, hops, then site names from the node's end. */
function bruteForce(world: World, books: Books, task: TaskNeeds): Candidate | null {
  let best: Candidate | null = null;
  const paths = [...looplessPaths(world, [task.basic.dataAt])];
  for (let i = 0; i < world.nodes.length; i++) {
    const { description } = world.nodes[i] as World["nodes"][number];
    for (const path of paths) {
      if (path.at(-1) !== description.site) continue;
      const transfer = overPath(world, books, task, path);
      if (transfer === null) continue;
      const made = onNode(world, books, task, i, transfer);
      if (made === null) continue;
      const score = scoreOf(task.objective, made.total, made.cost, made.energy, made.grams);
      const candidate = { node: description.id, path, score, total: made.total, cost: made.cost };
      if (best === null || order(candidate, best) < 0) best = candidate;
    }
  }
  return best;
}

function order(a: Candidate, b: Candidate): number {
  if (a.score !== b.score) return a.score - b.score;
  if (a.total !== b.total) return a.total - b.total;
  if (a.cost !== b.cost) return a.cost - b.cost;
  if (a.path.length !== b.path.length) return a.path.length - b.path.length;
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  return [...a.path].reverse().join(" ") < [...b.path].reverse().join(" ") ? -1 : 1;
}

/** Commits a placement in the pool and in the books beside it. */
function commit(world: World, books: Books, scheduler: Scheduler, task: TaskNeeds): void {
  const decision = scheduler.place(task);
  if (decision.outcome !== "placed") return;
  const { claim } = decision;
  const reserved = world.pool.reserve(claim);
  if (!reserved.ok) throw new Error(`the claim of a fresh decision does not hold: ${reserved.refusal.code}`);
  const key = `${decision.node}/${task.compute.type}`;
  books.rate.set(key, (books.rate.get(key) ?? 0) + claim.rate);
  const held = books.node.get(decision.node) ?? { memory: 0, storage: 0, throughput: 0, device: 0 };
  books.node.set(decision.node, {
    memory: held.memory + claim.memory,
    storage: held.storage + claim.storage,
    throughput: held.throughput + claim.throughput,
    device: held.device + claim.deviceMemory,
  });
  decision.path.forEach((to, i) => {
    const from = decision.path[i - 1];
    if (from === undefined) return;
    books.link.set(`${from}>${to}`, (books.link.get(`${from}>${to}`) ?? 0) + claim.bandwidthIn);
    books.link.set(`${to}>${from}`, (books.link.get(`${to}>${from}`) ?? 0) + claim.bandwidthOut);
  });
}

describe("against brute force over all nodes and all loopless paths", () => {
  it("chooses the same node and path, or refuses alike, whatever is asked and reserved", () => {
    let placed = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const world = randomWorld(rng);
        const scheduler = new Scheduler(world.pool);
        const books = new Books();
        for (let round = 0; round < 6; round++) {
          const task = randomTask(rng);
          const expected = bruteForce(world, books, task);
          const decision = scheduler.place(task);
          if (expected === null) {
            expect(decision.outcome).toBe("refused");
          } else {
            if (decision.outcome !== "placed")
              throw new Error(`refused ${decision.code}, but ${expected.node} serves`);
            placed++;
            expect(decision.node).toBe(expected.node);
            expect(decision.path).toEqual(expected.path);
            expect(decision.timeline.total).toBe(expected.total);
            expect([decision.cost, decision.score]).toEqual([expected.cost, expected.score]);
          }
          commit(world, books, scheduler, randomTask(rng));
        }
      }),
      { numRuns: 400 },
    );
    expect(placed).toBeGreaterThan(200);
  });

  it("explains every decision without changing it, and counts every node once or as fitting", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const world = randomWorld(rng);
        const scheduler = new Scheduler(world.pool);
        const task = randomTask(rng);
        const { explanation: none, ...silent } = scheduler.place(task);
        const told = scheduler.place(task, { explain: true });
        const { explanation, ...rest } = told;
        expect(none).toBeNull();
        expect(rest).toEqual(silent);
        expect(explanation?.nodesConsidered).toBe(world.nodes.length);
        expect(explanation?.fitting === 0).toBe(told.outcome === "refused");
        if (told.outcome === "refused") expect(explanation?.ruledOut.length).toBeGreaterThan(0);
        expect(formatExplanation(told)).toContain(`considered ${world.nodes.length} node`);
      }),
      { numRuns: 200 },
    );
  });
});
