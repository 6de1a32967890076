import type { NodeId } from "@weft/infrastructure";
import { type PublicKey, type Ratio, Rng, type Signer } from "@weft/kernel";
import { inject, type LinkModel, randomFaults } from "@weft/sim";
import { expect, it, describe as suite } from "vitest";
import { describe, Keys, link, load, nodeNamed, queued, sharedCryptography } from "../test/nodes.ts";
import { type Edge, Network } from "../test/world.ts";
import { canopy } from "./canopy.ts";
import { CentralisedAgent, centralisedCollector } from "./centralised/participant.ts";
import { linkState } from "./linkstate.ts";
import { DEFAULT_MESH_SETTINGS, type MeshSettings } from "./mesh/neighbourhood.ts";
import type { Participant } from "./participant.ts";
import { DEFAULT_PATH_VECTOR_SETTINGS, PathVector } from "./pathvector/pathvector.ts";
import { makeRecord } from "./record.ts";

/** One architecture as the suite sees it: how a participant is made, and who talks to whom. */
interface Architecture {
  readonly name: string;
  make(name: NodeId, signer: Signer, keyOf: (n: NodeId) => PublicKey | null, rng: Rng): Participant;
  edges(names: readonly string[], model: LinkModel): readonly Edge[];
}

const settings: MeshSettings = DEFAULT_MESH_SETTINGS;
const keys = new Keys();
const cryptography = sharedCryptography();
const names = Array.from({ length: 10 }, (_, i) => `n${i}`);

/** A ring with chords: every cut of one link or node leaves it whole. */
function chordedRing(all: readonly string[], model: LinkModel): Edge[] {
  const n = all.length;
  const edges: Edge[] = all.map((a, i) => ({ a, b: all[(i + 1) % n]!, model }));
  for (let i = 0; i < n / 2; i += 2) edges.push({ a: all[i]!, b: all[(i + n / 2) % n]!, model });
  return edges;
}

/** Two collectors, n0 and n1, and everybody else in reach of both. */
const isCollector = (name: string) => name === "n0" || name === "n1";
function twoStars(all: readonly string[], model: LinkModel): Edge[] {
  const agents = all.filter((name) => !isCollector(name));
  return [
    { a: "n0", b: "n1", model },
    ...agents.flatMap((agent) => [
      { a: "n0", b: agent, model },
      { a: "n1", b: agent, model },
    ]),
  ];
}

const architectures: Architecture[] = [
  {
    name: "centralised",
    make: (name, signer, keyOf, rng) =>
      isCollector(name)
        ? centralisedCollector(name, signer, cryptography, keyOf, settings, rng)
        : new CentralisedAgent(name, signer, cryptography, keyOf, settings, rng),
    edges: twoStars,
  },
  {
    name: "link-state",
    make: (name, signer, keyOf, rng) => linkState(name, signer, cryptography, keyOf, settings, rng),
    edges: chordedRing,
  },
  {
    name: "canopy",
    // Without the filter: this contract is about what is announced, regional.test.ts about what is worth it.
    make: (name, signer, keyOf, rng) => canopy(name, signer, cryptography, keyOf, settings, rng, null),
    edges: chordedRing,
  },
  {
    name: "path-vector",
    make: (name, signer, keyOf, rng) =>
      new PathVector(name, signer, cryptography, keyOf, undefined, DEFAULT_PATH_VECTOR_SETTINGS, rng),
    edges: chordedRing,
  },
];

const MODEL: LinkModel = { delay: 5000 as never };
const SECOND = 1_000_000;

for (const architecture of architectures) announcementContract(architecture);

