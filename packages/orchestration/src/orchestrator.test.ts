import type { NodeId } from "@weft/infrastructure";
import { type Instant, refuse } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Intention, MOST_ATTEMPTS, type Observation, Orchestrator } from "./orchestrator.ts";

const NOW = 0 as Instant;
const LATER = 1_000 as Instant;
const NODE = "n1" as NodeId;
const full = refuse("no_capacity", "nothing free").refusal;
const submitted = (task: string, shape = "s"): Observation => ({
  kind: "submitted",
  task,
  turn: { consumer: "ann", rank: 0 },
  shape,
  giveUpAt: LATER,
});
const lost = { kind: "lost", because: "node_silent", detail: "unheard" } as const;

it("[O4.3] a run lost with its node is placed again, avoiding that node, at most five times", () => {
  const orchestrator = new Orchestrator();
  let intentions = orchestrator.handle(NOW, submitted("t"));
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    expect(intentions).toMatchObject([{ kind: "place", task: "t", attempt }]);
    orchestrator.handle(NOW, {
      kind: "placed",
      task: "t",
      run: `r${attempt}`,
      node: `n${attempt}` as NodeId,
    });
    intentions = orchestrator.handle(NOW, { kind: "ended", task: "t", run: `r${attempt}`, end: lost });
  }
  expect(intentions).toMatchObject([{ kind: "fail", task: "t", refusal: { code: "node_silent" } }]);
});

it("[O4.2] a lost run that finishes late changes nothing", () => {
  const orchestrator = new Orchestrator();
  orchestrator.handle(NOW, submitted("t"));
  orchestrator.handle(NOW, { kind: "placed", task: "t", run: "r1", node: NODE });
  orchestrator.handle(NOW, { kind: "ended", task: "t", run: "r1", end: lost });
  orchestrator.handle(NOW, { kind: "placed", task: "t", run: "r2", node: NODE });
  expect(
    orchestrator.handle(NOW, { kind: "ended", task: "t", run: "r1", end: { kind: "finished" } }),
  ).toEqual([]);
  expect(
    orchestrator.handle(NOW, { kind: "ended", task: "t", run: "r2", end: { kind: "finished" } }),
  ).toEqual([{ kind: "succeed", task: "t", run: "r2" }]);
});

it("[O4.4] a program that fails by itself is not tried again", () => {
  const orchestrator = new Orchestrator();
  orchestrator.handle(NOW, submitted("t"));
  orchestrator.handle(NOW, { kind: "placed", task: "t", run: "r", node: NODE });
  const end = { kind: "failed", because: "program_failed", detail: "exit code 3" } as const;
  expect(orchestrator.handle(NOW, { kind: "ended", task: "t", run: "r", end })).toMatchObject([
    { kind: "fail" },
  ]);
});

it("[O4.5] tasks of one shape wait in line; one that fits lets the next be tried", () => {
  const orchestrator = new Orchestrator();
  expect(orchestrator.handle(NOW, submitted("a"))).toMatchObject([{ kind: "place", task: "a" }]);
  orchestrator.handle(NOW, { kind: "unplaced", task: "a", refusal: full, what: "shape" });
  expect(orchestrator.handle(NOW, submitted("b"))).toEqual([]);
  expect(orchestrator.handle(NOW, submitted("c", "other"))).toMatchObject([{ kind: "place", task: "c" }]);
  expect(orchestrator.handle(NOW, { kind: "room" })).toEqual([]); // one at a time
  const unfit = { kind: "unplaced", task: "c", refusal: full, what: "shape" } as const;
  expect(orchestrator.handle(NOW, unfit)).toMatchObject([{ kind: "place", task: "a" }]);
  expect(orchestrator.handle(NOW, { kind: "placed", task: "a", run: "r", node: NODE })).toMatchObject([
    { kind: "place", task: "b" },
  ]);
});

it("[O4.6] a task still waiting when its order ends fails with the last reason", () => {
  const orchestrator = new Orchestrator();
  orchestrator.handle(NOW, submitted("t"));
  orchestrator.handle(NOW, { kind: "unplaced", task: "t", refusal: full, what: "shape" });
  expect(orchestrator.wakeAt).toBe(LATER);
  expect(orchestrator.wake(LATER)).toEqual([{ kind: "fail", task: "t", refusal: full }]);
  expect(orchestrator.waiting).toBe(0);
});

