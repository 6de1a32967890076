import type { SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Instant, Micros } from "@weft/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinkEstimator } from "./link-estimator.ts";

const [here, there] = ["here", "there"] as SiteId[] as [SiteId, SiteId];
const at = (us: number) => us as Instant;
const estimator = () =>
  new LinkEstimator({ from: here, to: there, security: "open", timeout: 1000 as Micros, downAfter: 3 });

describe("LinkEstimator", () => {
  it("knows nothing before the first answer, and says so", () => {
    const link = estimator();
    link.sent(0, at(0));
    const [state, back] = link.states(at(10), null);
    expect(state).toMatchObject({ from: here, to: there, up: false, delay: null, jitter: null, loss: null });
    expect(state).toMatchObject({ capacity: null, bitErrorRate: null, radio: null, at: 10 });
    expect(back).toMatchObject({ from: there, to: here });
  });

  it("takes half the least round trip for the delay, and RFC 3550's mean deviation for the jitter", () => {
    const link = estimator();
    [100, 300, 140].forEach((roundTrip, sequence) => {
      link.sent(sequence, at(sequence * 10_000));
      link.answered(sequence, at(sequence * 10_000 + roundTrip));
    });
    const [state] = link.states(at(0), null);
    expect(state).toMatchObject({ up: true, delay: 50, jitter: Math.round(200 + (160 - 200) / 16), loss: 0 });
  });

  it("believes a rise after six longer round trips in a row, not after a few, and a fall at once", () => {
    const link = new LinkEstimator({
      from: here,
      to: there,
      security: "open",
      timeout: 1e6 as Micros,
      downAfter: 3,
    });
    let sequence = 0;
    const delayAfter = (...roundTrips: readonly number[]): number | null => {
      for (const roundTrip of roundTrips) {
        const sentAt = ++sequence * 1e6;
        link.sent(sequence, at(sentAt));
        link.answered(sequence, at(sentAt + roundTrip));
      }
      return link.states(at(0), null)[0].delay;
    };
    expect(delayAfter(4000, 4200, 4100, 4000, 4000, 4000, 4000)).toBe(2000);
    expect(delayAfter(90_000, 90_000, 91_000, 90_000, 92_000)).toBe(2000);
    expect(delayAfter(91_000)).toBe(45_000);
    expect(delayAfter(4100)).toBe(2050);
    // Half as much again is within what a busy processor adds, and so is a millisecond.
    expect(delayAfter(6000, 6000, 6000, 6000, 6000, 6000)).toBe(2050);
  });

  it("is down after so many losses in a row, up again at the next answer, and then forgets the old way", () => {
    const link = estimator();
    link.sent(0, at(0));
    link.answered(0, at(100));
    for (const sequence of [1, 2, 3]) link.sent(sequence, at(sequence));
    link.expire(at(1002));
    expect(link.up).toBe(true);
    expect(link.missesInARow).toBe(2);
    link.expire(at(1003));
    expect(link.up).toBe(false);
    expect(link.states(at(0), null)[0]).toMatchObject({ up: false, delay: null });
    link.sent(4, at(2000));
    link.answered(4, at(2500));
    expect(link.states(at(0), null)[0]).toMatchObject({ up: true, delay: 250 });
  });

  it("an answer that is late, doubled or to nobody counts for nothing", () => {
    const link = estimator();
    link.answered(7, at(5));
    link.sent(0, at(0));
    link.answered(0, at(1000));
    expect(link.up).toBe(false);
    link.sent(1, at(2000));
    link.answered(1, at(2100));
    link.answered(1, at(2200));
    expect(link.states(at(0), null)[0]).toMatchObject({ delay: 50, jitter: null });
  });

  it("keeps each direction's rate, and what it knew where a transfer told nothing", () => {
    const link = estimator();
    link.carried({ there: 5 as BitsPerSecond, back: 7 as BitsPerSecond });
    link.carried({ there: null, back: 9 as BitsPerSecond });
    expect(link.states(at(0), null).map(({ capacity }) => capacity)).toEqual([5, 9]);
  });

  it("counts every probe once, whatever order things happen in", () => {
    const fate = fc.record({ answered: fc.boolean(), after: fc.integer({ min: 1, max: 1500 }) });
    fc.assert(
      fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), (fates) => {
        const link = estimator();
        const events = fates.flatMap(({ answered, after }, sequence) => [
          { at: sequence * 100, do: () => link.sent(sequence, at(sequence * 100)) },
          ...(answered
            ? [{ at: sequence * 100 + after, do: () => link.answered(sequence, at(sequence * 100 + after)) }]
            : []),
        ]);
        for (const event of events.sort((a, b) => a.at - b.at)) event.do();
        link.expire(at(1e9));
        const lost = fates.filter(({ answered, after }) => !answered || after >= 1000).length / fates.length;
        const [state] = link.states(at(0), null);
        expect(1 - (1 - (state.loss as number)) ** 2).toBeCloseTo(lost, 9);
      }),
    );
  });
});
