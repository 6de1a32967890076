import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Instant } from "@weft/kernel";
import type { LogLine } from "@weft/service-http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TaskLogs } from "./task-logs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const line = (text: string) => ({ run: "r", at: 0 as Instant, stream: "stdout" as const, text });

async function read(logs: TaskLogs, task: string, after = 0): Promise<string[]> {
  const lines: LogLine[] = [];
  let ends = 0;
  await logs.read(task, false, { after, follow: false, tell: (one) => lines.push(one), end: () => ends++ });
  expect(ends).toBe(1);
  return lines.map((one) => `${one.serial} ${one.text}`);
}

it("gives the lines of one task in order, from where the reader was", async () => {
  const logs = new TaskLogs(folder);
  logs.add("a", line("one\ntwo\n"));
  logs.add("b", line("other"));
  logs.add("a", line("three"));
  expect(await read(logs, "a")).toEqual(["1 one", "2 two", "3 three"]);
  expect(await read(logs, "a", 2)).toEqual(["3 three"]);
  await logs.close();
});

it("a follower hears what comes until the task ends", async () => {
  const logs = new TaskLogs(folder);
  const heard: string[] = [];
  let ended = false;
  const reading = {
    after: 0,
    follow: true,
    tell: (one: LogLine) => heard.push(one.text),
    end: () => {
      ended = true;
    },
  };
  await logs.read("a", false, reading);
  logs.add("a", line("one"));
  logs.end("a");
  logs.add("a", line("late"));
  expect([heard, ended]).toEqual([["one"], true]);
  await logs.close();
});

it("what was printed before a restart is still there", async () => {
  const before = new TaskLogs(folder);
  before.add("a", line("one"));
  before.add("ab", line("not mine"));
  await before.close();
  const after = new TaskLogs(folder);
  expect(await read(after, "a")).toEqual(["1 one"]);
  expect(await read(after, "nobody")).toEqual([]);
  await after.close();
});
