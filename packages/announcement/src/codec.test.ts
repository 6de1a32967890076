import type { LinkState, NodeDescription, NodeLoad, RadioState } from "@weft/infrastructure";
import { createSigner, nodeCryptography } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CentralisedMessage, decodeCentralised, encodeCentralised } from "./centralised/messages.ts";
import {
  decodeFact,
  encodeFact,
  FACETS,
  type Fact,
  linksDelta,
  loadDelta,
  wholeLinks,
  wholeLoad,
} from "./facts.ts";
import { decodeRecord, encodeRecord, isSignedBy, MAX_RECORD_BYTES, makeRecord } from "./record.ts";
import { Reader, Writer } from "./wire.ts";

const anyNumber = fc.oneof(fc.maxSafeNat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
const anyId = fc.string({ minLength: 1, maxLength: 40, unit: "binary" });
const anyPower = fc.record({ logical: anyNumber, parallel: anyNumber, neural: anyNumber });
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });

const anyDescription = fc.record({
  id: anyId,
  tier: fc.constantFrom("cloud", "edge", "end"),
  site: anyId,
  domain: anyId,
  labels: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), { maxKeys: 5 }),
  power: anyPower,
  laneRate: anyPower,
  memoryBytes: fc.maxSafeNat(),
  storage: fc.record({
    capacityBytes: fc.maxSafeNat(),
    throughput: anyNumber,
    storageClass: fc.constantFrom("scratch", "durable"),
  }),
  accelerators: fc.array(
    fc.record({ kind: fc.constantFrom("gpu", "npu"), model: anyId, memoryBytes: fc.maxSafeNat() }),
    { maxLength: 4 },
  ),
  runs: fc.uniqueArray(fc.constantFrom("wasm", "model", "process")),
  security: fc.constantFrom("open", "encrypted", "isolated"),
  watts: orNull(fc.record({ idle: anyNumber, full: anyNumber })),
  gramsPerKwh: orNull(anyNumber),
}) as unknown as fc.Arbitrary<NodeDescription>;

const anyLoad = fc.record({
  node: anyId,
  othersUse: anyPower,
  freeMemoryBytes: fc.maxSafeNat(),
  freeStorageBytes: fc.maxSafeNat(),
  queue: fc.record({ logical: fc.maxSafeNat(), parallel: fc.maxSafeNat(), neural: fc.maxSafeNat() }),
  battery: orNull(fc.double({ min: 0, max: 1, noNaN: true })),
  accepting: fc.boolean(),
  at: fc.maxSafeNat(),
}) as unknown as fc.Arbitrary<NodeLoad>;

const anyLink = fc.record({
  from: fc.constantFrom("a", "b", "c"),
  to: fc.constantFrom("x", "y", "z"),
  up: fc.boolean(),
  delay: orNull(fc.maxSafeNat()),
  jitter: orNull(fc.maxSafeNat()),
  loss: orNull(fc.double({ min: 0, max: 1, noNaN: true })),
  capacity: orNull(anyNumber),
  bitErrorRate: orNull(fc.double({ min: 0, max: 1, noNaN: true })),
  security: fc.constantFrom("open", "encrypted", "isolated"),
  radio: orNull(
    fc.record({ availableSpectrumHz: orNull(anyNumber), baseStationPower: orNull(anyNumber) }),
  ) as fc.Arbitrary<RadioState | null>,
  at: fc.maxSafeNat(),
}) as unknown as fc.Arbitrary<LinkState>;

const anyLinks = fc.uniqueArray(anyLink, { maxLength: 9, selector: (link) => `${link.from}>${link.to}` });
const sortedLinks = (links: readonly LinkState[]) =>
  [...links].sort((a, b) => `${a.from}>${a.to}`.localeCompare(`${b.from}>${b.to}`));

describe("facts on the wire", () => {
  it("every description, load and list of links comes back as it went", () => {
    fc.assert(
      fc.property(anyDescription, anyLoad, anyLinks, (description, load, links) => {
        const facts: Fact[] = [
          { facet: "description", value: description },
          { facet: "load", value: load },
          { facet: "links", value: { links, gone: [] } },
          { facet: "alive", value: { description: 1, load: 2, links: 3 } },
          { facet: "leaving", value: {} },
        ];
        for (const fact of facts) {
          expect(decodeFact(fact.facet, encodeFact(fact))).toEqual({ ok: true, value: fact });
        }
      }),
    );
  });

  it("a load delta over its whole load gives the new load", () => {
    fc.assert(
      fc.property(anyLoad, anyLoad, (whole, other) => {
        const next = { ...other, node: whole.node };
        const fact = { facet: "load", value: loadDelta(whole, 7, next) } as const;
        const read = decodeFact("load", encodeFact(fact));
        expect(read.ok && read.value.facet === "load" && wholeLoad(read.value.value, whole)).toEqual(next);
      }),
    );
  });

  it("a links delta over its whole list gives the new list, but for the instants of unchanged links", () => {
    fc.assert(
      fc.property(anyLinks, anyLinks, (whole, next) => {
        const still = (links: readonly LinkState[]) =>
          sortedLinks(links.map((l) => ({ ...l, at: 0 as never })));
        const fact = { facet: "links", value: linksDelta(whole, 7, next) } as const;
        const read = decodeFact("links", encodeFact(fact));
        if (!read.ok || read.value.facet !== "links") throw new Error("not read back");
        expect(still(wholeLinks(read.value.value, whole))).toEqual(still(next));
      }),
    );
  });

  it("a newer writer's unknown fields are skipped", () => {
    const writer = new Writer();
    writer.number(1, 10);
    writer.text(77, "something of the future");
    writer.number(2, 20);
    writer.number(99, 0.5);
    writer.number(3, 30);
    expect(decodeFact("alive", writer.finish())).toEqual({
      ok: true,
      value: { facet: "alive", value: { description: 10, load: 20, links: 30 } },
    });
  });
});

