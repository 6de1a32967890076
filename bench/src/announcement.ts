import { fileURLToPath } from "node:url";
import { announcementCase, parseSetting, readScenario, studyOf } from "@weft/lab";
import type { Bench } from "./bench.ts";

const SCENARIO = fileURLToPath(new URL("../../scenarios/announcement.yaml", import.meta.url));
const SEED = 7;
const SMOKE = [
  "topologies=[topologies/harbours.graphml]",
  "generated=[100]",
  "changes=5",
  "decisions=20",
  "generatedChanges=2",
  "generatedTime=2s",
];
const FULL = ["generated=[10000, 100000]", "generatedChanges=4", "generatedTime=30s"];
/** Among so many all but the canopy take minutes and gigabytes each: scenarios/announcement-large.yaml has them. */
const isTooLarge = (name: string): boolean =>
  name.startsWith("generated-100000") && !name.endsWith(" / canopy");

/** What each figure stands against, and what it is called here where it has a longer name there. */
const FIGURES: Readonly<Record<string, { readonly name?: string; readonly against: string }>> = {
  timeRatio: { name: "time-ratio", against: "the origin's latency eccentricity" },
  timeRatioP99: { name: "time-ratio-p99", against: "the origin's latency eccentricity" },
  bytesRatio: { name: "bytes-ratio", against: "(n - 1) records on a spanning tree" },
  messagesRatio: { name: "messages-ratio", against: "n - 1 on a spanning tree" },
  missCost: { name: "miss-cost", against: "the best completion time" },
  withdrawal: { name: "withdrawal-changes", against: "1, the least" },
};
const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `weft lab run scenarios/announcement.yaml` under one seed, a figure a line. */
export const announcement: Bench = {
  name: "announcement",
  run(size, report) {
    const prepared = readScenario(SCENARIO, (size === "smoke" ? SMOKE : FULL).map(parseSetting));
    const study = studyOf(prepared.study);
    if (study === null) throw new Error(`no study ${prepared.study}`);
    for (const one of prepared.cases.filter((name) => !isTooLarge(name))) {
      const found = announcementCase(prepared.data as never, one);
      if (found === null) continue;
      const { metrics } = study.run(prepared.data, one, SEED, () => {});
      for (const { name, unit } of study.metrics) {
        const value = metrics[name];
        if (value === null || value === undefined) continue;
        const { name: called = dashed(name), against = "" } = FIGURES[name] ?? {};
        report({
          name: `announcement/${found.architecture}/${found.network.name}/${called}`,
          value: name === "accuracy" ? value / 100 : value,
          unit: name === "accuracy" ? "same choice" : unit,
          against: name === "accuracy" ? "perfect knowledge" : against,
          ratio: name === "accuracy" ? value / 100 : against === "" ? null : value,
        });
      }
    }
  },
};
