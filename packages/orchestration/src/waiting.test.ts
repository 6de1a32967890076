import type { Instant } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Waiting } from "./waiting.ts";

/*
 * Against a model that is obviously right: of all tasks whose like has not been tried since there was room, the least by
 * (share, rank, order of submission).
 */

interface Model {
  readonly task: string;
  readonly consumer: string | null;
  readonly rank: number;
  readonly shape: string;
  readonly serial: number;
}

const lineOf = ({ consumer, shape }: Model): string => `${consumer} ${shape}`;

it("[O5.1] the turn is that of the least share, rank and age among what has not been tried", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(3), shape: fc.nat(4), rank: fc.nat(2), again: fc.boolean() }),
    fc.record({ remove: fc.nat(30) }),
    fc.record({ share: fc.nat(3), is: fc.nat(5) }),
    fc.constant({ room: true }),
    fc.record({ fits: fc.boolean(), what: fc.constantFrom("shape" as const, "line" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const shares = new Map<string, number>();
      const shareOf = (consumer: string | null): number =>
        consumer === null ? -1 : (shares.get(consumer) ?? 0);
      const waiting = new Waiting(shareOf);
      let tasks: Model[] = [];
      const triedLines = new Set<string>();
      const stuck = new Set<string>();
      const urgent = new Set<string>();
      let serial = 0;
      const best = (): Model[] => {
        const open = tasks.filter(
          (one) => !triedLines.has(lineOf(one)) && (!stuck.has(one.shape) || urgent.has(lineOf(one))),
        );
        const least = Math.min(...open.map(({ consumer }) => shareOf(consumer)));
        const leaders = open.filter(({ consumer }) => shareOf(consumer) === least);
        // Of consumers of equal share either may go; of one consumer only one task.
        return leaders.filter((one) =>
          leaders.every(
            (other) =>
              other.consumer !== one.consumer ||
              other.rank < one.rank ||
              (other.rank === one.rank && other.serial >= one.serial),
          ),
        );
      };
      const leave = (gone: string): void => {
        tasks = tasks.filter(({ task }) => task !== gone);
        for (const line of triedLines)
          if (!tasks.some((one) => lineOf(one) === line)) triedLines.delete(line);
        for (const line of urgent) if (!tasks.some((one) => lineOf(one) === line)) urgent.delete(line);
        for (const shape of stuck) if (!tasks.some((one) => one.shape === shape)) stuck.delete(shape);
      };
      for (const one of steps) {
        if ("add" in one) {
          const consumer = one.add === 3 ? null : `c${one.add}`;
          const task = `t${serial}`;
          const shape = `s${one.shape}/${one.rank}`; // a shape includes the rank
          waiting.add(task, { consumer, rank: one.rank }, shape, serial, 0 as Instant, one.again);
          tasks.push({ task, consumer, rank: one.rank, shape, serial });
          serial++;
          if (!one.again) continue;
          const line = `${consumer} ${shape}`;
          urgent.add(line);
          triedLines.delete(line);
        } else if ("remove" in one) {
          waiting.remove(`t${one.remove}`);
          leave(`t${one.remove}`);
        } else if ("share" in one) {
          shares.set(`c${one.share}`, one.is);
          waiting.weigh(`c${one.share}`);
        } else if ("room" in one) {
          waiting.room();
          triedLines.clear();
          stuck.clear();
          urgent.clear();
        }
        const candidates = best().map(({ task }) => task);
        const turn = waiting.next();
        if (candidates.length === 0) expect(turn).toBeNull();
        else expect(candidates).toContain(turn);
        expect(waiting.size).toBe(tasks.length);
        if (!("fits" in one) || turn === null) continue;
        if (one.fits) {
          waiting.remove(turn);
          leave(turn);
        } else {
          const tried = tasks.find(({ task }) => task === turn)!;
          waiting.unfit(turn, one.what);
          triedLines.add(lineOf(tried));
          urgent.delete(lineOf(tried));
          if (one.what === "shape") stuck.add(tried.shape);
        }
      }
    }),
    { numRuns: 150 },
  );
});

it("says who goes before a task", () => {
  const shares = new Map([
    ["ann", 0.5],
    ["bob", 0.25],
    ["eve", 0.75],
  ]);
  const waiting = new Waiting((consumer) => shares.get(consumer) ?? 0);
  ["ann", "bob", "bob", "eve", "ann", "ann"].forEach((consumer, serial) => {
    waiting.add(`t${serial}`, { consumer, rank: serial === 5 ? 1 : 0 }, `s${serial}`, serial, 0 as Instant);
  });
  expect(waiting.before("t4")).toEqual({ consumers: [{ consumer: "bob", tasks: 2 }], own: 2 });
  expect(waiting.before("t5")).toEqual({ consumers: [{ consumer: "bob", tasks: 2 }], own: 0 });
  expect(waiting.before("gone")).toBeNull();
});
