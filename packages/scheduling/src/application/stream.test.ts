import fc from "fast-check";
import { expect, it } from "vitest";
import { streamStarts, WAITING_BETWEEN } from "./stream.ts";

/** A tick at a time: what has ended leaves its stage, then every stage that may takes its next input. */
function simulated(turns: readonly number[], inputs: number): number[][] {
  const ended = turns.map(() => 0);
  const busyUntil = turns.map(() => -1);
  const starts: number[][] = turns.map(() => []);
  for (let now = 0; ended.at(-1)! < inputs; now++) {
    turns.forEach((_, s) => {
      if (busyUntil[s] === now) ended[s]!++;
    });
    turns.forEach((turn, s) => {
      const next = starts[s]!.length;
      const free = ended[s] === next;
      const there = s === 0 ? next < inputs : next < ended[s - 1]!;
      const ahead = s + 1 < turns.length && next > ended[s + 1]! + WAITING_BETWEEN;
      if (!free || !there || ahead) return;
      starts[s]!.push(now);
      busyUntil[s] = now + turn;
    });
  }
  return starts;
}

const turnsOf = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });

it("[S.1] [S.2] [S.3] stages take inputs when a simulation that knows only the rules has them do so", () => {
  fc.assert(
    fc.property(turnsOf, fc.integer({ min: 1, max: 12 }), (turns, inputs) => {
      expect([...streamStarts(turns, inputs)]).toEqual(simulated(turns, inputs).flat());
    }),
  );
});

it("the last result comes as many of the longest turns after the first as there are more inputs", () => {
  fc.assert(
    fc.property(turnsOf, fc.integer({ min: 1, max: 40 }), (turns, inputs) => {
      const first = turns.reduce((sum, turn) => sum + turn, 0);
      const last = streamStarts(turns, inputs).at(-1)! + turns.at(-1)!;
      expect(last).toBe(first + (inputs - 1) * Math.max(...turns));
    }),
  );
});
