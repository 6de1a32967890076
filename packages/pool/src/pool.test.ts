import type { LinkState, NodeDescription, NodeId, NodeLoad, SiteId } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blankClaim,
  type Claim,
  capacityOf,
  FREE_OF_CHARGE,
  KNOWN,
  Pool,
  RESOURCES,
  type ReservationId,
} from "./index.ts";

const brand = <T>(value: unknown): T => value as T;
const SITES = ["a", "b", "c"].map((id) => brand<SiteId>(id));

function describeNode(rng: Rng, id: string): NodeDescription {
  const power = rng.pick([0, 1.5e10, 8e10]);
  return brand({
    id,
    tier: "edge",
    site: rng.pick(SITES),
    domain: "d",
    labels: {},
    power: { logical: power, parallel: power * 3.3, neural: power },
    laneRate: { logical: power / 4, parallel: power, neural: power },
    memoryBytes: rng.pick([1, 2, 3]) * 1e9,
    storage: { capacityBytes: 5e9, throughput: 1e8, storageClass: "scratch" },
    accelerators: Array.from({ length: rng.below(4) }, () => ({ kind: "gpu", model: "x", memoryBytes: 4e9 })),
    runs: ["wasm"],
    security: "open",
    watts: null,
    gramsPerKwh: null,
  });
}

function loadOf(rng: Rng, node: NodeDescription): NodeLoad {
  return brand({
    node: node.id,
    othersUse: {
      logical: rng.float() * node.power.logical,
      parallel: 0,
      neural: rng.float() * node.power.neural,
    },
    freeMemoryBytes: rng.float() * node.memoryBytes,
    freeStorageBytes: node.storage.capacityBytes,
    queue: { logical: 0, parallel: 0, neural: 0 },
    battery: null,
    accepting: rng.chance(0.8),
    at: 0,
  });
}

const linkState = (rng: Rng, from: SiteId, to: SiteId): LinkState =>
  brand({
    from,
    to,
    up: rng.chance(0.9),
    delay: 1000,
    jitter: null,
    loss: null,
    capacity: rng.chance(0.9) ? rng.pick([1e7, 1e8]) + rng.float() : null,
    bitErrorRate: null,
    security: "open",
    radio: null,
    at: 0,
  });

function randomClaim(rng: Rng, pool: Pool): Claim | null {
  const path = rng.shuffle([...SITES]).slice(0, 1 + rng.below(3));
  const made = pool.claim(
    brand({
      node: `n${rng.below(5)}`,
      type: rng.pick(["logical", "parallel", "neural"]),
      rate: rng.float() * 4e10,
      memory: rng.float() * 1e9,
      storage: rng.float() * 2e9,
      throughput: rng.float() * 5e7,
      accelerator: rng.chance(0.3)
        ? { kind: "gpu", memoryBytes: rng.float() * 2e9, count: 1 + rng.below(3) }
        : null,
      service: rng.pick(["ocr", "sum"]),
      path,
      bandwidthIn: rng.float() * 5e6,
      bandwidthOut: rng.float() * 5e6,
    }),
  );
  return made.ok ? made.value : null;
}

/** What every reservation that stands adds up to, computed from nothing but the claims. */
function expectBooksBalance(pool: Pool, standing: ReadonlyMap<ReservationId, Claim>): void {
  const { nodes, links } = pool;
  expect(pool.reservations).toBe(standing.size);
  const present = nodes.descriptions.filter((node, n) => node !== undefined && nodes.slots.has(n));
  for (const name of RESOURCES) {
    const all = present.reduce((sum, node) => sum + capacityOf(node as NodeDescription)[name], 0);
    expect(pool.capacity[name]).toBe(all);
  }
  for (let n = 0; n < nodes.bound; n++) {
    const held = [...standing.values()].filter((claim) => claim.node === n);
    for (const t of [0, 1, 2] as const) {
      const rate = held.filter((claim) => claim.type === t).reduce((sum, claim) => sum + claim.rate, 0);
      expect(nodes.reserved[t][n]).toBe(rate);
    }
    expect(nodes.reservedMemory[n]).toBe(held.reduce((sum, claim) => sum + claim.memory, 0));
    expect(nodes.reservedStorage[n]).toBe(held.reduce((sum, claim) => sum + claim.storage, 0));
    const description = nodes.descriptions[n];
    if (!nodes.slots.has(n) || description === undefined) continue;
    const load = nodes.loads[n];
    const measured = Math.floor(description.power.logical - (load?.othersUse.logical ?? 0));
    expect(nodes.free[0][n]).toBe(Math.max(0, measured) - (nodes.reserved[0][n] as number));
    const memory = Math.floor(
      Math.min(description.memoryBytes, load?.freeMemoryBytes ?? description.memoryBytes),
    );
    expect(nodes.freeMemory[n]).toBe(memory - (nodes.reservedMemory[n] as number));
    const onDevices = held.reduce((sum, claim) => sum + claim.deviceCount * claim.deviceMemory, 0);
    const devices = nodes.devices[n] ?? [];
    expect(devices.reduce((sum, { memory, free }) => sum + memory - free, 0)).toBe(onDevices);
    expectNoDeviceOverdrawn(devices);
  }
  for (let l = 0; l < links.bound; l++) {
    let rate = 0;
    for (const claim of standing.values()) {
      if (claim.linksIn.includes(l)) rate += claim.bandwidthIn;
      if (claim.linksOut.includes(l)) rate += claim.bandwidthOut;
    }
    expect(links.reserved[l]).toBe(rate);
  }
}

