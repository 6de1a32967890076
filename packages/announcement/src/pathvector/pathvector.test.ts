import { Rng } from "@weft/kernel";
import { expect, it, describe as suite } from "vitest";
import { describe, Keys, load, nodeNamed, sharedCryptography } from "../../test/nodes.ts";
import { type Edge, Network } from "../../test/world.ts";
import { DEFAULT_PATH_VECTOR_SETTINGS, PathVector } from "./pathvector.ts";
import { type ExportPolicy, type Relation, TELL_ALL, valleyFree } from "./routes.ts";

const keys = new Keys();
const cryptography = sharedCryptography();
const SECOND = 1_000_000;

function network(
  names: readonly string[],
  pairs: readonly (readonly [string, string, number])[],
  policies: Record<string, ExportPolicy> = {},
) {
  const edges: Edge[] = pairs.map(([a, b, us]) => ({ a, b, model: { delay: us as never } }));
  const net = new Network(
    names,
    edges,
    (name) =>
      new PathVector(
        name,
        keys.of(name),
        cryptography,
        keys.keyOf,
        policies[name] ?? TELL_ALL,
        DEFAULT_PATH_VECTOR_SETTINGS,
      ),
    { seed: 1 },
  );
  for (const name of names) net.publish(name, { description: describe(name), load: load(name) });
  net.pass(10 * SECOND);
  return net;
}

const speaker = (net: Network, name: string) => net.participant(name) as PathVector;
const pathOf = (net: Network, from: string, to: string) => speaker(net, from).routeTo(nodeNamed(to));

/** A random connected graph of domains, about two and a half links each. */
function randomDomains(seed: number, n: number) {
  const rng = new Rng(seed);
  const names = Array.from({ length: n }, (_, i) => `d${i}`);
  const pairs = new Map<string, readonly [string, string, number]>();
  const add = (i: number, j: number) => {
    if (i === j) return;
    const [a, b] = [Math.min(i, j), Math.max(i, j)];
    pairs.set(`${a}-${b}`, [names[a]!, names[b]!, 1000 * (1 + rng.below(20))]);
  };
  for (let i = 1; i < n; i++) add(i, rng.below(i));
  for (let i = 0; i < n; i++) add(i, rng.below(n));
  return { names, pairs: [...pairs.values()] };
}

suite("routes between domains", () => {
  it("are the fastest ways, as Floyd and Warshall find them", () => {
    for (const seed of [1, 2, 3]) {
      const { names, pairs } = randomDomains(seed, 12);
      const net = network(names, pairs);
      const best = new Map(names.map((a) => [a, new Map(names.map((b) => [b, a === b ? 0 : Infinity]))]));
      for (const [a, b, us] of pairs) {
        best.get(a)!.set(b, us);
        best.get(b)!.set(a, us);
      }
      for (const k of names)
        for (const i of names)
          for (const j of names) {
            const through = best.get(i)!.get(k)! + best.get(k)!.get(j)!;
            if (through < best.get(i)!.get(j)!) best.get(i)!.set(j, through);
          }
      for (const a of names)
        for (const b of names) if (a !== b) expect(pathOf(net, a, b)?.delay).toBe(best.get(a)!.get(b));
    }
  });

  it("[PV.3] [PV.4] a domain that vanishes costs the others at most two route changes each on average", () => {
    for (const seed of [4, 5, 6, 7]) {
      const { names, pairs } = randomDomains(seed, 16);
      const net = network(names, pairs);
      const gone = names[3]!;
      let changes = 0;
      for (const name of names) {
        speaker(net, name).routeTap = (origin) => {
          if (origin === gone) changes++;
        };
      }
      for (const [a, b] of pairs) {
        if (a === gone || b === gone) net.world.setUp(net.id(a), net.id(b), false);
      }
      net.world.crash(net.id(gone));
      net.pass(5 * SECOND);
      for (const name of names) if (name !== gone) expect(pathOf(net, name, gone)).toBeNull();
      expect(changes / (names.length - 1)).toBeGreaterThanOrEqual(1);
      expect(changes / (names.length - 1)).toBeLessThanOrEqual(2);
    }
  });

  it("a domain that leaves is withdrawn in one change each", () => {
    const { names, pairs } = randomDomains(8, 16);
    const net = network(names, pairs);
    const before = names.map((name) => speaker(net, name).routeChanges);
    net.input("d5", { kind: "leave" });
    net.pass(2 * SECOND);
    for (const [i, name] of names.entries()) {
      if (name === "d5") continue;
      expect(speaker(net, name).routeChanges - before[i]!).toBe(1);
      expect(speaker(net, name).view.get(nodeNamed("d5"))).toBeUndefined();
    }
  });

  it("[PV.1] [PV.2] policy: a stub between two providers carries nothing between them", () => {
    const relations: Record<string, Record<string, Relation>> = {
      stub: { left: "provider", right: "provider" },
      left: { stub: "customer", far: "peer" },
      right: { stub: "customer" },
      far: { left: "peer" },
    };
    const policies = Object.fromEntries(
      Object.entries(relations).map(([name, of]) => [name, valleyFree((domain) => of[domain] ?? "peer")]),
    );
    const net = network(
      ["stub", "left", "right", "far"],
      [
        ["stub", "left", 1000],
        ["stub", "right", 1000],
        ["left", "far", 1000],
      ],
      policies,
    );
    expect(pathOf(net, "far", "stub")?.path).toEqual(["left", "stub"]);
    expect(pathOf(net, "right", "left")).toBeNull();
    expect(pathOf(net, "right", "far")).toBeNull();
    expect(speaker(net, "right").view.get(nodeNamed("left"))).toBeUndefined();
  });

  it("a link that fails and comes back is used again", () => {
    const net = network(
      ["a", "b", "c"],
      [
        ["a", "b", 1000],
        ["b", "c", 1000],
        ["a", "c", 9000],
      ],
    );
    expect(pathOf(net, "a", "c")?.path).toEqual(["b", "c"]);
    net.world.setUp(net.id("b"), net.id("c"), false);
    net.pass(SECOND);
    expect(pathOf(net, "a", "c")?.path).toEqual(["c"]);
    net.world.setUp(net.id("b"), net.id("c"), true);
    net.pass(3 * SECOND);
    expect(pathOf(net, "a", "c")?.path).toEqual(["b", "c"]);
  });
});
