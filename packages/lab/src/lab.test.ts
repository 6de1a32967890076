import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, expect, it } from "vitest";
import { compareResults, comparisonTable } from "./compare.ts";
import { type LabOptions, runLab } from "./lab.ts";
import { resultsTable } from "./report/table.ts";
import { resultsCsv, short } from "./results.ts";
import { readResults } from "./run-folder.ts";
import { ScenarioRefused } from "./scenario/problems.ts";
import { parseSetting, prepareScenario, readScenario } from "./scenario/read.ts";
import { parseSeeds } from "./seeds.ts";
import type { Results } from "./study.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-lab-"));
afterAll(() => rmSync(folder, { recursive: true }));
const shipped = (name: string): string => new URL(`../../../scenarios/${name}`, import.meta.url).pathname;

const SMALL = `apiVersion: weft.dev/v1
kind: Scenario
metadata: { name: small, title: "Two <towns>" }
study: network
duration: 30s
network:
  sites:
    - { name: a, at: [50, 8] }
    - { name: b, at: [51, 9] }
  links: [{ between: [a, b], rate: 1Gbps }]
nodes:
  - { name: n, tier: edge, at: all, lanes: 2, laneRate: 1 GOPS, power: { idle: 5W, full: 20W } }
workloads:
  - { name: w, arrivals: { poisson: 3 }, work: { mean: 0.4 GOP }, input: 10kB, deadline: 2s }
policies:
  - { name: own, ownSite: true }
  - { name: any }
`;

const options = (own: Partial<LabOptions> = {}): LabOptions => ({
  seeds: [1, 2, 3, 4],
  jobs: 2,
  into: join(folder, "runs"),
  date: "2026-01-02",
  source: SMALL,
  replay: "npx weft lab run small.yaml",
  ...own,
});
const prepared = (settings: readonly string[] = []) =>
  prepareScenario(SMALL, "small.yaml", settings.map(parseSetting));

it("runs on threads, keeps every run, and reports in four forms", async () => {
  const progress: number[] = [];
  const done = await runLab(prepared(), options({ onProgress: (share) => progress.push(share) }));
  expect(done).toMatchObject({ failed: [], found: 0, left: 0 });
  expect(done.folder).toBe(join(folder, "runs", "2026-01-02-small"));
  expect(readdirSync(join(done.folder, "outcomes"))).toHaveLength(8);
  expect(progress.at(-1)).toBe(1);
  expect(readResults(done.folder)).toEqual(done.results);
  expect(resultsTable(done.results)).toMatch(/^\s+latency p50 s.*\nown .*±.*\nany /);
  expect(resultsCsv(done.results).split("\n")[0]).toMatch(/^case,seed,latencyP50,.*,digest$/);
  const page = readFileSync(join(done.folder, "report.html"), "utf8");
  expect(page).toContain("Two &lt;towns&gt;");
  expect(page).toContain("prefers-color-scheme:dark");
  expect(page).not.toMatch(/src=|href=|NaN|undefined|Infinity/);
  expect(page.match(/<svg/g)?.length).toBeGreaterThan(10);
}, 60_000);

it("goes on where it stopped, gives the same again, and keeps another scenario apart", async () => {
  const into = join(folder, "resumed");
  const first = await runLab(prepared(), options({ into, seeds: [1] }));
  const more = await runLab(prepared(), options({ into, seeds: [1, 2] }));
  expect(more).toMatchObject({ folder: first.folder, found: 2, left: 0 });
  expect(more.results.runs.filter(({ seed }) => seed === 1)).toEqual(first.results.runs);
  const again = await runLab(prepared(), options({ into: join(folder, "again"), seeds: [1, 2], jobs: 1 }));
  expect(again.results.runs).toEqual(more.results.runs);
  const other = await runLab(prepared(["duration=20s"]), options({ into, seeds: [1] }));
  expect(other.folder).toBe(`${first.folder}-2`);
}, 60_000);

it("keeps what is finished when it is stopped", async () => {
  const stop = new AbortController();
  const stopped = await runLab(prepared(["duration=600s"]), {
    ...options({ into: join(folder, "stopped"), jobs: 1, signal: stop.signal }),
    onProgress: (share) => {
      if (share >= 0.25) stop.abort();
    },
  });
  expect(stopped.left).toBeGreaterThan(0);
  expect(stopped.left).toBeLessThan(8);
  expect(stopped.results.runs).toHaveLength(8 - stopped.left);
}, 60_000);

it("says what differs by more than chance, and which way", async () => {
  const into = join(folder, "compared");
  const seeds = [1, 2, 3, 4, 5, 6];
  const before = await runLab(prepared(), options({ into, seeds }));
  const after = await runLab(prepared(["workloads.0.work=0.8 GOP"]), options({ into, seeds }));
  const differences = compareResults(before.results, after.results);
  const of = (name: string) => differences.find((one) => one.case === "any" && one.metric.name === name);
  expect(of("latencyMean")).toMatchObject({ significant: true, verdict: "worse" });
  expect(of("tasks")).toMatchObject({ significant: false, verdict: "same", change: 0 });
  expect(comparisonTable(differences)).toMatch(/any\s+mean s .* worse/);
  expect(comparisonTable(compareResults(before.results, before.results))).toContain("nothing differs");
}, 60_000);

