import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { formatTime, micros } from "@weft/kernel";
import type { LabRun, Prepared } from "@weft/lab";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, misused, must } from "../failure.ts";
import { ProgressLine } from "../progress.ts";

type Lab = typeof import("@weft/lab");

interface RunOptions {
  readonly seeds: string;
  readonly seed?: string;
  readonly jobs: string;
  readonly set: readonly string[];
  readonly into: string;
  readonly json?: true;
}

export function register(program: Command, context: Context): void {
  const lab = program
    .command("lab")
    .summary("simulate scenarios, and compare what came out")
    .description(
      "Runs scenarios of networks, nodes and tasks under virtual time. docs/guides/lab.md begins here.",
    );
  lab
    .command("run")
    .summary("run a scenario under many seeds")
    .description(
      "Runs every case of a scenario under every seed and writes table, JSON, CSV and a page with charts. Ctrl-C keeps what is finished; the same command goes on from there.",
    )
    .argument("<scenario>", "scenario file, such as scenarios/paradigms.yaml")
    .option("--seeds <list>", "seeds, such as 7, 1..20 or 1,4,9..12", "1..5")
    .option("--seed <number>", "one seed: what a replay line gives")
    .option("--jobs <number>", "threads to run on", String(availableParallelism()))
    .option(
      "--set <field=value>",
      "put a value in the scenario's place, such as network.rate=1Gbps; may be repeated",
      gather,
      [],
    )
    .option("--into <folder>", "folder that the run's own is made in", "runs")
    .option("--json", "print the results as JSON instead of a table")
    .action((scenario: string, options: RunOptions) => run(context, scenario, options));
  lab
    .command("compare")
    .summary("say which figures of two runs differ by more than chance")
    .description(
      "Compares every figure of every case both runs have. A difference counts when Welch's t-test, corrected by Holm for looking at all of them, and the Mann-Whitney test both say so: four seeds or more are needed.",
    )
    .argument("<before>", "a run's folder")
    .argument("<after>", "another run's folder")
    .option("--all", "show the figures that do not differ too")
    .option("--json", "print the comparison as JSON")
    .action((before: string, after: string, options: { readonly all?: true; readonly json?: true }) =>
      compare(context, before, after, options),
    );
}

const gather = (value: string, before: readonly string[]): string[] => [...before, value];

async function run(context: Context, scenario: string, options: RunOptions): Promise<void> {
  const lab = await import("@weft/lab");
  const path = resolve(context.cwd, scenario);
  // Named as the user would name it, so that a complaint reads `mine.yaml:22` where they are.
  const prepared = read(lab, relative(process.cwd(), path), options.set);
  const seeds = must(lab.parseSeeds(options.seed ?? options.seeds));
  const jobs = Number(options.jobs);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw misused(`--jobs: found "${options.jobs}", expected 1 or more`);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  const started = Date.now();
  const title = `${prepared.name} · ${prepared.cases.length} ${prepared.cases.length === 1 ? "case" : "cases"} · ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}`;
  const line = new ProgressLine(context, title);
  const sets = options.set.map((setting) => ` --set ${JSON.stringify(setting)}`).join("");
  let begun: number | null = null;
  try {
    const done = await lab.runLab(prepared, {
      seeds,
      jobs,
      into: resolve(context.cwd, options.into),
      date: new Date(started).toISOString().slice(0, 10),
      source: readFileSync(path, "utf8"),
      replay: `npx weft lab run ${scenario}${sets}`,
      signal: stop.signal,
      onProgress: (share) => {
        // What was found finished took no time: the rest is judged by what this call has done.
        begun ??= share;
        line.update({ done: Math.round(share * 1000), of: 1000, suffix: timeLeft(started, begun, share) });
      },
    });
    line.end();
    tell(lab, context, done, options.json === true);
  } finally {
    line.end();
    process.off("SIGINT", interrupt);
  }
}

function read(lab: Lab, path: string, sets: readonly string[]): Prepared {
  try {
    return lab.readScenario(path, sets.map(lab.parseSetting));
  } catch (error) {
    if (error instanceof lab.ScenarioRefused) throw new Failure(error.message, 2);
    throw error;
  }
}

function timeLeft(started: number, begun: number, share: number): string {
  const done = share - begun;
  if (done <= 0 || share >= 1) return "";
  const left = ((Date.now() - started) / done) * (1 - share);
  return `${formatTime(micros(left * 1000))} left`;
}

function tell(lab: Lab, context: Context, done: LabRun, json: boolean): void {
  context.print(json ? JSON.stringify(done.results, null, 2) : lab.resultsTable(done.results));
  const { conclusion } = done;
  if (conclusion !== null && !json) context.print(`\n${lab.conclusionTable(conclusion)}`);
  if (done.found > 0) context.note(`${done.found} runs were finished before`);
  context.note(`report: ${join(done.folder, "report.html")}`);
  for (const { case: name, seed, message } of done.failed)
    context.note(`failed: ${name}, seed ${seed}: ${message}`);
  if (done.failed.length > 0) throw new Failure(`${done.failed.length} runs failed`);
  if (done.left > 0)
    throw new Failure(`stopped with ${done.left} runs left; the same command goes on from here`);
}

async function compare(
  context: Context,
  before: string,
  after: string,
  { all = false, json = false }: { readonly all?: boolean; readonly json?: boolean },
): Promise<void> {
  const lab = await import("@weft/lab");
  const [a, b] = [before, after].map((path) => {
    const results = lab.readResults(resolve(context.cwd, path));
    if (results === null) throw misused(`${path}: no results of a run in it`);
    return results;
  });
  if (a === undefined || b === undefined) return;
  const differences = lab.compareResults(a, b);
  if (differences.length === 0) throw misused("the two runs have no case and figure in common");
  context.print(json ? JSON.stringify(differences, null, 2) : lab.comparisonTable(differences, all));
}
