import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { pause } from "./pause.ts";

it("a signal that many pauses are waited with keeps none of their listeners", async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) await pause(0, signal);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("a pause ends when its signal is raised, and does not begin after that", async () => {
  const stop = new AbortController();
  const waiting = pause(2 ** 31 - 1, stop.signal);
  stop.abort();
  await waiting;
  await pause(2 ** 31 - 1, stop.signal);
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
});
