import type { DomainId, NodeId, SiteId } from "@weft/infrastructure";
import fc from "fast-check";
import { expect, it, describe as suite } from "vitest";
import { describe, Keys, load, nodeNamed, queued, sharedCryptography } from "../../test/nodes.ts";
import { type Edge, Network } from "../../test/world.ts";
import { canopy } from "../canopy.ts";
import { CentralisedAgent, centralisedCollector } from "../centralised/participant.ts";
import { Mesh } from "../mesh/mesh.ts";
import { DEFAULT_MESH_SETTINGS } from "../mesh/neighbourhood.ts";
import { Trees } from "../mesh/trees.ts";
import type { Participant, SharedParticipant } from "../participant.ts";
import { DEFAULT_PATH_VECTOR_SETTINGS, PathVector } from "../pathvector/pathvector.ts";
import { TELL_ALL } from "../pathvector/routes.ts";
import type { OriginView } from "../view.ts";
import { aggregate, NODES_LABEL } from "./aggregate.ts";
import { Gateway } from "./gateway.ts";
import { completion, DEFAULT_PROBES } from "./probes.ts";
import { DEFAULT_WORTH, regret, worthOf } from "./worth.ts";

const keys = new Keys();
const cryptography = sharedCryptography();
const SECOND = 1_000_000;
const delay = { delay: 3000 as never };

/** Regions a, b, c of four nodes each, the first two of them gateways; regions are origins `region-a` and so on. */
const regions = ["a", "b", "c"];
const names = regions.flatMap((r) => [0, 1, 2, 3].map((i) => `${r}${i}`));
const isRegion = (name: string) => name.startsWith("region-");
const isGateway = (name: string) => /^[abc][01]$/.test(name);

function edges(inside: "ring" | "star"): Edge[] {
  const all: Edge[] = [];
  for (const r of regions) {
    const pairs =
      inside === "ring"
        ? [
            [0, 1],
            [1, 2],
            [2, 3],
            [3, 0],
          ]
        : [
            [0, 1],
            [2, 0],
            [2, 1],
            [3, 0],
            [3, 1],
          ];
    for (const [i, j] of pairs) all.push({ a: `${r}${i}`, b: `${r}${j}`, model: delay });
  }
  for (const [r, s] of [
    ["a", "b"],
    ["b", "c"],
    ["c", "a"],
  ]) {
    for (const i of [0, 1]) for (const j of [0, 1]) all.push({ a: `${r}${i}`, b: `${s}${j}`, model: delay });
  }
  return all;
}

function gateway(name: NodeId, inner: Mesh, outer: (region: NodeId) => SharedParticipant): Participant {
  const r = name[0] as string;
  const id = nodeNamed(`region-${r}`);
  return new Gateway(inner, outer(id), {
    region: { id, site: `site-${r}` as SiteId, domain: r as DomainId },
    gateways: [nodeNamed(`${r}0`), nodeNamed(`${r}1`)],
    isMember: (origin) => !isRegion(origin),
    isOutside: (peer) => peer[0] !== r,
  });
}

/** Canopy: trees inside, trees between. */
const makeCanopy = (name: NodeId): Participant => {
  const inner = canopy(name, keys.of(name), cryptography, keys.keyOf);
  if (!isGateway(name)) return inner;
  return gateway(
    name,
    inner,
    (region) =>
      new Mesh(region, keys.of(region), cryptography, keys.keyOf, (mesh) => new Trees(mesh), {
        ...DEFAULT_MESH_SETTINGS,
        sharedOrigin: true,
      }),
  );
};

/** Hybrid: a star inside, path-vector between. */
const makeHybrid = (name: NodeId): Participant => {
  if (!isGateway(name)) return new CentralisedAgent(name, keys.of(name), cryptography, keys.keyOf);
  const inner = centralisedCollector(name, keys.of(name), cryptography, keys.keyOf);
  return gateway(name, inner, (region) => {
    const settings = { ...DEFAULT_PATH_VECTOR_SETTINGS, sharedOrigin: true };
    return new PathVector(region, keys.of(region), cryptography, keys.keyOf, TELL_ALL, settings, null, name);
  });
};

const kinds = [
  { name: "canopy", make: makeCanopy, inside: "ring" },
  { name: "hybrid", make: makeHybrid, inside: "star" },
] as const;

