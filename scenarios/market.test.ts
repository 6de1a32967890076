import { fileURLToPath } from "node:url";
import { parseSetting, readScenario, ScenarioRefused, studyOf } from "@weft/lab";
import { expect, it } from "vitest";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const silent = (): void => {};

it.each([
  ["pricing.yaml", ["days=1", "lies=[0.9]", "mechanisms=[posted, double]"]],
  ["trust.yaml", ["tasks=500"]],
] as const)(
  "%s measures every figure of its study in every case, the same again for a seed",
  (name, settings) => {
    const prepared = readScenario(file(name), settings.map(parseSetting));
    const study = studyOf(prepared.study)!;
    for (const one of prepared.cases) {
      const { metrics, digest } = study.run(prepared.data, one, 7, silent);
      expect(Object.keys(metrics)).toEqual(study.metrics.map((metric) => metric.name));
      for (const [metric, value] of Object.entries(metrics))
        expect(value, `${one} ${metric}`).toBeTypeOf("number");
      expect(study.run(prepared.data, one, 7, silent).digest).toBe(digest);
    }
  },
);

it("says what of a scenario is wrong, by its place in the file", () => {
  const asked = () => readScenario(file("trust.yaml"), [parseSetting("cheaters=2")]);
  expect(asked).toThrow(ScenarioRefused);
  expect(asked).toThrow(/cheaters/);
});
