import type { Ratio } from "@weft/kernel";
import { expect, it } from "vitest";
import { availability } from "./availability.ts";

const at = (hour: number, minute = 0) => new Date(2026, 0, 1, hour, minute);

it("keeps to the owner's hours, over midnight too", () => {
  const night = { hours: "22:00-07:00", batteryAtLeast: 0 };
  const accepting = (rules: typeof night, hour: number) =>
    availability(rules, false, at(hour), null).accepting;
  expect([21, 22, 23, 0, 6, 7].map((hour) => accepting(night, hour))).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
  ]);
  const day = { hours: "08:00-18:00", batteryAtLeast: 0 };
  expect([7, 8, 17, 18].map((hour) => accepting(day, hour))).toEqual([false, true, true, false]);
});

it("spares the battery, and says so; mains power is never spared", () => {
  const rules = { hours: null, batteryAtLeast: 1 };
  expect(availability(rules, false, at(1), 0.4 as Ratio)).toEqual({
    accepting: false,
    because: "battery at 40 %",
  });
  expect(availability(rules, false, at(1), null).accepting).toBe(true);
  expect(availability(rules, true, at(1), null)).toEqual({
    accepting: false,
    because: "paused by its owner",
  });
});