it("lines that stand still are known by since when, and their favoured task is tried before all others", () => {
  const orchestrator = new Orchestrator((consumer) => (consumer === "rich" ? 1 : 0));
  const at = (micros: number) => (NOW + micros) as Instant;
  const submit = (task: string, consumer: string, shape: string, when: number) =>
    orchestrator.handle(at(when), { ...submitted(task, shape), turn: { consumer, rank: 0 } } as Observation);
  const unfit = (task: string) =>
    orchestrator.handle(at(9), { kind: "unplaced", task, refusal: full, what: "shape" });
  submit("large", "rich", "l", 0);
  unfit("large");
  submit("a", "poor", "s", 1);
  submit("b", "poor", "s", 2);
  orchestrator.handle(at(5), { kind: "placed", task: "a", run: "r", node: NODE });
  unfit("b");
  expect(orchestrator.stuckSince(at(4))).toEqual([
    { task: "large", consumer: "rich", rank: 0, since: at(0) },
  ]);
  expect(orchestrator.stuckSince(at(5)).map(({ task, since }) => [task, since])).toEqual([
    ["large", at(0)],
    ["b", at(5)],
  ]);
  expect(orchestrator.handle(at(9), { kind: "room" })).toMatchObject([{ task: "b" }]);
  unfit("b");
  unfit("large");
  orchestrator.handle(at(9), { kind: "favoured", task: "large" });
  expect(orchestrator.before("b")?.consumers).toEqual([{ consumer: null, tasks: 1 }]);
  expect(orchestrator.stuckSince(at(9)).map(({ task }) => task)).toEqual(["b"]);
  expect(orchestrator.handle(at(9), { kind: "room" })).toMatchObject([{ task: "large" }]);
  unfit("large");
  unfit("b");
  orchestrator.handle(at(9), { kind: "favoured", task: null });
  expect(orchestrator.stillSince("large")).toBe(at(0));
  expect(orchestrator.handle(at(9), { kind: "room" })).toMatchObject([{ task: "b" }]);
});

it("cancelling stops the live run, and a waiting task leaves its line", () => {
  const orchestrator = new Orchestrator();
  orchestrator.handle(NOW, submitted("a"));
  orchestrator.handle(NOW, { kind: "placed", task: "a", run: "r", node: NODE });
  expect(orchestrator.handle(NOW, { kind: "cancelled", task: "a" }).map((i) => i.kind)).toEqual([
    "stop",
    "cancel",
  ]);
  orchestrator.handle(NOW, submitted("b"));
  expect(orchestrator.handle(NOW, { kind: "cancelled", task: "b" }).map((i) => i.kind)).toEqual(["cancel"]);
  expect(orchestrator.waiting).toBe(0);
});

it("[O4.1] whatever happens, every task ends exactly once and never runs twice at a time", () => {
  const step = fc.tuple(fc.nat(7), fc.nat(6));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const orchestrator = new Orchestrator();
      const ended = new Map<string, number>();
      const live = new Map<string, string>();
      const placing = new Set<string>();
      let serial = 0;
      const take = (intentions: readonly Intention[]): void => {
        for (const intention of intentions) {
          if (intention.kind === "place") {
            expect(live.has(intention.task)).toBe(false);
            placing.add(intention.task);
          } else if (intention.kind === "stop") live.delete(intention.task);
          else {
            ended.set(intention.task, (ended.get(intention.task) ?? 0) + 1);
            placing.delete(intention.task);
          }
        }
      };
      const names = Array.from({ length: 8 }, (_, i) => `t${i}`);
      const known = new Set<string>();
      for (const [which, what] of steps) {
        const task = names[which]!;
        if (!known.has(task)) {
          known.add(task);
          take(orchestrator.handle(NOW, submitted(task, `s${which % 3}`)));
        } else if (placing.has(task) && what < 2) {
          placing.delete(task);
          if (what === 0)
            take(orchestrator.handle(NOW, { kind: "unplaced", task, refusal: full, what: "shape" }));
          else {
            const run = `r${serial++}`;
            live.set(task, run);
            take(orchestrator.handle(NOW, { kind: "placed", task, run, node: NODE }));
          }
        } else if (live.has(task) && what < 4) {
          const run = live.get(task)!;
          live.delete(task);
          const end = what < 3 ? lost : ({ kind: "finished" } as const);
          take(orchestrator.handle(NOW, { kind: "ended", task, run, end }));
        } else if (what === 4 && !placing.has(task)) {
          take(orchestrator.handle(NOW, { kind: "cancelled", task }));
          live.delete(task);
        } else if (what >= 5) {
          take(orchestrator.handle(NOW, { kind: "favoured", task: what === 5 ? task : null }));
        } else take(orchestrator.handle(NOW, { kind: "room" }));
      }
      take(orchestrator.wake(LATER));
      for (const [task, run] of live) {
        take(orchestrator.handle(LATER, { kind: "ended", task, run, end: { kind: "finished" } }));
      }
      for (const task of known) expect(ended.get(task)).toBe(1);
      expect(orchestrator.wakeAt).toBe(Number.MAX_SAFE_INTEGER);
    }),
  );
});
