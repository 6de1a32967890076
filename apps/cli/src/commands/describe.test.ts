import type { NodeId } from "@weft/infrastructure";
import { after, type Micros, SECOND } from "@weft/kernel";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { begin, end, idOf, manager, onceThere, renew, weft } from "../testing/command-line.ts";

/*
 * What is told of one thing: its description, its reasons, its output, and the network at a glance.
 */

beforeAll(begin);
afterEach(renew);
afterAll(end);

it("logs show what was printed, control characters and all when it is no terminal", async () => {
  await weft("run", "-f", "task.yaml");
  manager.print(idOf("read-receipt"), "one\u001b[31m\ntwo\n");
  expect((await weft("logs", "read-receipt")).out).toBe("one\u001b[31m\ntwo\n");
  const following = weft("logs", "-f", "read-receipt", "--prefix");
  onceThere("read-receipt", () => {
    manager.print(idOf("read-receipt"), "three");
    manager.finish(idOf("read-receipt"));
  });
  expect((await following).out.split("\n").at(-2)).toBe("[task-1-1 stdout] three");
});

it("describe tells all that is known, and explain why", async () => {
  await weft("run", "-f", "task.yaml");
  manager.finish(idOf("read-receipt"));
  const { out } = await weft("describe", "task", "read-receipt");
  expect(out).toMatch(/^Name: +read-receipt$/m);
  expect(out).toMatch(/^Charged: +0\.00041 CNY$/m);
  expect(out).toMatch(/predicted: +141 ms \(in 56\.4 ms/);
  expect(out).toContain("work: 9.1 GFLOP");
  expect((await weft("describe", "node/pocket")).out).toMatch(/^Load: +-$/m);
  expect((await weft("describe", "link", "you>ningbo")).out).toMatch(/^Radio: +none, or it tells nothing$/m);
  const why = await weft("explain", "read-receipt");
  expect(why.out).toContain("placed on corner, path you > ningbo\nconsidered 3 nodes, 5 paths\n");
  expect(why.err).toMatch(/^decided .* ago\n$/);
});

it("describe says of a waiting task what its consumer holds and who goes before it", async () => {
  await weft("apply", "-f", "task.yaml");
  const task = manager.task({ account: "books", role: "consumer" }, "read-receipt");
  if (!task.ok) throw new Error(task.refusal.message);
  const bob = { consumer: "bob", tasks: 10, share: 0, resource: null };
  const turn = { share: 0.93, resource: "memory", own: 1, promised: 0, ahead: [bob] } as const;
  manager.change({ ...task.value, turn }, "waiting");
  const { out } = await weft("describe", "task", "read-receipt");
  expect(out).toMatch(
    /^Waits for room: +its consumer holds 93 % of memory; before it bob \(holds nothing, 10 tasks\), 1 task of its own$/m,
  );
});

it("describe says of a task that others pass over where a place is kept for it, and when it begins", async () => {
  await weft("apply", "-f", "task.yaml");
  const task = manager.task({ account: "books", role: "consumer" }, "read-receipt");
  if (!task.ok) throw new Error(task.refusal.message);
  const { submittedAt } = task.value;
  const at = (seconds: number) => after(submittedAt, (seconds * SECOND) as Micros);
  const place = {
    ...{ node: "corner" as NodeId, keptSince: at(-12), promised: at(30), expected: at(42) },
    ...{ latest: at(900), waitsFor: 2 },
  };
  const turn = { share: 0, resource: null, own: 0, promised: 0, ahead: [], place } as const;
  manager.change({ ...task.value, turn }, "waiting");
  const { out } = await weft("describe", "task", "read-receipt");
  expect(out).toMatch(
    /^Waits for room: +a place on corner is kept for it since \d+s, promised in \d+s: it waits for 2 runs that stood there before, expected to begin in \d+s, in 1[45]m at the latest$/m,
  );
  const { place: _, ...others } = turn;
  manager.change({ ...task.value, turn: { ...others, placeFrom: at(20) } }, "waiting");
  const early = await weft("describe", "task", "read-receipt");
  expect(early.out).toMatch(/its turn is next; a place may be kept for it in [12]\d(\.\d)?s$/m);
});

it("top prints once off a terminal", async () => {
  const { code, out } = await weft("top");
  expect(code).toBe(0);
  expect(out).toMatch(/^test · 2 of 3 nodes up · 2 tasks running · .* UTC\n\nNODE/);
});
