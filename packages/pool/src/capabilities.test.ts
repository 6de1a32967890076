import type { NodeDescription } from "@weft/infrastructure";
import { PROGRAM_KINDS, SECURITY_CLASSES, TIERS } from "@weft/infrastructure";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type CapabilityDemand, capabilitiesOf, demandBits } from "./index.ts";

const word = fc.constantFrom("a", "b", "c", "d");
const labels = fc.dictionary(word, word, { maxKeys: 3 });
const kinds = ["gpu", "npu"] as const;
const classes = ["scratch", "durable"] as const;
const nodes = fc
  .record({
    tier: fc.constantFrom(...TIERS),
    domain: word,
    labels,
    storageClass: fc.constantFrom(...classes),
    accelerators: fc.array(fc.record({ kind: fc.constantFrom(...kinds) }), { maxLength: 2 }),
    runs: fc.subarray([...PROGRAM_KINDS]),
    security: fc.constantFrom(...SECURITY_CLASSES),
  })
  .map(({ storageClass, ...node }) => ({ ...node, storage: { storageClass } }) as unknown as NodeDescription);
const demands = fc.record({
  runs: fc.constantFrom(...PROGRAM_KINDS),
  tier: fc.option(fc.constantFrom(...TIERS)),
  domain: fc.option(word),
  security: fc.constantFrom(...SECURITY_CLASSES),
  storageClass: fc.option(fc.constantFrom(...classes)),
  accelerator: fc.option(fc.constantFrom(...kinds)),
  labels,
}) as unknown as fc.Arbitrary<CapabilityDemand>;

/** Whether a node is what is asked for, labels and domain aside. */
const isSo = (node: NodeDescription, demand: CapabilityDemand): boolean =>
  node.runs.includes(demand.runs) &&
  (demand.tier === null || node.tier === demand.tier) &&
  SECURITY_CLASSES.indexOf(node.security) >= SECURITY_CLASSES.indexOf(demand.security) &&
  (demand.storageClass !== "durable" || node.storage.storageClass === "durable") &&
  (demand.accelerator === null || node.accelerators.some(({ kind }) => kind === demand.accelerator));
const isNamed = (node: NodeDescription, demand: CapabilityDemand): boolean =>
  (demand.domain === null || node.domain === demand.domain) &&
  Object.entries(demand.labels).every(([key, value]) => node.labels[key] === value);
const hasAll = (node: NodeDescription, demand: CapabilityDemand): boolean =>
  (demandBits(demand) & ~capabilitiesOf(node)) === 0;

it("a node has every bit of a demand that it meets, and lacks one of any that it does not, but for names", () => {
  fc.assert(
    fc.property(nodes, demands, (node, demand) => {
      if (!isSo(node, demand)) expect(hasAll(node, demand)).toBe(false);
      else if (isNamed(node, demand)) expect(hasAll(node, demand)).toBe(true);
      const plain = { ...demand, domain: null, labels: {} };
      expect(hasAll(node, plain)).toBe(isSo(node, plain));
    }),
    { numRuns: 2_000 },
  );
});

it("most nodes of another domain or label lack a bit of it", () => {
  const node = { tier: "edge", labels: {}, storage: {}, accelerators: [], runs: ["wasm"], security: "open" };
  const lacking = (of: (i: number) => object, demand: object): number =>
    Array.from({ length: 200 }, (_, i) => ({ ...node, domain: "home", ...of(i) })).filter(
      (other) =>
        !hasAll(
          other as unknown as NodeDescription,
          {
            ...{ runs: "wasm", tier: null, domain: null, security: "open", storageClass: null },
            ...{ accelerator: null, labels: {}, ...demand },
          } as CapabilityDemand,
        ),
    ).length;
  expect(lacking((i) => ({ domain: `d${i}` }), { domain: "wanted" })).toBeGreaterThan(150);
  expect(lacking((i) => ({ labels: { zone: `z${i}` } }), { labels: { zone: "wanted" } })).toBeGreaterThan(
    150,
  );
  expect(lacking((i) => ({ labels: { [`k${i}`]: "x" } }), { labels: { k: "x" } })).toBeGreaterThan(150);
});
