import {
  type Bytes,
  formatInstant,
  type Instant,
  MILLISECOND,
  type Micros,
  money,
  type Operations,
  Rng,
  SECOND,
} from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import type { TaskNeeds } from "@weft/scheduling";
import { beforeEach, expect, it } from "vitest";
import { Desk, describeNode, deskNeeds, START } from "../testing/index.ts";

/*
 * Places promised ahead, in a whole network on a desk under virtual time: what they are due, and what others are.
 */

const lasting = (seconds: number) => ({ lasts: (seconds * SECOND) as Micros, ends: "finished" }) as const;
const LONG = lasting(20);
let desk: Desk;

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  for (const name of ["bob", "eve"]) desk.consumer(name);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const offer = (name: string, needs: TaskNeeds, account = "ann") =>
  desk.submit(name, needs, money(100_000n), account);
const submitted = (name: string, needs: TaskNeeds, account = "ann"): string =>
  desk.submitted(name, needs, account, money(100_000n));
/** Two of them fill a node of the desk. */
const large = (change: Partial<TaskNeeds> = {}): TaskNeeds => {
  const needs = deskNeeds();
  return { ...needs, algorithm: { ...needs.algorithm, space: 9e8 as Bytes }, ...change };
};
/** The same, and so many seconds of work. */
const worth = (seconds: number, change: Partial<TaskNeeds> = {}): TaskNeeds => {
  const needs = large(change);
  return { ...needs, compute: { ...needs.compute, work: (seconds * 1e9) as Operations } };
};
const at = (seconds: number): Instant => (START + seconds * SECOND) as Instant;
/** When a run is counted as gone: twice what is predicted for it. */
const countedOut = (id: string): Instant => {
  const { launchedAt, view } = desk.task(id).runs[0]!;
  return (Math.ceil((launchedAt + 2 * view.predicted.total) / SECOND) * SECOND) as Instant;
};
const passUntil = (moment: Instant): void => desk.pass((moment - desk.now) as Micros);
/** The moment that a refusal names. */
const possible = (answer: ReturnType<typeof offer>): Instant => {
  if (answer.ok) throw new Error("not refused");
  const [moment] = answer.refusal.expected!.split(" ");
  return (Date.parse(moment!) * 1000) as Instant;
};

it("[M.R3] a moment a second ahead takes nobody's place: it is refused, and the refusal names the moment that would do", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const others = ["x", "y"].map((name) => submitted(name, worth(20), "bob"));
  pass(900);
  const soon = offer("soon", large({ startAt: at(2), priority: 1000 }));
  expect(soon).toMatchObject({
    ok: false,
    refusal: { code: "no_capacity", path: "spec.startAt", found: formatInstant(at(2)) },
  });
  expect(possible(soon)).toBe(countedOut(others[1]!));
  const then = submitted("then", large({ startAt: possible(soon) }));
  pass(90_000);
  expect([...others, then].map((id) => desk.phase(id))).toEqual(Array(3).fill("succeeded"));
  expect(others.map((id) => desk.task(id).runs.length)).toEqual([1, 1]);
  expect(desk.task(then).runs[0]!.launchedAt).toBe(possible(soon));
});

it("[M.R4] what takes longer than twice its forecast puts a promise made since off, and is not taken from its node", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(70));
  pass(100);
  const others = ["x", "y"].map((name) => submitted(name, worth(20), "bob"));
  pass(900);
  const moment = countedOut(others[1]!);
  const then = submitted("then", large({ startAt: moment }));
  passUntil(moment);
  pass(1000);
  expect([...others, then].map((id) => desk.phase(id))).toEqual(["running", "running", "pending"]);
  // Nor does anything that came since begin before it there.
  const since = submitted("since", large(), "eve");
  passUntil(at(71));
  expect([...others, then].map((id) => desk.phase(id))).toEqual(["succeeded", "succeeded", "running"]);
  expect(desk.phase(since)).toBe("running");
  expect(desk.task(then).runs).toHaveLength(1);
});

