import { MILLISECOND, type Micros, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { Scheduler, type TaskNeeds } from "@weft/scheduling";
import fc from "fast-check";
import { beforeEach, expect, it } from "vitest";
import { Desk, describeNode, sized } from "../testing/index.ts";
import { turnOf } from "./shares.ts";

/*
 * Consumers that wait for the same room, in a whole network on a desk under virtual time.
 */

const SHORT = { lasts: SECOND, ends: "finished" } as const;
let desk: Desk;

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.consumer("bob");
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const several = (account: string, count: number, needs: TaskNeeds): string[] =>
  Array.from({ length: count }, (_, i) => desk.submitted(`${account}-${i}`, needs, account));
it("whoever comes later does not wait for a hundred tasks of another", () => {
  desk.join(describeNode("corner", "ningbo", 8), SHORT);
  pass(100);
  const needs = sized(4e8); // five fit in the node's memory
  const first = several("ann", 100, needs);
  pass(1500);
  const second = several("bob", 10, needs);
  expect(second.map((id) => desk.phase(id))).toEqual(Array(10).fill("pending"));
  const told = turnOf(desk.manager.core, second[9]!, true, desk.now)!;
  expect(told).toMatchObject({ share: 0, resource: null, own: 9, promised: 0, ahead: [] });
  const late = turnOf(desk.manager.core, first[99]!, true, desk.now)!;
  expect(late.resource).toBe("memory");
  expect(late.share).toBeCloseTo((5 * 4e8) / 2 ** 31, 6);
  expect(late.ahead).toEqual([{ consumer: "bob", tasks: 10, share: 0, resource: null }]);
  // Two or three of the five places are bob's from now on: his ten are done after four or five rounds of a second.
  pass(6000);
  expect(second.map((id) => desk.phase(id))).toEqual(Array(10).fill("succeeded"));
  expect(first.filter((id) => desk.phase(id) === "succeeded").length).toBeLessThan(35);
  pass(25_000);
  expect(first.map((id) => desk.phase(id))).toEqual(Array(100).fill("succeeded"));
  expect(desk.manager.core.shares.of("ann")).toBe(0);
  expect(desk.manager.core.shares.of("bob")).toBe(0);
});

it("[M.F1] shares are after a restart what they were, and turns with them", () => {
  desk.join(describeNode("corner", "ningbo", 8), { ...SHORT, lasts: (4 * SECOND) as Micros });
  pass(100);
  const needs = sized(4e8);
  several("ann", 8, needs);
  pass(1000);
  const second = several("bob", 3, needs);
  const before = turnOf(desk.manager.core, second[2]!, true, desk.now);
  const share = desk.manager.core.shares.of("ann");
  desk.restartManager();
  pass(500);
  expect(desk.manager.core.shares.of("ann")).toBe(share);
  expect(turnOf(desk.manager.core, second[2]!, true, desk.now)).toEqual(before);
  pass(3500);
  expect(second.map((id) => desk.phase(id))).toEqual(Array(3).fill("running"));
});

it("priority orders a consumer's own tasks and gives no turn of another's", () => {
  desk.join(describeNode("corner", "ningbo", 8), SHORT);
  pass(100);
  const urgent = several("ann", 6, sized(9e8, { priority: 900 }));
  const [plain] = several("bob", 1, sized(9e8));
  pass(1200);
  expect(urgent.map((id) => desk.phase(id)).slice(0, 2)).toEqual(["succeeded", "succeeded"]);
  expect(desk.phase(plain!)).not.toBe("pending");
});

it("at equal priority nobody with a lower share and a fitting task is passed over", () => {
  const task = fc.record({
    whose: fc.nat(2),
    space: fc.constantFrom(2e8, 4e8, 9e8, 1.9e9),
    pause: fc.nat(150),
  });
  fc.assert(
    fc.property(fc.array(task, { minLength: 20, maxLength: 60, size: "max" }), (tasks) => {
      desk = new Desk(nodeCryptography, createSigner);
      desk.consumer("bob");
      desk.consumer("eve");
      desk.join(describeNode("corner", "ningbo", 8), SHORT);
      desk.join(describeNode("other", "ningbo", 8), { ...SHORT, lasts: (1.7 * SECOND) as Micros });
      pass(100);
      const { core } = desk.manager;
      const add = core.tasks.addRun.bind(core.tasks);
      const overtaking: string[] = [];
      core.tasks.addRun = (run) => {
        // Just before its consumer is charged for it, on the pool as it was before it was reserved.
        const before = core.pool.snapshot();
        before.release(core.reservations.get(run.view.id)!);
        const own = core.shares.of(desk.task(run.task).row.consumer);
        const scheduler = new Scheduler(before);
        for (const { row } of core.tasks.all) {
          const waits = row.progress.phase === "pending" && row.id !== run.task;
          if (!waits || core.shares.of(row.consumer) >= own) continue;
          if (scheduler.place(row.submission.needs, {}).outcome === "placed") overtaking.push(run.task);
        }
        return add(run);
      };
      tasks.forEach(({ whose, space, pause }, i) => {
        desk.submitted(`t${i}`, sized(space), ["ann", "bob", "eve"][whose]!);
        pass(pause);
      });
      pass(60_000);
      for (const { row } of core.tasks.all) expect(row.progress.phase).toBe("succeeded");
      for (const consumer of ["ann", "bob", "eve"]) expect(core.shares.of(consumer)).toBe(0);
      expect(overtaking).toEqual([]);
    }),
    { numRuns: 5 },
  );
});
