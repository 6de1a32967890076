import { type LinkState, PROGRAM_KINDS, SECURITY_CLASSES, TIERS } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Explanation, formatExplanation, Scheduler, type TaskNeeds } from "../index.ts";
import { brand, plainNode, plainTask } from "../testing/scenery.ts";

interface NodeFigures {
  readonly id: string;
  readonly site: string;
  readonly tier: string;
  readonly domain: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly lanes: number;
  readonly memoryBytes: number;
  readonly storage: {
    readonly capacityBytes: number;
    readonly throughput: number;
    readonly storageClass: string;
  };
  readonly accelerators: readonly {
    readonly kind: string;
    readonly model: string;
    readonly memoryBytes: number;
  }[];
  readonly runs: readonly string[];
  readonly security: string;
  readonly accepting: boolean;
  readonly instances: number | null;
}

const SITES = ["here", "s1", "s2", "s3"];
const maybe = <T>(rng: Rng, chance: number, value: T): T | null => (rng.chance(chance) ? value : null);

function randomFigures(rng: Rng, i: number): NodeFigures {
  const devices = rng.chance(0.5) ? rng.below(3) : 0;
  return {
    id: `n${i}`,
    site: rng.pick(SITES),
    tier: rng.pick(TIERS),
    domain: rng.pick(["d0", "d1"]),
    labels: rng.chance(0.5) ? { zone: rng.pick(["a", "b"]) } : {},
    lanes: rng.pick([1, 2, 4]),
    memoryBytes: rng.pick([1e9, 2e9, 4e9]),
    storage: {
      capacityBytes: rng.pick([1e9, 1e10]),
      throughput: rng.pick([1e8, 5e8]),
      storageClass: rng.pick(["scratch", "durable"]),
    },
    accelerators: Array.from({ length: devices }, () => ({
      kind: rng.pick(["gpu", "npu"]),
      model: "x",
      memoryBytes: rng.pick([2e9, 4e9]),
    })),
    runs: PROGRAM_KINDS.filter(() => rng.chance(0.7)),
    security: rng.pick(SECURITY_CLASSES),
    accepting: rng.chance(0.9),
    instances: maybe(rng, 0.2, rng.below(2)),
  };
}

function poolOf(figures: readonly NodeFigures[], links: readonly LinkState[]): Pool {
  const pool = new Pool();
  for (const link of links) pool.setLink(link);
  for (const { id, site, lanes, accepting, instances, ...change } of figures) {
    pool.addNode(plainNode(id, site, lanes, change));
    pool.setAccepting(brand(id), accepting);
    pool.setInstanceLimit(brand(id), "f", instances);
  }
  return pool;
}

function randomLinks(rng: Rng): LinkState[] {
  const links: LinkState[] = [];
  for (const from of SITES) {
    for (const to of SITES) {
      if (from === to || rng.chance(0.3)) continue;
      links.push(
        brand({
          ...{ from, to, up: true, radio: null, at: 0, security: rng.pick(SECURITY_CLASSES) },
          delay: maybe(rng, 0.95, rng.pick([1000, 2000, 10000])),
          jitter: maybe(rng, 0.9, rng.pick([0, 100, 300])),
          loss: maybe(rng, 0.9, rng.pick([0, 0.001, 0.01])),
          bitErrorRate: maybe(rng, 0.9, rng.pick([0, 1e-9, 1e-6])),
          capacity: maybe(rng, 0.9, rng.pick([10e6, 50e6, 1e9])),
        }),
      );
    }
  }
  return links;
}