it("[M.R4] who waited when a promise was made is not held back by it, and the promise gets no turn before its own", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(20));
  pass(100);
  const whole = (seconds: number, change: Partial<TaskNeeds> = {}): TaskNeeds => {
    const needs = worth(seconds, change);
    return { ...needs, algorithm: { ...needs.algorithm, space: 1.9e9 as Bytes } };
  };
  const first = submitted("first", whole(10), "bob");
  pass(100);
  const waits = submitted("waits", whole(10), "eve");
  pass(100);
  const moment = countedOut(first);
  const then = submitted("then", whole(10, { startAt: moment }));
  passUntil(at(21));
  expect([first, waits].map((id) => desk.phase(id))).toEqual(["succeeded", "running"]);
  passUntil(moment);
  pass(1000);
  expect([waits, then].map((id) => desk.phase(id))).toEqual(["running", "pending"]);
  passUntil(at(42));
  expect([waits, then].map((id) => desk.phase(id))).toEqual(["succeeded", "running"]);
});

it("[M.R5] what comes after a promise begins on its node only where it is gone by then or fits beside, and else gives way", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const then = submitted("then", large({ startAt: at(30) }));
  pass(100);
  const beside = submitted("beside", worth(100), "bob");
  const long = submitted("long", worth(100), "bob");
  const short = submitted("short", large(), "bob");
  expect([beside, long, short].map((id) => desk.phase(id))).toEqual(["launched", "pending", "launched"]);
  expect(desk.manager.core.decided.get(long)!.decision).toMatchObject({
    refusal: { message: "what is free is kept for tasks that came before" },
  });
  pass(21_000);
  // A tenth of a second is what is known of such tasks; it takes twenty.
  const late = submitted("late", large(), "bob");
  expect(desk.phase(late)).toBe("launched");
  pass(10_000);
  expect(desk.task(then).runs[0]!.launchedAt).toBe(at(30));
  expect(desk.task(late).runs[0]).toMatchObject({
    view: { state: "lost", because: "preempted" },
    contract: { state: "cancelled", charged: null },
  });
  pass(100_000);
  for (const { row } of desk.manager.core.tasks.all) expect(row.progress.phase).toBe("succeeded");
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("[M.R3] a consumer's own tasks of lower priority, and only those, give way to its promise", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(100));
  pass(100);
  const [low, high] = [submitted("low", worth(100)), submitted("high", worth(100, { priority: 5 }))];
  pass(900);
  expect(offer("equal", large({ startAt: at(5) })).ok).toBe(false);
  const then = submitted("then", large({ startAt: at(5), priority: 5 }));
  expect(offer("more", large({ startAt: at(5), priority: 5 })).ok).toBe(false);
  pass(4500);
  expect([low, high, then].map((id) => desk.phase(id))).toEqual(["pending", "running", "running"]);
});

it("[M.R4] a promise of any priority leaves what was promised to another consumer", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const ours = ["a", "b"].map((name) => submitted(name, worth(20, { startAt: at(10) }), "bob"));
  pass(10_000);
  expect(ours.map((id) => desk.phase(id))).toEqual(["running", "running"]);
  expect(offer("above", large({ startAt: at(11), priority: 1000 })).ok).toBe(false);
  pass(40_000);
  expect(ours.map((id) => desk.task(id).runs.length)).toEqual([1, 1]);
});

it("[M.R1] accelerators and storage are promised once, too", () => {
  const gpu = { kind: "gpu", model: "m", memoryBytes: 8e9 as Bytes } as const;
  desk.join({ ...describeNode("corner", "ningbo", 8), accelerators: [gpu] }, LONG);
  pass(100);
  const { compute } = deskNeeds();
  const needs = (memoryBytes: number): TaskNeeds => ({
    ...deskNeeds(),
    compute: { ...compute, accelerator: { kind: "gpu", memoryBytes: memoryBytes as Bytes } },
    startAt: at(60),
  });
  submitted("a", needs(5e9));
  expect(offer("b", needs(5e9)).ok).toBe(false);
  submitted("c", needs(3e9));
  const stored = (capacity: number): TaskNeeds => {
    const plain = deskNeeds();
    return { ...plain, storage: { ...plain.storage, capacity: capacity as Bytes }, startAt: at(60) };
  };
  submitted("d", stored(6e9));
  expect(offer("e", stored(6e9)).ok).toBe(false);
});