it("figures of a node or link that are below zero or without end are refused", () => {
  fc.assert(
    fc.property(
      anyDescription,
      fc.constantFrom(-1, -1e-9, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      (described, wrong) => {
        const good = described as unknown as NodeDescription;
        const changes: readonly object[] = [
          { gramsPerKwh: wrong },
          { watts: { idle: wrong, full: 1 } },
          { watts: { idle: 1, full: wrong } },
          { memoryBytes: wrong },
          { laneRate: { ...good.laneRate, neural: wrong } },
        ];
        for (const change of changes) {
          const bytes = encodeFact({
            facet: "description",
            value: { ...good, ...change } as NodeDescription,
          });
          expect(decodeFact("description", bytes)).toMatchObject({
            ok: false,
            refusal: {
              code: "malformed",
              path: "description",
              expected: expect.stringContaining("below zero"),
            },
          });
        }
      },
    ),
    { numRuns: 50 },
  );
});

describe("records and messages on the wire", () => {
  const signer = createSigner();
  const origin = "n1" as never;
  const record = makeRecord(origin, { facet: "leaving", value: {} }, 5, signer, nodeCryptography);

  it("a record comes back, and verifies under its origin's key only", () => {
    const read = decodeRecord(encodeRecord(record));
    expect(read).toEqual({ ok: true, value: record });
    expect(isSignedBy(signer.publicKey, record, nodeCryptography)).toBe(true);
    expect(isSignedBy(createSigner().publicKey, record, nodeCryptography)).toBe(false);
  });

  it("a record changed anywhere no longer verifies", () => {
    const whole = makeRecord(
      origin,
      { facet: "alive", value: { description: 1, load: 2, links: 3 } },
      5,
      signer,
      nodeCryptography,
    );
    const bytes = encodeRecord(whole);
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i]! ^= 1;
      const read = decodeRecord(changed);
      expect(read.ok && isSignedBy(signer.publicKey, read.value, nodeCryptography)).toBe(false);
    }
  });

  it("messages come back as they went", () => {
    const messages: CentralisedMessage[] = [
      { kind: "report", records: [record, record] },
      { kind: "report", records: [] },
      { kind: "resync", facets: ["load", "links"], above: 12 },
    ];
    for (const message of messages) {
      expect(decodeCentralised(encodeCentralised(message))).toEqual({ ok: true, value: message });
    }
  });

  it("what is too large, or of another version, is refused by name", () => {
    const code = (bytes: Uint8Array) => {
      const read = decodeRecord(bytes);
      return read.ok ? "ok" : read.refusal.code;
    };
    expect(code(new Uint8Array(MAX_RECORD_BYTES + 1))).toBe("oversized");
    expect(code(Uint8Array.of(9, 1, 1))).toBe("unknown_version");
    expect(code(encodeRecord(record).slice(0, -1))).toBe("malformed");
  });

  it("no bytes make a decoder throw", () => {
    const facts = FACETS.map((facet) => (bytes: Uint8Array) => decodeFact(facet, bytes));
    const valid = encodeCentralised({ kind: "report", records: [record] });
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((edits) => {
        const bytes = valid.slice();
        for (const [at, value] of edits) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        for (const decode of [...facts, decodeRecord, decodeCentralised]) decode(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("text is UTF-8 as Node reads and writes it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const writer = new Writer();
        writer.text(1, text);
        const bytes = writer.finish();
        const reader = new Reader(bytes);
        reader.next();
        expect(Buffer.from(new Reader(bytes, 1).bad ? [] : reader.bytes()).toString("utf8")).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (raw) => {
        const writer = new Writer();
        writer.bytes(1, raw);
        const reader = new Reader(writer.finish());
        reader.next();
        const text = reader.text();
        let expected: string | null = null;
        try {
          expected = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
        } catch {
          // not UTF-8
        }
        expect(reader.bad ? null : text).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});
