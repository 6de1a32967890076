import { money } from "@weft/kernel";
import { expect, it } from "vitest";
import { agentConfig, priceListFor } from "./config.ts";

const settings = {
  ...{ name: "corner", managers: ["http://127.0.0.1:1"], stateDir: "state", site: "here", domain: "home" },
  ...{ tier: "edge", prices: priceListFor(money(20_000n)) },
};
const wrong = (change: object): string => {
  try {
    agentConfig({ ...settings, ...change });
  } catch (error) {
    return String((error as Error).message);
  }
  throw new Error("it was taken");
};

it("a power draw, carbon or price below zero is refused by name", () => {
  expect(agentConfig({ ...settings, watts: { idle: 0, full: 9 }, gramsPerKwh: 0 }).gramsPerKwh).toBe(0);
  expect(wrong({ watts: { idle: -1, full: 9 } })).toMatch(
    /expected 0 or more[\s\S]*"watts"[\s\S]*"idle"|"watts"[\s\S]*"idle"[\s\S]*expected 0 or more/,
  );
  expect(wrong({ gramsPerKwh: -1 })).toMatch(/expected 0 or more/);
  expect(wrong({ prices: priceListFor(money(-20_000n)) })).toMatch(/price of 0 or more/);
});