it("where not all that a task could use is there by then, fewer lanes are promised", () => {
  desk.join(describeNode("corner", "ningbo", 4), lasting(30));
  pass(100);
  submitted("x", worth(100), "bob");
  pass(100);
  const all = worth(8, { startAt: at(20) });
  const then = submitted("then", {
    ...all,
    compute: { ...all.compute, lanes: Number.POSITIVE_INFINITY },
  });
  expect(desk.manager.core.ahead.of(then)).toMatchObject({ node: "corner", lanes: 2 });
  pass(21_000);
  expect(desk.task(then).runs[0]!.launchedAt).toBe(at(20));
});

it("what no node could serve is refused as what it is", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const cloud = large({ startAt: at(60), where: { ...large().where, tier: "cloud" } });
  expect(offer("cloud", cloud)).toMatchObject({ ok: false, refusal: { code: "no_suitable_node" } });
});

it("a plan for later says what would be promised, whatever runs now, and commits nothing", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  for (const name of ["x", "y"]) submitted(name, worth(20), "bob");
  pass(100);
  const { manager } = desk;
  expect(manager.plan(large(), desk.now).outcome).toBe("refused");
  expect(manager.plan(large({ startAt: at(5) }), desk.now)).toMatchObject({
    outcome: "refused",
    refusal: { path: "spec.startAt", expected: expect.stringContaining("or later") },
  });
  expect(manager.plan(large({ startAt: at(60) }), desk.now)).toMatchObject({
    outcome: "placed",
    node: "corner",
  });
  expect([...manager.core.ahead.nodes]).toEqual([]);
  const promised = ["a", "b"].map((name) => submitted(name, large({ startAt: at(60) })));
  expect(manager.plan(large({ startAt: at(60) }), desk.now).outcome).toBe("refused");
  const { needs } = desk.task(promised[0]!).row.submission;
  const asker = { consumer: "ann", task: promised[0]! };
  expect(manager.plan(needs, desk.now, asker)).toMatchObject({ outcome: "placed", node: "corner" });
});

it("of several tasks all are promised their places, or none is taken up", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const ann = { account: "ann", role: "consumer" } as const;
  const batch = (names: readonly string[]) =>
    desk.command({
      kind: "submit-batch",
      caller: ann,
      submissions: names.map((name) =>
        desk.submission(name, name === "now" ? large() : large({ startAt: at(60) }), money(100_000n)),
      ),
    });
  expect(batch(["now", "a", "b", "c"])).toMatchObject({
    ok: false,
    refusal: { path: "items[3].spec.startAt" },
  });
  expect([...desk.manager.core.tasks.all]).toEqual([]);
  expect(desk.store.state().documents.filter((row) => row.collection === "promises")).toEqual([]);
  expect(batch(["now", "a", "b"]).ok).toBe(true);
  expect([...desk.manager.core.tasks.all]).toHaveLength(3);
});