for (const kind of kinds) {
  const network = (seed: number): Network => {
    const net = new Network(names, edges(kind.inside), kind.make, { seed });
    names.forEach((name, i) => {
      net.publish(name, { description: describe(name), load: load(name, queued((i + 1) * 100_000)) });
    });
    return net;
  };
  const queueOf = (net: Network, observer: string, origin: string) =>
    net.participant(observer)?.view.get(nodeNamed(origin))?.load?.queue.logical;

  suite(`${kind.name}: regions known to each other as one`, () => {
    it("[GATE.1] [GATE.2] members are known inside, other regions by their best member everywhere", () => {
      const net = network(1);
      net.pass(10 * SECOND);
      for (const observer of names) {
        const r = observer[0];
        const known = [...net.participant(observer)!.view.origins()].map(({ origin }) => origin).sort();
        const inside = names.filter((name) => name[0] === r);
        const outside = regions.filter((s) => s !== r).map((s) => `region-${s}`);
        expect(known, observer).toEqual([...inside, ...outside].sort());
        for (const s of regions) {
          if (s === r) continue;
          expect(queueOf(net, observer, `region-${s}`)).toBe((names.indexOf(`${s}0`) + 1) * 100_000);
        }
      }
      const seen = net.participant("c3")!.view.get(nodeNamed("region-a"));
      expect(seen?.description?.labels[NODES_LABEL]).toBe("4");
    });

    it("[GATE.2] news of another region is as old inside as its whole way took", () => {
      const net = network(4);
      net.pass(10 * SECOND);
      const ageAt = (observer: string) =>
        net.participant(observer)!.view.age(nodeNamed("region-b"), "description", net.world.now);
      expect(ageAt("a3")).toBe(ageAt("a0"));
      const inside = net.participant("a3");
      // From gateway to gateway and on to the member: two links at least, of 3 ms each.
      if (inside instanceof Mesh) expect(inside.distance(nodeNamed("region-b"))).toBeGreaterThanOrEqual(6000);
    });

    it("a better member shows everywhere as a better region", () => {
      const net = network(2);
      net.pass(10 * SECOND);
      net.publish("b3", { load: load("b3", queued(1000)) });
      net.pass(2 * SECOND);
      for (const observer of ["a3", "b2", "c2"]) {
        expect(queueOf(net, observer, observer[0] === "b" ? "b3" : "region-b")).toBe(1000);
      }
    });

    it("[GATE.3] when the acting gateway dies the next one speaks", () => {
      const net = network(3);
      net.pass(10 * SECOND);
      net.world.crash(net.id("a0"));
      net.pass(80 * SECOND);
      net.publish("a3", { load: load("a3", queued(60_000)) });
      net.pass(5 * SECOND);
      expect(queueOf(net, "c3", "region-a")).toBe(60_000);
      net.publish("b3", { load: load("b3", queued(3000)) });
      net.pass(5 * SECOND);
      expect(queueOf(net, "a2", "region-b")).toBe(3000);
      net.world.restart(net.id("a0"));
      net.pass(30 * SECOND);
      net.publish("a2", { load: load("a2", queued(500)) });
      net.pass(5 * SECOND);
      expect(queueOf(net, "b2", "region-a")).toBe(500);
    });
  });
}

suite("what a decision would lose", () => {
  it("is the worst over all deciders, wherever they stand", () => {
    const time = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(time, time, time, (believed, truth, beside) => {
        let worst = 0;
        // A decider's rival, seen from this node: at most what the one beside it has.
        for (let rival = 0; rival <= beside; rival++) {
          const chosen = believed < rival ? truth : rival;
          worst = Math.max(worst, chosen - Math.min(truth, rival));
        }
        // Whole numbers only: of a tie within one step either side may win.
        expect(Math.abs(regret(believed, truth, beside) - worst)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("is told by who was nearly the best and is so no longer, but not by who nearly becomes it", () => {
    const [best, nearly, worse] = [200_000, 210_000, 400_000];
    expect(worthOf(nearly, worse, best, DEFAULT_WORTH)).toBe("urgent");
    expect(worthOf(worse, nearly, best, DEFAULT_WORTH)).toBe("none");
    // Far behind the rival nobody is waiting for it.
    expect(worthOf(2 * best, 3 * best, best, DEFAULT_WORTH)).toBe("none");
  });

  it("holds back the loads of nodes that nobody would choose, until the heartbeat", () => {
    const net = new Network(
      ["x", "y", "z"],
      [
        { a: "x", b: "y", model: delay },
        { a: "y", b: "z", model: delay },
      ],
      makeCanopy,
      { seed: 5 },
    );
    for (const [i, name] of ["x", "y", "z"].entries()) {
      net.publish(name, { description: describe(name), load: load(name, queued(i * 500_000)) });
    }
    net.pass(5 * SECOND);
    const told = () => net.participant("x")!.view.get(nodeNamed("z"))?.load?.queue.logical;
    net.publish("z", { load: load("z", queued(3 * SECOND)) });
    net.pass(SECOND);
    expect(told()).toBe(SECOND);
    net.publish("z", { load: load("z", queued(1000)) });
    net.publish("x", { load: load("x", queued(900_000)) });
    net.pass(SECOND);
    expect(net.participant("y")!.view.get(nodeNamed("x"))?.load?.queue.logical).toBe(900_000);
    net.pass(25 * SECOND);
    expect(told()).toBe(1000);
  });
});

suite("aggregates", () => {
  const view = (name: string, us: number, accepting = true): OriginView => ({
    origin: nodeNamed(name),
    description: describe(name),
    load: load(name, { ...queued(us), accepting }),
    links: [],
    health: "up",
    heardAt: 0 as never,
    confirmedAt: { description: null, load: null, links: null },
  });
  const region = { id: nodeNamed("r"), site: "s" as SiteId, domain: "d" as DomainId };

  it("estimate what the best live member would do", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(10_000_000), fc.boolean()), { minLength: 1, maxLength: 8 }),
        (loads) => {
          const members = loads.map(([us, accepting], i) => view(`m${i}`, us, accepting));
          const whole = aggregate(region, members, 0 as never);
          for (const probe of DEFAULT_PROBES) {
            const best = Math.min(...members.map((m) => completion(probe, m.description!, m.load!)));
            expect(
              whole === null ? Number.POSITIVE_INFINITY : completion(probe, whole.description, whole.load),
            ).toBe(best);
          }
        },
      ),
    );
  });
});
