import { Rng } from "@weft/kernel";
import { afterEach, expect, it } from "vitest";
import { nowMicros, Timeline } from "./timeline.ts";

let timeline: Timeline;
afterEach(() => timeline.close());

it("does everything in order of time, never early, equal times in the order they were set", async () => {
  timeline = new Timeline();
  const rng = new Rng(3);
  const start = nowMicros() + 1000;
  const due = Array.from({ length: 400 }, () => start + 100 * rng.below(200));
  const done: { at: number; index: number; early: number }[] = [];
  await new Promise<void>((resolve) => {
    due.forEach((at, index) => {
      timeline.do(at, () => {
        done.push({ at, index, early: at - nowMicros() });
        if (done.length === due.length) resolve();
      });
    });
  });
  const sorted = due.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at || a.index - b.index);
  expect(done.map(({ index }) => index)).toEqual(sorted.map(({ index }) => index));
  expect(Math.max(...done.map(({ early }) => early))).toBeLessThanOrEqual(20);
});

it("wakes for something earlier than what it sleeps for, and for what a deed sets", async () => {
  timeline = new Timeline();
  const order: string[] = [];
  const start = nowMicros();
  await new Promise<void>((resolve) => {
    timeline.do(start + 40_000, () => {
      order.push("late");
      resolve();
    });
    timeline.do(start + 5_000, () => {
      order.push("early");
      timeline.do(start + 5_000, () => order.push("at once"));
    });
  });
  expect(order).toEqual(["early", "at once", "late"]);
});