it("[M.R4] whatever is promised to whom, nobody's run gives way to a promise of another's that was made after it came", () => {
  let gaveWay = 0;
  for (let seed = 1; seed <= 5; seed++) {
    const rng = new Rng(seed);
    desk = new Desk(nodeCryptography, createSigner);
    for (const name of ["bob", "eve"]) desk.consumer(name);
    for (const node of ["n0", "n1", "n2"])
      desk.join(describeNode(node, "ningbo", 4), lasting(1 + rng.below(30)));
    pass(100);
    const consumers = ["ann", "bob", "eve"];
    for (let i = 0; i < 50; i++) {
      const needs = worth(1 + rng.below(20), rng.chance(0.3) ? { priority: rng.below(10) } : {});
      const space = rng.pick([2e8, 9e8, 1.9e9]) as Bytes;
      const later = rng.chance(0.4) ? { startAt: (desk.now + (1 + rng.below(60)) * SECOND) as Instant } : {};
      offer(`t${i}`, { ...needs, algorithm: { ...needs.algorithm, space }, ...later }, rng.pick(consumers));
      if (rng.chance(0.1)) desk.behave(rng.pick(["n0", "n1", "n2"]), lasting(1 + rng.below(60)));
      pass(rng.below(4000));
    }
    const tasks = [...desk.manager.core.tasks.all];
    const open = () => tasks.some(({ row }) => row.progress.phase !== "succeeded");
    for (let s = 0; s < 40 && open(); s++) pass(15_000);
    for (const victim of tasks) {
      const told = desk.logs.filter((line) => line.startsWith(`${victim.row.id} gave way`));
      for (const [i, run] of victim.runs.filter(({ view }) => view.because === "preempted").entries()) {
        if (!told[i]!.endsWith("a task of another consumer")) continue;
        const cameThen = tasks.filter(
          ({ row, runs }) =>
            row.consumer !== victim.row.consumer &&
            runs.some((one) => one.view.node === run.view.node && one.launchedAt === run.contract.closedAt),
        );
        const toPromise = cameThen.filter(({ row }) => row.submission.needs.startAt !== undefined);
        // To a place kept for who waited too long, whatever came since gives way.
        if (toPromise.length < cameThen.length || cameThen.length === 0) continue;
        gaveWay++;
        expect(victim.row.submission.needs.startAt, `seed ${seed} ${victim.row.id}`).toBeUndefined();
        const since = Math.min(...toPromise.map(({ row }) => row.submittedAt));
        expect(victim.row.submittedAt, `seed ${seed} ${victim.row.id}`).toBeGreaterThan(since);
      }
    }
    expect(desk.manager.core.pool.reservations, `seed ${seed}`).toBe(0);
    for (const { row } of tasks) expect(row.progress.phase, `seed ${seed} ${row.id}`).toBe("succeeded");
  }
  expect(gaveWay).toBeGreaterThan(0);
});

it("[M.R1] a place promised ahead is there at its moment, and no more is promised than there is", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const promised = ["a", "b"].map((name) => submitted(name, large({ startAt: at(60) })));
  expect(desk.submit("c", large({ startAt: at(60) }))).toMatchObject({
    ok: false,
    refusal: { code: "no_capacity", path: "spec.startAt" },
  });
  expect(desk.submit("d", large({ startAt: at(7200) }))).toMatchObject({
    ok: false,
    refusal: { code: "E_ORDER_EXPIRED" },
  });
  pass(55_000);
  expect(promised.map((id) => desk.phase(id))).toEqual(["pending", "pending"]);
  // Whoever has no promise may use the node until then, whatever its priority.
  const others = ["x", "y"].map((name) => submitted(name, large({ priority: 1000 })));
  expect(others.map((id) => desk.phase(id))).toEqual(["launched", "launched"]);
  desk.restartManager();
  pass(6000);
  expect(promised.map((id) => desk.task(id).runs.length)).toEqual([1, 1]);
  expect(promised.map((id) => desk.task(id).runs[0]!.launchedAt)).toEqual([at(60), at(60)]);
  expect(others.map((id) => desk.phase(id))).toEqual(["pending", "pending"]);
  pass(60_000);
  expect([...promised, ...others].map((id) => desk.phase(id))).toEqual(Array(4).fill("succeeded"));
  expect(desk.store.state().documents.filter((row) => row.collection === "promises")).toEqual([]);
});

it("[M.R2] a promise that is given up is free for others", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const [a] = ["a", "b"].map((name) => submitted(name, large({ startAt: at(60) })));
  const ann = { account: "ann", role: "consumer" } as const;
  expect(desk.command({ kind: "cancel", caller: ann, task: a! }).ok).toBe(true);
  expect(desk.phase(a!)).toBe("cancelled");
  submitted("c", large({ startAt: at(60) }));
  expect(desk.submit("d", large({ startAt: at(60) })).ok).toBe(false);
  submitted("e", large({ startAt: at(10) }));
});