const refused = (text: string, settings: readonly string[] = []): readonly string[] => {
  try {
    prepareScenario(text, "small.yaml", settings.map(parseSetting));
  } catch (error) {
    if (error instanceof ScenarioRefused) return error.problems;
    throw error;
  }
  return [];
};

it.each([
  [
    "duration: 30s",
    "duration: 30",
    'small.yaml:5  duration  found "30", expected a time such as 20ms\n  hint: did you mean 30ms?',
  ],
  ["[a, b]", "[a, bb]", 'small.yaml:10  network.links[0].between[1]  no site "bb"\n  hint: did you mean b?'],
  ["study: network", "study: netwrok", "did you mean network?"],
  ["at: all", "att: all", 'found "att"'],
  ["{ poisson: ", "{ poison: ", "hint: did you mean poisson?"],
  ["kind: Scenario", "kind: Task", 'kind  found "Task", expected Scenario'],
  ["full: 20W", "full: 2W", "small.yaml:12  nodes[0].power.full  less than idle"],
  ["links: [{ between: [a, b], rate: 1Gbps }]", "links: []", 'site "b" is not joined to the others'],
  ["  sites:", "  graphml: none.graphml\n  sites:", "exactly one of"],
  ["work: { mean: 0.4 GOP }, ", "", "small.yaml:14  workloads[0].work  nothing to do"],
])("refuses %s turned into %s, with the line", (right, wrong, said) => {
  expect(refused(SMALL.replace(right, wrong)).join("\n")).toContain(said);
});

it("refuses a file that is not there, and settings that are none", () => {
  expect(
    refused(SMALL.replace(/ {2}sites:[\s\S]*?\n {2}links.*\n/, "  graphml: none.graphml\n")).join(),
  ).toContain("none.graphml: no such file  [E_IMPORT]");
  expect(() => parseSetting("nothing")).toThrow(ScenarioRefused);
  expect(() => readScenario(join(folder, "none.yaml"))).toThrow(/none\.yaml: no such file {2}\[E_FILE\]$/);
});

it("reads networks, users, traces and tracks from files beside the scenario", () => {
  writeFileSync(join(folder, "towns.csv"), "name,latitude,longitude\na,50,8\nb,50.1,8\nc,55,8\nd,55.1,8\n");
  writeFileSync(join(folder, "users.csv"), "Latitude,Longitude\n50,8\n50,8.01\n55,8\n");
  writeFileSync(
    join(folder, "llm.csv"),
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00,100,10\n2023-11-16 18:00:05,200,20\n",
  );
  writeFileSync(
    join(folder, "fcd.xml"),
    '<fcd-export><timestep time="0"><vehicle id="v" x="8" y="50"/></timestep><timestep time="9"><vehicle id="v" x="8" y="55"/></timestep></fcd-export>',
  );
  const text = SMALL.replace(
    / {2}sites:[\s\S]*?\n {2}links.*\n/,
    "  places: { file: towns.csv, neighbours: 1 }\n",
  )
    .replace("{ poisson: 3 }", "{ azureLlm: { file: llm.csv, parameters: 7e9 } }")
    .replace("policies:", "users: { file: users.csv }\nmobility: { sumo: { file: fcd.xml } }\npolicies:");
  const { data } = prepareScenario(text, join(folder, "files.yaml"));
  expect(data).toMatchObject({
    topology: {
      cables: [
        { a: 1, b: 0 },
        { a: 3, b: 2 },
        { a: 1, b: 2 },
      ],
    },
    users: [2, 0, 1, 0],
    mobility: { tracks: [{ at: [0, 9e6], site: [0, 2] }] },
    workloads: [
      { arrivals: { requests: [{ at: 0, input: 400, result: 40, work: 2 * 7e9 * 110 }, { at: 5e6 }] } },
    ],
  });
});

it("reads every scenario the project ships", () => {
  for (const name of readdirSync(shipped(""))) {
    if (!name.endsWith(".yaml") || !/study: (network|cells)/.test(readFileSync(shipped(name), "utf8")))
      continue;
    expect(readScenario(shipped(name)).cases.length, name).toBeGreaterThan(0);
  }
  // By its path from here, as it is typed, and with the files beside it.
  const typed = relative(process.cwd(), shipped("announcement.yaml"));
  expect(readScenario(typed, [parseSetting("generated=[]")]).cases.length).toBeGreaterThan(0);
  expect(readScenario(shipped("paradigms.yaml")).cases).toContain("calm / cpn");
});

it("reads seeds and prints figures short", () => {
  expect(parseSeeds("1..3,9, 2")).toEqual({ ok: true, value: [1, 2, 3, 9] });
  for (const bad of ["", "x", "5..1", "1..", "-1", "1..99999999"])
    expect(parseSeeds(bad).ok, bad).toBe(false);
  expect([0, 0.0001234, 0.1234, 12.34, 1234.5].map(short)).toEqual(["0", "1.2e-4", "0.123", "12.3", "1,235"]);
});

it("has nothing to compare where runs share nothing", () => {
  const none = { cases: ["x"], metrics: [], runs: [] } as unknown as Results;
  expect(compareResults(none, none)).toEqual([]);
});

it("puts values in place, takes entries out, and refuses a place that is not there", () => {
  const cases = (...settings: string[]) => prepared(settings).cases;
  expect(cases("policies.0=null")).toEqual(["any"]);
  expect(cases("policies.2={name: third}")).toEqual(["own", "any", "third"]);
  expect(() => cases("policies.7.name=x")).toThrow("--set: no entry 7 in a list of 2");
});