/** A task with a few demands on nodes; `rich` ones have some on paths, deadline and price too. */
function randomNeeds(rng: Rng, rich: boolean): TaskNeeds {
  const base = plainTask();
  return brand({
    ...base,
    basic: {
      ...base.basic,
      inputBytes: rng.pick([0, 1e6]),
      deadline: rich ? maybe(rng, 0.4, rng.pick([5e3, 300e3, 1.1e6])) : null,
      mayLeaveTo: rich ? maybe(rng, 0.2, ["s1", "s2"]) : null,
    },
    compute: {
      ...base.compute,
      atLeast: rng.pick([0, 0, 3e9]),
      lanes: Number.POSITIVE_INFINITY,
      accelerator: maybe(rng, 0.3, {
        kind: rng.pick(["gpu", "npu"]),
        memoryBytes: rng.pick([1e9, 3e9]),
        count: 1 + rng.below(2),
      }),
    },
    storage: {
      capacity: rng.pick([0, 2e9]),
      throughput: rng.pick([0, 2e8]),
      storageClass: maybe(rng, 0.3, rng.pick(["scratch", "durable"])),
    },
    algorithm: { ...base.algorithm, space: rng.pick([0, 1e9, 3e9]) },
    network: {
      delay: rich ? maybe(rng, 0.2, rng.pick([1500, 5000])) : null,
      bandwidth: rich ? rng.pick([0, 0, 20e6]) : 0,
      jitter: rich ? maybe(rng, 0.15, rng.pick([50, 400])) : null,
      loss: rich ? maybe(rng, 0.15, 0.001) : null,
      bitErrorRate: rich ? maybe(rng, 0.15, 1e-9) : null,
      security: rng.pick(rich ? ["open", "open", "encrypted"] : ["open"]),
    },
    where: {
      runs: rng.pick(PROGRAM_KINDS),
      tier: maybe(rng, 0.2, rng.pick(TIERS)),
      domain: maybe(rng, 0.2, rng.pick(["d0", "d1", "d9"])),
      labels: rng.chance(0.2) ? { zone: "a" } : {},
      avoid: rng.chance(0.2) ? ["n0"] : [],
    },
    payAtMost: null,
  });
}

/** Written from the words of the task: what about a node rules it out. */
function missesOf(node: NodeFigures, task: TaskNeeds): string[] {
  const { where, storage, compute, algorithm, network } = task;
  const level = (name: string): number => SECURITY_CLASSES.indexOf(name as (typeof SECURITY_CLASSES)[number]);
  const device = compute.accelerator;
  const fit = node.accelerators.filter(({ kind, memoryBytes }) => {
    return kind === device?.kind && memoryBytes >= device.memoryBytes;
  });
  const wrong: readonly (readonly [string, boolean])[] = [
    ["avoided", (where.avoid as readonly string[]).includes(node.id)],
    ["program_kind", !node.runs.includes(where.runs)],
    ["tier", where.tier !== null && node.tier !== where.tier],
    ["domain", where.domain !== null && node.domain !== where.domain],
    ["labels", Object.entries(where.labels).some(([key, value]) => node.labels[key] !== value)],
    ["node_security", level(node.security) < level(network.security)],
    ["storage_class", storage.storageClass === "durable" && node.storage.storageClass !== "durable"],
    ["accelerator", device !== null && fit.length < (device.count ?? 1)],
    ["accepting", !node.accepting],
    ["memory", node.memoryBytes < algorithm.space],
    ["storage", node.storage.capacityBytes < storage.capacity],
    ["storage_throughput", node.storage.throughput < storage.throughput],
    ["instances", node.instances === 0],
    ["computing_power", node.lanes * 1e9 < compute.atLeast],
  ];
  return wrong.flatMap(([code, missed]) => (missed ? [code] : []));
}

const explained = (pool: Pool, task: TaskNeeds) => {
  const decision = new Scheduler(pool).place(task, { explain: true });
  return { decision, explanation: decision.explanation as Explanation };
};

