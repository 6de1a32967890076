import fc from "fast-check";
import { expect, it, describe as suite } from "vitest";
import { describe, Keys, load, nodeNamed, queued, sharedCryptography } from "../../test/nodes.ts";
import { Network } from "../../test/world.ts";
import { decodeFact, encodeFact } from "../facts.ts";
import { Writer } from "../wire.ts";
import {
  CATS_SOURCES,
  CATS_TYPES,
  type CatsMetric,
  catsMetrics,
  catsScore,
  decodeCats,
  encodeCats,
} from "./cats.ts";
import { PathVector } from "./pathvector.ts";

const metric = fc.record<CatsMetric>({
  type: fc.constantFrom(...CATS_TYPES),
  level: fc.constantFrom(1, 2),
  value: fc.nat(10),
  source: fc.constantFrom(...CATS_SOURCES),
});

suite("CATS metrics", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(metric, (one) => {
        expect(decodeCats(encodeCats(one))).toEqual(one);
      }),
    );
  });

  it("stand in the draft's order: type, level, format, length, value, source", () => {
    const bits = [...encodeCats({ type: "neural", level: 1, value: 9, source: "normalised" })]
      .map((byte) => byte.toString(2).padStart(8, "0"))
      .join("");
    expect(bits).toBe(["00000011", "01", "0", "001", "00001001", "011", "0000000"].join(""));
  });

  it("that nobody here knows are ignored, whatever is in them", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 9 }), (bytes) => void decodeCats(bytes)));
    expect(decodeCats(Uint8Array.of(200, 0b0100_0100, 0, 0))).toBeNull();
    // Level 0 with its unit, value and statistics is seven bytes long.
    expect(decodeCats(new Uint8Array(7))).toBeNull();
  });

  it("unknown to the reader leave the rest of a load readable", () => {
    const own = load("n");
    const metrics = catsMetrics(describe("n"), own);
    const encoded = encodeFact({ facet: "load", value: { ...own, metrics } });
    const more = new Writer();
    more.raw(encoded);
    more.bytes(10, Uint8Array.of(250, 1, 2, 3, 4, 5, 6));
    more.number(99, 5);
    expect(decodeFact("load", more.finish())).toEqual({
      ok: true,
      value: { facet: "load", value: { ...own, metrics } },
    });
  });

  it("say one less with each doubling of the time", () => {
    expect([100, 200, 400, 1e9, Number.POSITIVE_INFINITY].map((t) => catsScore(t, 100))).toEqual([
      10, 9, 8, 0, 0,
    ]);
  });
});

it("domains hear each other's scores, and how they fall with the queue", () => {
  const keys = new Keys();
  const cryptography = sharedCryptography();
  const net = new Network(
    ["a", "b", "c"],
    [
      { a: "a", b: "b", model: { delay: 1000 as never } },
      { a: "b", b: "c", model: { delay: 1000 as never } },
    ],
    (name) => new PathVector(name, keys.of(name), cryptography, keys.keyOf),
    { seed: 1 },
  );
  for (const name of ["a", "b", "c"])
    net.publish(name, { description: describe(name), load: load(name, queued(0)) });
  net.pass(10_000_000);
  const seen = () => net.participant("c")!.view.get(nodeNamed("a"))?.load?.metrics?.[0];
  expect(seen()).toEqual({ type: "all", level: 2, value: 10, source: "aggregated" });
  net.publish("a", { load: load("a", queued(60_000_000)) });
  net.pass(10_000_000);
  expect(seen()?.value).toBeLessThanOrEqual(3);
});
