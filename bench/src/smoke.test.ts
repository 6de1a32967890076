import { expect, it } from "vitest";
import type { Figure } from "./bench.ts";
import { BENCHES } from "./registry.ts";

it.each(BENCHES.map((bench) => [bench.name, bench] as const))(
  "bench %s runs small and gives finite figures",
  async (name, bench) => {
    const figures: Figure[] = [];
    await bench.run("smoke", (figure) => figures.push(figure));
    expect(figures.length).toBeGreaterThan(0);
    for (const figure of figures) {
      expect(figure.name, name).toMatch(/^[a-z0-9-]+\/\S+$/);
      expect(Number.isFinite(figure.value), figure.name).toBe(true);
      expect(figure.ratio === null || Number.isFinite(figure.ratio), figure.name).toBe(true);
    }
  },
  120_000,
);
