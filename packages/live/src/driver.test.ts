import { type Instant, type Machine, NEVER } from "@weft/kernel";
import { expect, it, vi } from "vitest";
import { liveClock } from "./clock.ts";
import { Driver } from "./driver.ts";

/** Rings once, ten milliseconds after each input. */
class Echo implements Machine<string, string> {
  wakeAt: Instant = NEVER;
  handle(now: Instant, input: string): readonly string[] {
    this.wakeAt = (now + 10_000) as Instant;
    return [`heard ${input}`];
  }
  wake(now: Instant): readonly string[] {
    expect(now).toBeGreaterThanOrEqual(this.wakeAt);
    this.wakeAt = NEVER;
    return ["rang"];
  }
}

it("performs outputs in order and rings at the machine's deadline", async () => {
  const performed: string[] = [];
  const rang = new Promise<void>((resolve) => {
    const driver = new Driver(new Echo(), liveClock(), (outputs) => {
      performed.push(...outputs);
      if (outputs.includes("rang")) {
        driver.close();
        driver.handle("ignored");
        resolve();
      }
    });
    driver.handle("a");
    driver.handle("b");
  });
  await rang;
  expect(performed).toEqual(["heard a", "heard b", "rang"]);
});

it("a clock never runs backwards", () => {
  const clock = liveClock();
  let last = clock();
  for (let i = 0; i < 10_000; i++) {
    const now = clock();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});

it("follows the wall clock over the sleep of the machine, but no small step and none back", () => {
  const wall = vi.spyOn(Date, "now");
  try {
    const began = 1_800_000_000_000;
    wall.mockReturnValue(began);
    const clock = liveClock();
    const since = (): number => (clock() / 1000 - began) / 1000;
    wall.mockReturnValue(began + 30_000);
    expect(since()).toBeLessThan(20);
    wall.mockReturnValue(began + 3_600_000);
    expect(since()).toBeGreaterThanOrEqual(3_600);
    wall.mockReturnValue(began);
    expect(since()).toBeGreaterThanOrEqual(3_600);
  } finally {
    wall.mockRestore();
  }
});