function announcementContract(architecture: Architecture): void {
  const network = (seed: number, model: LinkModel = MODEL): Network => {
    const net = new Network(
      names,
      architecture.edges(names, model),
      (name, rng) => architecture.make(name, keys.of(name), keys.keyOf, rng),
      { seed, replay: `npx vitest run packages/announcement -t "${architecture.name}" # seed ${seed}` },
    );
    for (const name of names) {
      net.publish(name, { description: describe(name), load: load(name), links: [link(name, "x")] });
    }
    return net;
  };

  /** Everybody running knows the truth about everybody running. */
  const converged = (net: Network): void => {
    const running = names.filter((name) => net.world.isRunning(net.id(name)));
    for (const observer of running) {
      for (const origin of running) {
        const seen = net.participant(observer)?.view.get(nodeNamed(origin));
        const { description, load: told, links } = net.truth.get(origin)!;
        net.world.demand(
          seen?.health === "up" &&
            seen.description?.tier === description?.tier &&
            seen.load?.queue.logical === told?.queue.logical &&
            seen.links.length === links?.length,
          `${observer} does not know ${origin}: ${JSON.stringify(seen)}`,
        );
      }
    }
  };

  suite(`${architecture.name} keeps the announcement contract`, () => {
    it("what each publishes becomes known to all, with its age", () => {
      const net = network(1);
      net.pass(5 * SECOND);
      converged(net);
      const view = net.participant("n9")!.view;
      expect(view.get(nodeNamed("n0"))).toMatchObject({ description: describe("n0"), load: load("n0") });
      expect(view.size).toBe(names.length);
      const age = view.age(nodeNamed("n0"), "load", net.world.now) as number;
      expect(age).toBeGreaterThan(4 * SECOND);
      expect(age).toBeLessThanOrEqual(5 * SECOND + 1000);
    });

    it("a change reaches all once, and one below its threshold reaches nobody", () => {
      const net = network(2);
      net.pass(5 * SECOND);
      for (const changes of net.changes.values()) changes.length = 0;
      net.publish("n3", { load: load("n3", queued(5000)) });
      net.pass(SECOND);
      for (const name of names) expect(net.changes.get(name)).toEqual([]);
      net.publish("n3", { load: load("n3", queued(SECOND)) });
      net.pass(SECOND);
      for (const name of names) {
        expect(net.changes.get(name)?.map(({ change }) => [change.kind, change.origin])).toEqual([
          ["load", "n3"],
        ]);
      }
      converged(net);
    });

    it("loss, duplication and reordering delay it and change nothing else", () => {
      const net = network(3, {
        ...MODEL,
        loss: 0.2 as Ratio,
        duplication: 0.1 as Ratio,
        reordering: 0.2 as Ratio,
        jitter: 2000 as never,
      });
      net.pass(30 * SECOND);
      for (let round = 1; round <= 5; round++) {
        for (const name of names) net.publish(name, { load: load(name, queued(round * SECOND)) });
        net.pass(3 * SECOND);
      }
      net.pass(60 * SECOND);
      converged(net);
    });

    it("a partition parts the views, and merging joins them again", () => {
      const net = network(4);
      net.pass(5 * SECOND);
      net.world.partition([names.slice(0, 5).map((name) => net.id(name))]);
      for (const name of names) net.publish(name, { load: load(name, queued(2 * SECOND)) });
      net.pass(20 * SECOND);
      const across = net.participant("n0")!.view.get(nodeNamed("n9"));
      expect(across?.load?.queue.logical ?? 0).toBe(0);
      net.world.heal();
      net.pass(30 * SECOND);
      converged(net);
    });

    it("a crashed origin turns suspect, then down, then is forgotten; restarted, it is known again", () => {
      const net = network(5);
      net.pass(5 * SECOND);
      net.world.crash(net.id("n4"));
      net.pass(80 * SECOND);
      converged(net);
      for (const name of names) {
        if (name !== "n4") expect(net.participant(name)?.view.get(nodeNamed("n4"))?.health).toBe("down");
      }
      net.pass(300 * SECOND);
      expect(net.participant("n0")?.view.get(nodeNamed("n4"))).toBeUndefined();
      net.world.restart(net.id("n4"));
      net.pass(10 * SECOND);
      converged(net);
      expect(net.participant("n4")?.view.size).toBe(names.length);
    });

    it("who leaves is forgotten everywhere, and no replay brings it back", () => {
      const net = network(6);
      net.pass(5 * SECOND);
      const old = makeRecord(
        nodeNamed("n7"),
        { facet: "load", value: load("n7") },
        net.world.now - SECOND,
        keys.of("n7"),
        cryptography,
      );
      net.input("n7", { kind: "leave" });
      net.pass(5 * SECOND);
      net.world.crash(net.id("n7"));
      for (const name of names) {
        if (name === "n7") continue;
        const view = net.participant(name)!.view;
        expect(view.get(nodeNamed("n7"))).toBeUndefined();
        expect(view.accept(net.world.now, old).accepted).toBe(false);
        expect(net.changes.get(name)?.at(-1)?.change).toMatchObject({ kind: "forgotten", because: "left" });
      }
    });

    it("an origin that restarts with a clock set back is still heard", () => {
      const net = network(7);
      net.pass(5 * SECOND);
      net.world.crash(net.id("n2"));
      net.world.setClock(net.id("n2"), { skew: (-20 * SECOND) as never, drift: 0 });
      net.pass(SECOND);
      net.truth.set("n2", { ...net.truth.get("n2"), load: load("n2", queued(3 * SECOND)) });
      net.world.restart(net.id("n2"));
      net.pass(40 * SECOND);
      converged(net);
    });

    it("bytes of any kind from a peer are dropped, counted, and change nothing", () => {
      const net = network(8);
      net.pass(5 * SECOND);
      const rng = new Rng(8);
      const peer = architecture.edges(names, MODEL).find(({ a }) => a === "n0")!.b;
      const before = JSON.stringify([...net.participant("n0")!.view.origins()].map(({ load: l }) => l));
      for (let i = 0; i < 3000; i++) {
        const bytes = new Uint8Array(rng.below(60));
        for (let k = 0; k < bytes.length; k++) bytes[k] = rng.below(k < 3 ? 9 : 256);
        net.input("n0", { kind: "message", from: nodeNamed(peer), bytes });
      }
      net.input("n0", { kind: "message", from: nodeNamed("nobody"), bytes: new Uint8Array(9) });
      net.input("n0", { kind: "message", from: nodeNamed(peer), bytes: new Uint8Array(100_000).fill(1) });
      const view = net.participant("n0")!.view;
      expect(JSON.stringify([...view.origins()].map(({ load: l }) => l))).toBe(before);
      expect(view.counters.malformed).toBeGreaterThan(500);
      net.pass(60 * SECOND);
      converged(net);
    });

    it.each([11, 12])("after every random fault is healed, all views are the truth (seed %i)", (seed) => {
      const net = network(seed);
      net.pass(5 * SECOND);
      const actors = names.map((name) => net.id(name));
      const links = architecture
        .edges(names, MODEL)
        .map(({ a, b }) => ({ between: [net.id(a), net.id(b)] as const, model: MODEL }));
      const from = net.world.now;
      const until = (from + 120 * SECOND) as never;
      const plan = { actors, links, from, until, count: 30, longest: (20 * SECOND) as never };
      inject(net.world, randomFaults(new Rng(seed), plan));
      for (let round = 1; round <= 40; round++) {
        const name = names[round % names.length]!;
        net.publish(name, { load: load(name, queued(round * SECOND)) });
        net.pass(3 * SECOND);
      }
      net.pass(120 * SECOND);
      converged(net);
    });
  });
}