describe("an explanation", () => {
  it("tells of every demand how many nodes it rules out, each once, and names some of them", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const figures = Array.from({ length: 1 + rng.below(8) }, (_, i) => ({
          ...randomFigures(rng, i),
          site: "here",
        }));
        const task = randomNeeds(rng, false);
        const { explanation } = explained(poolOf(figures, []), task);
        const expected = new Map<string, string[]>();
        for (const node of figures) {
          for (const code of missesOf(node, task))
            expected.set(code, [...(expected.get(code) ?? []), node.id]);
        }
        const told = explanation.ruledOut.map(({ constraint, nodes }) => [constraint, nodes] as const);
        expect(Object.fromEntries(told)).toEqual(
          Object.fromEntries([...expected].map(([code, nodes]) => [code, nodes.length])),
        );
        for (const { constraint, examples } of explanation.ruledOut) {
          const names = expected.get(constraint) as string[];
          expect(examples.map(({ name }) => name)).toEqual(names.slice(0, 3));
        }
        expect(explanation.fitting).toBe(figures.filter((node) => missesOf(node, task).length === 0).length);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps its word: the node that missed by one figure fits a task that asks for what it offers", () => {
    let kept = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const figures = Array.from({ length: 1 + rng.below(4) }, (_, i) => randomFigures(rng, i));
        const pool = poolOf(figures, randomLinks(rng));
        for (const { id } of figures) pool.setPrices(brand(id), prices(rng.pick([0, 10, 50])));
        const drawn = randomNeeds(rng, true);
        const task = { ...drawn, payAtMost: maybe(rng, 0.3, brand<TaskNeeds["payAtMost"]>(20n)) };
        const { nearestMiss } = explained(pool, task).explanation;
        for (const fix of nearestMiss?.misses.flatMap(({ fixes }) => fixes) ?? []) {
          expect(fix).not.toMatch(/undefined|NaN|^$/);
        }
        const miss = nearestMiss?.misses[0];
        if (nearestMiss === null || miss === undefined || nearestMiss.misses.length > 1) return;
        const eased = easedBy(task, miss.constraint, miss.offered);
        if (eased === null) return;
        kept++;
        const others = figures.map(({ id }) => id).filter((id) => id !== nearestMiss.node);
        const decision = new Scheduler(pool).place(eased, { excludeNodes: brand(others) });
        expect(decision).toMatchObject({ outcome: "placed", node: nearestMiss.node });
      }),
      { numRuns: 500 },
    );
    expect(kept).toBeGreaterThan(20);
  });
});

describe("what rules paths out", () => {
  const pool = new Pool();
  const ways = {
    slow: { delay: 9_000 },
    shaky: { jitter: 900 },
    open: { security: "open" },
  };
  for (const [site, change] of Object.entries(ways)) {
    for (const [from, to] of [
      ["here", site],
      [site, "there"],
    ]) {
      const link = { up: true, delay: 1_000, jitter: 10, loss: 0, capacity: 1e9, bitErrorRate: 0 };
      const whole = { ...link, security: "encrypted", radio: null, at: 0, ...change };
      pool.setLink(brand({ ...whole, from, to }));
      pool.setLink(brand({ ...whole, from: to, to: from }));
    }
  }
  pool.addNode(plainNode("far", "there", 1, { security: "isolated", domain: "d1" }));
  const toldOf = (network: object, mayLeaveTo: readonly string[] | null = null) => {
    const { decision, explanation } = explained(pool, plainTask({ network, basic: { mayLeaveTo } }));
    const told = explanation.ruledOut.map(({ constraint, nodes, paths }) => [constraint, nodes, paths]);
    return { placed: decision.outcome === "placed", told: told.sort(), miss: explanation.nearestMiss };
  };

  it("is counted by demand, for paths that the node can do without as well", () => {
    expect(toldOf({})).toMatchObject({ placed: true, told: [] });
    expect(toldOf({ security: "encrypted" })).toMatchObject({
      placed: true,
      told: [["path_security", 0, 1]],
    });
    const two = toldOf({ security: "encrypted", jitter: 100 });
    expect(two).toMatchObject({
      placed: true,
      told: [
        ["jitter", 0, 1],
        ["path_security", 0, 1],
      ],
    });
    expect(toldOf({}, ["slow", "there"])).toMatchObject({ placed: true, told: [["residency", 0, 2]] });
  });

  it("is said to be all demands together where each alone can be met", () => {
    const all = toldOf({ security: "encrypted", jitter: 100, delay: 5_000 });
    expect(all).toMatchObject({
      placed: false,
      told: [
        ["delay", 0, 1],
        ["jitter", 0, 1],
        ["path", 1, 0],
        ["path_security", 0, 1],
      ],
      miss: { node: "far", misses: [{ constraint: "path" }] },
    });
    expect(toldOf({ delay: 1_500 })).toMatchObject({
      told: [["delay", 1, 3]],
      miss: { misses: [{ constraint: "delay", asked: 1_500, offered: 2_000 }] },
    });
    expect(toldOf({}, ["here"])).toMatchObject({
      told: [["residency", 1, 3]],
      miss: { misses: [{ fixes: ["leave for the data to go there"] }] },
    });
  });

  it("names the domain asked for, and one that nobody is of", () => {
    const asked = (domain: string) =>
      explained(pool, plainTask({ where: { domain } })).explanation.ruledOut.map((rule) => rule.asked);
    pool.addNode(plainNode("near", "here", 1));
    expect([asked("d1"), asked("d"), asked("d9")]).toEqual([["d1"], ["d"], ["one not in the pool"]]);
  });
});

