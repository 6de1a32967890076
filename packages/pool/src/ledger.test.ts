import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Claim, ReservationId } from "./claim.ts";
import { blankClaim, Ledger } from "./ledger.ts";

const whole = fc.integer({ min: 0, max: 2 ** 31 }).map((value) => value * 1_000);
const links = fc.array(fc.nat(5_000), { maxLength: 20 });
const claims: fc.Arbitrary<Claim> = fc.record({
  node: fc.nat(3),
  type: fc.nat(2),
  rate: whole,
  memory: whole,
  storage: whole,
  throughput: whole,
  deviceKind: fc.integer({ min: -1, max: 1 }),
  deviceMemory: whole,
  deviceCount: fc.nat(4),
  service: fc.option(fc.constantFrom("ocr", "scan", "multiply")),
  linksIn: links,
  linksOut: links,
  bandwidthIn: whole,
  bandwidthOut: whole,
  basedOn: whole,
});
/** A claim with the devices it took, or the end of the `end`-th that stands. */
const steps = fc.array(
  fc.oneof(
    fc.record({ claim: claims, devices: fc.array(fc.nat(7), { maxLength: 2 }) }),
    fc.record({ end: fc.nat(50) }),
  ),
  { maxLength: 80, size: "max" },
);

function read(ledger: Ledger, id: ReservationId): Claim | null {
  const claim = blankClaim();
  return ledger.read(id, claim) ? claim : null;
}

describe("the ledger", () => {
  it("has what was added, to the last link, until it ends, whatever else comes and goes; no id comes back", () => {
    fc.assert(
      fc.property(steps, (course) => {
        const ledger = new Ledger();
        const standing = new Map<ReservationId, { claim: Claim; devices: readonly number[] }>();
        const ended = new Set<ReservationId>();
        // One record serves for all readings, as it does in the pool.
        const record = blankClaim();
        for (const step of course) {
          if ("end" in step) {
            const id = [...standing.keys()][step.end];
            if (id === undefined) continue;
            ledger.remove(id);
            standing.delete(id);
            ended.add(id);
            continue;
          }
          const id = ledger.add(step.claim, step.devices);
          expect(standing.has(id) || ended.has(id)).toBe(false);
          standing.set(id, step);
        }
        for (const [id, { claim, devices }] of standing) {
          expect(ledger.read(id, record)).toBe(true);
          expect(record).toEqual(claim);
          expect(ledger.devicesOf(id)).toEqual(devices);
        }
        for (const id of ended) expect(ledger.read(id, record)).toBe(false);
        expect(ledger.size).toBe(standing.size);
        const onNode = [...standing.values()].filter(
          ({ claim }) => claim.node === 1 && claim.service === "ocr",
        );
        expect(ledger.countOf(1, "ocr")).toBe(onNode.length);
      }),
    );
  });

  it("goes on alone as a copy", () => {
    fc.assert(
      fc.property(claims, claims, claims, (first, second, third) => {
        const ledger = new Ledger();
        const [a, b] = [ledger.add(first, [1]), ledger.add(second, [])];
        const copy = ledger.copy();
        copy.remove(a);
        const c = copy.add(third, []);
        expect([read(ledger, a), read(ledger, b), read(ledger, c)]).toEqual([first, second, null]);
        expect([read(copy, a), read(copy, b), read(copy, c)]).toEqual([null, second, third]);
        expect([ledger.devicesOf(a), ledger.size, copy.size]).toEqual([[1], 2, 2]);
      }),
    );
  });
});
