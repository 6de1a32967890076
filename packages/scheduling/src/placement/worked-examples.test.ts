import type { LinkState, NodeDescription, NodeId } from "@weft/infrastructure";
import { Pool } from "@weft/pool";
import { describe, expect, it } from "vitest";
import { formatExplanation, linksOf, Scheduler, type TaskNeeds } from "../index.ts";

const brand = <T>(value: unknown): T => value as T;

const node = (id: string, site: string, neural: number, lanes = 1): NodeDescription =>
  brand({
    id,
    tier: "edge",
    site,
    domain: "d",
    labels: {},
    power: { logical: 0, parallel: 0, neural },
    laneRate: { logical: 0, parallel: 0, neural: neural / lanes },
    memoryBytes: 8e9,
    storage: { capacityBytes: 1e10, throughput: 1e9, storageClass: "scratch" },
    accelerators: [],
    runs: ["model"],
    security: "encrypted",
    watts: null,
    gramsPerKwh: null,
  });

function join(pool: Pool, a: string, b: string, delay: number, capacity: number | null = 1e9): void {
  const state = { up: true, delay, jitter: 0, loss: 0, capacity, bitErrorRate: 0, security: "encrypted" };
  pool.setLink(brand<LinkState>({ ...state, from: a, to: b, radio: null, at: 0 }));
  pool.setLink(brand<LinkState>({ ...state, from: b, to: a, radio: null, at: 0 }));
}

const task = (
  change: { deadline?: number; input?: number; bandwidth?: number; work?: number } = {},
): TaskNeeds =>
  brand({
    basic: {
      inputBytes: change.input ?? 0,
      resultBytes: 0,
      dataType: null,
      dataAt: "client",
      mayLeaveTo: null,
      deadline: change.deadline ?? null,
      sticky: null,
    },
    compute: { type: "neural", work: change.work ?? 1e6, atLeast: 0, lanes: 1, accelerator: null },
    storage: { capacity: 0, throughput: 0, storageClass: null },
    algorithm: { function: "render", timeComplexity: null, space: 0 },
    network: {
      delay: null,
      bandwidth: change.bandwidth ?? 0,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    },
    where: { runs: "model", tier: null, domain: null, labels: {}, avoid: [] },
    objective: { kind: "time" },
    payAtMost: null,
  });

describe("the cloud-VR example of the IETF's CATS working group", () => {
  // 20 ms from motion to photon, 9.4 of which the client and its access need: 10.6 are left for network and compute.
  const pool = new Pool();
  const sites = [
    { compute: 4, network: 9 },
    { compute: 10, network: 4 },
    { compute: 5, network: 5 },
  ];
  sites.forEach(({ compute, network }, i) => {
    join(pool, "client", `site${i + 1}`, (network * 1000) / 2);
    pool.addNode(node(`node${i + 1}`, `site${i + 1}`, 1e6 / (compute / 1000)));
  });

  it("only the third site serves: neither the best network nor the best compute alone", () => {
    const scheduler = new Scheduler(pool);
    const decision = scheduler.place(task({ deadline: 10_600 }), { explain: true });
    expect(decision).toMatchObject({ outcome: "placed", node: "node3", timeline: { total: 10_000 } });
    expect(decision.explanation).toMatchObject({
      fitting: 1,
      ruledOut: [{ constraint: "deadline", nodes: 2 }],
      nearestMiss: { node: "node1", misses: [{ constraint: "deadline", offered: 13_000 }] },
    });
    const without = scheduler.place(task({ deadline: 10_600 }), { excludeNodes: [brand<NodeId>("node3")] });
    expect(without).toMatchObject({ outcome: "refused", code: "deadline_unreachable" });
  });
});

describe("a task that could run near or far", () => {
  const pool = new Pool();
  join(pool, "client", "ningbo", 4_200, 310e6);
  join(pool, "ningbo", "hangzhou", 10_000, 930e6);
  pool.addNode(node("pocket", "client", 29e9));
  pool.addNode(node("corner", "ningbo", 117e9));
  pool.addNode(node("sunny", "hangzhou", 228e9));
  const scheduler = new Scheduler(pool);

  it("tells path, time and what the others lost by", () => {
    const decision = scheduler.place(task({ deadline: 200_000, input: 2.3e6, work: 9.1e9 }), {
      explain: true,
    });
    if (decision.outcome !== "placed") throw new Error(decision.code);
    expect(decision.path).toEqual(["client", "ningbo", "hangzhou"]);
    expect(linksOf(decision)).toEqual(["client>ningbo", "ningbo>hangzhou"]);
    expect(formatExplanation(decision)).toBe(
      [
        "placed on sunny, path client > ningbo > hangzhou",
        "considered 3 nodes, 3 paths",
        "  deadline 200 ms  ruled out pocket (314 ms)",
        "runner-up: corner (146 ms, 0.00), 1.14x by the objective",
        "nearest miss: pocket would fit with deadline 314 ms",
      ].join("\n"),
    );
  });

  it("says of what a node runs what would have to be otherwise", () => {
    const needs = task({ deadline: 200_000, input: 2.3e6, work: 9.1e9 });
    const decision = scheduler.place(
      { ...needs, where: { ...needs.where, runs: "process" } },
      { explain: true },
    );
    const kinds = pool.nodes.descriptions[0]?.runs.join(" or ");
    expect(formatExplanation(decision)).toContain(
      `would fit with a program that is a ${kinds}, or with its owner's leave to run a process`,
    );
  });

  it("says so when nobody has joined yet", () => {
    const decision = new Scheduler(new Pool()).place(task({ deadline: 200_000, input: 2.3e6, work: 9.1e9 }));
    expect(decision).toMatchObject({
      code: "no_suitable_node",
      refusal: { message: "no node has joined the network yet" },
    });
  });

  it("occupies on every link what it moves over the time it lasts, so the next does not count on the same", () => {
    const trial = pool.snapshot();
    const on = new Scheduler(trial);
    const first = on.place(task({ deadline: 150_000, input: 2.3e6, work: 9.1e9 }));
    if (first.outcome !== "placed") throw new Error(first.code);
    expect(first.node).toBe("sunny");
    expect(first.claim.bandwidthIn).toBe(Math.ceil((2.3e6 * 8e6) / first.timeline.total));
    expect(trial.reserve(first.claim).ok).toBe(true);
    const left = trial.links.residual[trial.links.between(brand("client"), brand("ningbo"))] as number;
    expect(left).toBe(310e6 - first.claim.bandwidthIn);
    expect(on.place(task({ deadline: 150_000, input: 2.3e6, work: 9.1e9 }))).toMatchObject({
      code: "deadline_unreachable",
    });
  });

  it("stays where it was unless the gain passes the margin", () => {
    const needs = task({ input: 2.3e6, work: 9.1e9 });
    expect(scheduler.place(needs, { sticky: brand<NodeId>("corner") })).toMatchObject({
      node: "sunny",
      kept: false,
    });
    const patient = new Scheduler(pool, { stickyMargin: 0.3 });
    expect(patient.place(needs, { sticky: brand<NodeId>("corner") })).toMatchObject({
      node: "corner",
      kept: true,
    });
  });

  it("a link of unknown capacity never serves a stated bandwidth", () => {
    const trial = pool.snapshot();
    join(trial, "client", "ningbo", 4_200, null);
    const on = new Scheduler(trial);
    expect(on.place(task({ bandwidth: 1e6 }))).toMatchObject({ node: "pocket" });
    expect(on.place(task({ input: 1e3, work: 9.1e9 }))).toMatchObject({ node: "sunny" });
  });
});