it("names what was asked for as the task does", () => {
  const pool = new Pool();
  pool.addNode(plainNode("n", "here", 1));
  const asked = (change: object) => {
    const { explanation } = explained(pool, brand({ ...plainTask(), ...change }));
    return explanation.ruledOut.map((rule) => rule.asked);
  };
  const { where, network, compute, storage } = plainTask();
  for (const tier of ["cloud", "end"]) expect(asked({ where: { ...where, tier } })).toEqual([tier]);
  for (const runs of ["model", "process"]) expect(asked({ where: { ...where, runs } })).toEqual([runs]);
  expect(asked({ where: { ...where, labels: { zone: "a", disk: "b" } } })).toEqual(["zone=a, disk=b"]);
  for (const security of ["encrypted", "isolated"]) {
    expect(asked({ network: { ...network, security } })).toEqual([security]);
  }
  for (const kind of ["gpu", "npu"]) {
    expect(asked({ compute: { ...compute, accelerator: { kind, memoryBytes: 1e9 } } })).toEqual([kind]);
  }
  expect(asked({ storage: { ...storage, storageClass: "durable" } })).toEqual(["durable"]);
});

it("says by how much the runner-up lost", () => {
  const lost = (criterion: string, chosen: number, own: number): string => {
    const runner = {
      node: "b",
      path: [],
      total: 1_000,
      cost: 0,
      score: 0,
      lostBy: { criterion, chosen, own },
    };
    const counts = { nodesConsidered: 2, pathsConsidered: 1, fitting: 2, ruledOut: [], nearestMiss: null };
    const explanation = brand<Explanation>({ ...counts, runnersUp: [runner] });
    return formatExplanation({ outcome: "placed", node: brand("a"), path: [], kept: false, explanation });
  };
  expect(lost("better_score", 2, 5)).toContain("2.5x by the objective");
  expect(lost("sooner", 10_000, 60_000)).toContain("50 ms later");
  expect(lost("cheaper", 1_000_000, 1_250_000)).toContain("0.25 dearer");
  expect(lost("fewer_hops", 1, 3)).toContain("2 more hops");
});

const prices = (perTask: number) => ({
  perGigaOperation: { logical: 0, parallel: 0, neural: 0 },
  ...{ perGibSecondMemory: 0, perGibSecondStorage: 0, perGbIn: 0, perGbOut: 0, perTask },
});

/** The task asking for no more than was offered; null where that is no figure, or one of several of a path. */
function easedBy(task: TaskNeeds, code: string, offered: number | null): TaskNeeds | null {
  if (offered === null) return null;
  const { basic, compute, storage, algorithm, network } = task;
  const onPath = { delay: "delay", jitter: "jitter", bandwidth: "bandwidth" }[code];
  const demands = [network.delay, network.jitter, network.loss, network.bitErrorRate, basic.mayLeaveTo];
  const pathDemands =
    demands.filter((demand) => demand !== null).length +
    (network.bandwidth > 0 ? 1 : 0) +
    (network.security === "open" ? 0 : 1);
  if (onPath !== undefined) {
    return pathDemands > 1 ? null : brand({ ...task, network: { ...network, [onPath]: offered } });
  }
  const groups: Readonly<Record<string, object>> = {
    memory: { algorithm: { ...algorithm, space: offered } },
    storage: { storage: { ...storage, capacity: offered } },
    storage_throughput: { storage: { ...storage, throughput: offered } },
    computing_power: { compute: { ...compute, atLeast: offered } },
    accelerator: { compute: { ...compute, accelerator: { ...compute.accelerator, memoryBytes: offered } } },
    deadline: { basic: { ...basic, deadline: Math.ceil(offered) } },
    price: { payAtMost: BigInt(Math.ceil(offered)) },
  };
  const change = groups[code];
  return change === undefined ? null : brand({ ...task, ...change });
}