describe("under any interleaving of reports, joins, losses, reservations and releases", () => {
  it("[P1-P3] a reservation never exceeds what remains, and a release gives back exactly what was taken", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const pool = new Pool();
        const standing = new Map<ReservationId, Claim>();
        const known = new Map<string, NodeDescription>();
        const plans: Claim[] = [];
        const join = (): void => {
          const node = describeNode(rng, `n${rng.below(5)}`);
          known.set(node.id, node);
          pool.addNode(node);
        };
        const acts: (() => void)[] = [
          join,
          join,
          () => {
            const node = rng.pick([...known.values(), describeNode(rng, "n9")]);
            pool.updateLoad(loadOf(rng, node));
          },
          () => pool.removeNode(brand<NodeId>(`n${rng.below(5)}`)),
          () => pool.setPrices(brand<NodeId>(`n${rng.below(5)}`), FREE_OF_CHARGE),
          () => pool.setInstanceLimit(brand<NodeId>(`n${rng.below(5)}`), "ocr", rng.pick([null, 1, 2])),
          () => {
            const [from, to] = rng.shuffle([...SITES]) as [SiteId, SiteId];
            pool.setLink(linkState(rng, from, to));
            pool.setLink(linkState(rng, to, from));
          },
          () => {
            const [from, to] = rng.shuffle([...SITES]) as [SiteId, SiteId];
            pool.removeLink(from, to);
          },
          () => {
            const claim = randomClaim(rng, pool);
            if (claim !== null) plans.push(claim);
          },
          () => {
            const before = snapshotOf(pool);
            const claim = plans.pop();
            if (claim === undefined) return;
            const made = pool.reserve(claim);
            if (!made.ok) expect(snapshotOf(pool)).toEqual(before);
            else {
              standing.set(made.value, claim);
              expectNothingOverdrawn(pool, claim);
            }
          },
          () => {
            const id = [...standing.keys()][0];
            if (id === undefined) return;
            pool.release(id);
            pool.release(id);
            standing.delete(id);
          },
        ];
        for (let i = 0; i < 120; i++) {
          rng.pick(acts)();
          if (i % 10 !== 0) continue;
          expectBooksBalance(pool, standing);
          expectVacated(pool, [...standing.keys()], (id) => (id as number) % 3 === 0);
        }
        for (const id of standing.keys()) pool.release(id);
        expectBooksBalance(pool, new Map());
        for (let l = 0; l < pool.links.bound; l++) expect(pool.links.reserved[l]).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

/** A pool vacated but for some is one that the others were released from. */
function expectVacated(
  pool: Pool,
  standing: readonly ReservationId[],
  stays: (id: ReservationId) => boolean,
): void {
  const released = pool.snapshot();
  for (const id of standing) if (!stays(id)) released.release(id);
  const vacated = pool.vacated(standing.filter(stays));
  expect(vacated.reservations).toBe(released.reservations);
  for (let n = 0; n < pool.nodes.bound; n++) {
    if (!pool.nodes.slots.has(n)) continue;
    const leftOf = ({ nodes }: Pool) => [
      ...nodes.free.map((free) => free[n]),
      nodes.freeMemory[n],
      nodes.freeStorage[n],
      nodes.freeThroughput[n],
      nodes.hasInstance(n, "ocr"),
    ];
    expect(leftOf(vacated)).toEqual(leftOf(released));
  }
  for (let l = 0; l < pool.links.bound; l++) {
    if (pool.links.slots.has(l)) expect(vacated.links.residual[l]).toBe(released.links.residual[l]);
  }
}

/** What is taken of a device that is gone is more than there is: its kind is none. */
function expectNoDeviceOverdrawn(devices: readonly { readonly kind: number; readonly free: number }[]): void {
  for (const { kind, free } of devices) if (kind >= 0) expect(free).toBeGreaterThanOrEqual(0);
}

function expectNothingOverdrawn(pool: Pool, claim: Claim): void {
  const { nodes, links } = pool;
  if (claim.rate > 0) expect(nodes.free[claim.type as 0 | 1 | 2][claim.node]).toBeGreaterThanOrEqual(0);
  expect(nodes.freeMemory[claim.node]).toBeGreaterThanOrEqual(0);
  expect(nodes.freeThroughput[claim.node]).toBeGreaterThanOrEqual(0);
  expectNoDeviceOverdrawn(nodes.devices[claim.node] ?? []);
  for (const service of nodes.services[claim.node]?.values() ?? []) {
    if (service.limit > 0) expect(service.used <= service.limit || claim.service !== "ocr").toBe(true);
  }
  for (const link of [...claim.linksIn, ...claim.linksOut]) {
    const known = pool.links.states[link]?.capacity != null;
    if (known) expect(links.reserved[link]).toBeLessThanOrEqual(links.capacity[link] as number);
  }
}

const snapshotOf = (pool: Pool) => ({
  version: pool.version,
  reserved: [...pool.nodes.reservedMemory],
  links: [...pool.links.reserved],
});

describe("plan, then commit", () => {
  const rng = new Rng(1);
  const node = (id: string): NodeDescription => ({
    ...describeNode(rng, id),
    power: brand({ logical: 100, parallel: 0, neural: 0 }),
    memoryBytes: brand(1000),
    site: SITES[0] as SiteId,
    accelerators: [],
  });
  const claimOn = (pool: Pool, id: string, rate: number): Claim => {
    const made = pool.claim(
      brand({
        node: id,
        type: "logical",
        rate,
        memory: 10,
        storage: 0,
        throughput: 0,
        accelerator: null,
        service: null,
        path: [SITES[0]],
        bandwidthIn: 0,
        bandwidthOut: 0,
      }),
    );
    if (!made.ok) throw new Error(made.refusal.code);
    return made.value;
  };

  it("[P4] commits what still holds and returns the rest as stale, with the reason", () => {
    const pool = new Pool();
    for (const id of ["x", "y", "z"]) pool.addNode(node(id));
    const plan = [
      claimOn(pool, "x", 60),
      claimOn(pool, "x", 60),
      claimOn(pool, "y", 60),
      claimOn(pool, "z", 60),
    ];
    pool.setPrices(brand("y"), { ...FREE_OF_CHARGE, perTask: 1 });
    pool.removeNode(brand("z"));
    const { committed, stale } = pool.commit(plan);
    expect(committed.map(({ claim }) => claim)).toEqual([plan[0]]);
    expect(stale.map(({ because }) => because)).toEqual(["no_computing_power", "node_changed", "node_gone"]);
  });

  it("takes shares of as many devices as asked for, all or none", () => {
    const rng = new Rng(1);
    const pool = new Pool();
    const gpus = [1, 2, 3].map(() => ({ kind: "gpu", model: "x", memoryBytes: 1000 }));
    const node = describeNode(rng, "n0");
    pool.addNode(brand({ ...node, power: { logical: 1e9, parallel: 0, neural: 0 }, accelerators: gpus }));
    const ask = (memoryBytes: number, count: number) => {
      const claim = pool.claim(
        brand({
          node: "n0",
          type: "logical",
          rate: 0,
          memory: 0,
          storage: 0,
          throughput: 0,
          accelerator: { kind: "gpu", memoryBytes, count },
          service: null,
          path: [],
          bandwidthIn: 0,
          bandwidthOut: 0,
        }),
      );
      return pool.reserve((claim as { value: Claim }).value);
    };
    expect(ask(600, 4).ok).toBe(false);
    const two = ask(600, 2);
    expect(two.ok).toBe(true);
    expect(ask(600, 2).ok).toBe(false);
    expect(ask(400, 3).ok).toBe(true);
    expect(pool.nodes.devices[0]?.map(({ free }) => free).sort()).toEqual([0, 0, 600]);
    pool.release((two as { value: ReservationId }).value);
    expect(pool.nodes.devices[0]?.map(({ free }) => free)).toEqual([600, 600, 600]);
  });

  it("gives back no more of a device than it has, though it was gone and came back while some was taken", () => {
    const pool = new Pool();
    const gpus = [{ kind: "gpu", model: "x", memoryBytes: 1000 }];
    const measured = (accelerators: readonly unknown[]): void =>
      pool.addNode({ ...node("x"), accelerators: brand(accelerators) });
    measured(gpus);
    const share = { deviceKind: 0, deviceMemory: 600, deviceCount: 1, basedOn: pool.version };
    const made = pool.reserve({ ...blankClaim(), ...share });
    measured([]);
    expect(pool.nodes.freeDevice[0][0]).toBe(0);
    measured(gpus);
    expect(pool.nodes.freeDevice[0][0]).toBe(400);
    pool.release((made as { value: ReservationId }).value);
    expect(pool.nodes.freeDevice[0][0]).toBe(1000);
  });

  it("a gang is committed whole or not at all", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    const plan = [claimOn(pool, "x", 60), claimOn(pool, "x", 60)];
    expect(pool.commit(plan, { allOrNothing: true }).committed).toEqual([]);
    expect(pool.reservations).toBe(0);
    expect(pool.nodes.free[0][0]).toBe(100);
  });

  it("a snapshot is a pool of its own: what is tried on it does not show in the first", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    const first = pool.reserve(claimOn(pool, "x", 30));
    const trial = pool.snapshot();
    expect(trial.reserve(claimOn(trial, "x", 70)).ok).toBe(true);
    expect(trial.nodes.free[0][0]).toBe(0);
    expect(pool.nodes.free[0][0]).toBe(70);
    if (first.ok) trial.release(first.value);
    expect(trial.nodes.free[0][0]).toBe(30);
    expect(pool.reservations).toBe(1);
  });

  it("a node that comes back keeps what is reserved on it; its slot is free once nothing is", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    const made = pool.reserve(claimOn(pool, "x", 30));
    pool.removeNode(brand("x"));
    pool.addNode(node("x"));
    expect(pool.nodes.free[0][0]).toBe(70);
    pool.removeNode(brand("x"));
    if (made.ok) pool.release(made.value);
    expect(pool.nodes.slots.find(brand("x"))).toBe(-1);
    expect(pool.links.sites.find(SITES[0] as SiteId)).toBe(-1);
  });

  it("a node in the slot of one that left has nothing of it", () => {
    const pool = new Pool();
    const gpus = [{ kind: "gpu", model: "x", memoryBytes: 1000 }];
    pool.addNode({ ...node("x"), accelerators: brand(gpus) });
    pool.setPrices(brand("x"), { ...FREE_OF_CHARGE, perTask: 7, perGbIn: 7 });
    pool.setInstanceLimit(brand("x"), "ocr", 0);
    pool.setHandling(brand("x"), brand(500));
    pool.setCorrection("ocr", brand("x"), 3);
    pool.removeNode(brand("x"));
    pool.addNode(node("y"));
    const { nodes } = pool;
    expect([nodes.bound, nodes.slots.idOf(0)]).toEqual([1, "y"]);
    const { pricePerTask, pricePerByteIn, pricePerByteOut, pricePerOperation } = nodes;
    const { pricePerByteSecondMemory, pricePerByteSecondStorage } = nodes;
    const perByte = [pricePerByteIn, pricePerByteOut, pricePerByteSecondMemory, pricePerByteSecondStorage];
    const all = [pricePerTask, ...perByte, ...pricePerOperation].map((column) => column[0]);
    expect(all).toEqual(Array(8).fill(0));
    expect(nodes.queue[0][0]).toBe(0);
    expect([pool.hasInstance(0, "ocr"), nodes.freeDevice[0][0]]).toEqual([true, 0]);
    expect(pool.corrections("ocr")?.factors.has(0)).toBe(false);
  });

  it("keeps prices, load and instance limits of a node that is measured again", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    pool.setPrices(brand("x"), { ...FREE_OF_CHARGE, perTask: 7 });
    pool.setInstanceLimit(brand("x"), "ocr", 0);
    pool.setHandling(brand("x"), brand(500));
    pool.addNode({ ...node("x"), memoryBytes: brand(2000) });
    expect([pool.nodes.pricePerTask[0], pool.nodes.queue[0][0]]).toEqual([7, 500]);
    expect([pool.hasInstance(0, "ocr"), pool.nodes.freeMemory[0]]).toEqual([false, 2000]);
  });

  it("holds prices by the operation, the byte and the second", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    pool.setPrices(brand("x"), {
      perGigaOperation: { logical: 1, parallel: 2, neural: 3 },
      perGibSecondMemory: 4,
      perGibSecondStorage: 5,
      perGbIn: 6,
      perGbOut: 7,
      perTask: 8,
    });
    const { nodes } = pool;
    const ofOperations = nodes.pricePerOperation.map((column) => (column[0] as number) * 1e9);
    expect(ofOperations.map((price) => Math.round(price * 1e6) / 1e6)).toEqual([1, 2, 3]);
    expect((nodes.pricePerByteSecondMemory[0] as number) * 2 ** 30).toBe(4);
    expect((nodes.pricePerByteSecondStorage[0] as number) * 2 ** 30).toBe(5);
    expect((nodes.pricePerByteIn[0] as number) * 1e9).toBeCloseTo(6, 9);
    expect((nodes.pricePerByteOut[0] as number) * 1e9).toBeCloseTo(7, 9);
    expect(nodes.pricePerTask[0]).toBe(8);
  });

  it("takes one device where a claim does not say how many", () => {
    const pool = new Pool();
    const gpus = [1, 2].map(() => ({ kind: "gpu", model: "x", memoryBytes: 1000 }));
    pool.addNode({ ...node("x"), accelerators: brand(gpus) });
    const made = pool.claim({
      ...{ node: brand<NodeId>("x"), type: "logical" as const, rate: brand(0), memory: brand(0) },
      ...{ storage: brand(0), throughput: brand(0), service: null, path: [] },
      ...{ bandwidthIn: brand(0), bandwidthOut: brand(0) },
      accelerator: { kind: "gpu", memoryBytes: brand(400) },
    });
    if (made.ok) pool.reserve(made.value);
    expect(pool.nodes.devices[0]?.map(({ free }) => free).sort()).toEqual([1000, 600]);
  });

  it("a node that is drained takes nothing more until it is taken back", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    const code = (): string => {
      const made = pool.reserve(claimOn(pool, "x", 10));
      return made.ok ? "reserved" : made.refusal.code;
    };
    pool.setAccepting(brand("x"), false);
    expect(code()).toBe("not_accepting");
    pool.setAccepting(brand("x"), true);
    expect(code()).toBe("reserved");
  });

  it("no claim goes over a hop that is there one way only", () => {
    const pool = new Pool();
    const [a, b] = [SITES[0]!, SITES[1]!];
    pool.addNode({ ...node("x"), site: b });
    const over = (path: readonly SiteId[]) =>
      pool.claim({
        ...{ node: brand<NodeId>("x"), type: "logical" as const, rate: brand(1), memory: brand(1) },
        ...{ storage: brand(0), throughput: brand(0), service: null, accelerator: null },
        ...{ path, bandwidthIn: brand(0), bandwidthOut: brand(0) },
      });
    const refused = { ok: false, refusal: { code: "link_changed" } };
    pool.setLink(linkState(rng, a, b));
    expect(over([a, b])).toMatchObject(refused);
    pool.setLink(linkState(rng, b, a));
    expect(over([a, b])).toMatchObject({ ok: true, value: { linksIn: [0], linksOut: [1] } });
    expect([pool.links.reverse[0], pool.links.reverse[1]]).toEqual([1, 0]);
    pool.removeLink(a, b);
    expect(over([a, b])).toMatchObject(refused);
    expect(pool.links.reverse[1]).toBe(-1);
  });

  it("[P4] every change but a look makes the version grow", () => {
    const pool = new Pool();
    const changes: (() => unknown)[] = [
      () => pool.addNode(node("x")),
      () => pool.setPrices(brand("x"), FREE_OF_CHARGE),
      () => pool.setInstanceLimit(brand("x"), "ocr", 1),
      () => pool.setCorrection("ocr", brand("x"), 2),
      () => pool.setCorrectionElsewhere("ocr", 2),
      () => pool.setHandling(brand("x"), brand(5)),
      () => pool.updateLoad(loadOf(rng, node("x"))),
      () => pool.setAccepting(brand("x"), true),
      () => pool.setLink(linkState(rng, SITES[0]!, SITES[1]!)),
      () => pool.removeLink(SITES[0]!, SITES[1]!),
      () => pool.removeNode(brand("x")),
    ];
    for (const change of changes) {
      const before = pool.version;
      change();
      expect(pool.version, String(change)).toBeGreaterThan(before);
    }
    const before = pool.version;
    pool.removeNode(brand("x"));
    pool.removeLink(SITES[0]!, SITES[1]!);
    pool.setHandling(brand("x"), brand(5));
    expect(pool.version).toBe(before); // nothing there to change
  });

  it("a feed tells of the links that were there, and of what becomes of them", () => {
    const pool = new Pool();
    const up = (from: SiteId, to: SiteId): LinkState => ({
      ...linkState(rng, from, to),
      up: true,
      capacity: brand(1e9),
    });
    const [a, b] = [SITES[0]!, SITES[1]!];
    pool.addNode({ ...node("x"), site: b });
    pool.setLink(up(a, b));
    pool.setLink(up(b, a));
    const feed = pool.follow("links");
    expect([feed.links.size, feed.nodes.size]).toEqual([2, 0]);
    feed.links.clear();
    const claim = pool.claim({
      ...{ node: brand<NodeId>("x"), type: "logical" as const, rate: brand(1), memory: brand(1) },
      ...{ storage: brand(0), throughput: brand(0), service: null, path: [a, b], accelerator: null },
      ...{ bandwidthIn: brand(10), bandwidthOut: brand(20) },
    });
    const made = claim.ok ? pool.reserve(claim.value) : claim;
    const [there, back] = [pool.links.between(a, b), pool.links.between(b, a)];
    expect([feed.links.size, feed.residuals.size, feed.loads.size]).toEqual([0, 2, 0]);
    expect([pool.links.residual[there], pool.links.residual[back]]).toEqual([1e9 - 10, 1e9 - 20]);
    pool.removeLink(a, b);
    expect([feed.links.size, feed.links.at(0)]).toEqual([1, there]);
    // What is reserved of it keeps its slot, and its ends, until it is released.
    pool.removeNode(brand("x"));
    pool.removeLink(b, a);
    expect(pool.links.sites.find(a)).toBeGreaterThanOrEqual(0);
    if (made.ok) pool.release(made.value);
    expect([pool.links.between(a, b), pool.links.between(b, a)]).toEqual([-1, -1]);
    expect([pool.links.sites.find(a), pool.links.sites.find(b)]).toEqual([-1, -1]);
    pool.unfollow(feed);
    feed.links.clear();
    pool.setLink(up(a, b));
    expect(feed.links.size).toBe(0);
  });

  it("a link is up when its probe says so, has the figures that are known, and adds loss up in logarithms", () => {
    const pool = new Pool();
    const [a, b] = [SITES[0]!, SITES[1]!];
    const set = (change: object): number => {
      pool.setLink({
        ...linkState(rng, a, b),
        up: true,
        delay: null,
        capacity: null,
        ...brand<Partial<LinkState>>(change),
      } as LinkState);
      return pool.links.known[0] as number;
    };
    expect(set({})).toBe(0);
    expect(set({ delay: 1 })).toBe(KNOWN.delay);
    expect(set({ jitter: 1 })).toBe(KNOWN.jitter);
    expect(set({ loss: 0.5 })).toBe(KNOWN.loss);
    expect(Math.exp(-(pool.links.loss[0] as number))).toBeCloseTo(0.5, 12);
    expect(set({ bitErrorRate: 1e-9 })).toBe(KNOWN.bitErrorRate);
    expect(pool.links.bitErrors[0]).toBeCloseTo(1e-9, 15);
    expect(set({ capacity: 5 })).toBe(KNOWN.capacity);
    const bits = Object.values(KNOWN);
    expect(bits.reduce((all, bit) => all | bit, 0)).toBe(bits.reduce((sum, bit) => sum + bit, 0));
    expect(pool.links.up[0]).toBe(1);
    set({ up: false });
    expect(pool.links.up[0]).toBe(0);
  });

  it("a feed tells what changed since it was drained, once each", () => {
    const pool = new Pool();
    pool.addNode(node("x"));
    const feed = pool.follow();
    expect(feed.nodes.size).toBe(1);
    feed.nodes.clear();
    const made = pool.reserve(claimOn(pool, "x", 30));
    if (made.ok) pool.release(made.value);
    expect([feed.nodes.size, feed.loads.size, feed.loads.at(0)]).toEqual([0, 1, 0]);
  });
});
