import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TaskView } from "@weft/service";
import { Context, runCommandLine } from "weft";
import { parse, stringify } from "yaml";
import type { Figure } from "./bench.ts";

/*
 * The tasks of examples/, each submitted again and again to a node that has never seen it, and how far the time that was
 * predicted lay from the time it took (C1). Deadlines and places are left out: every run is on the one node there is.
 */

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
/** After so many runs the prediction should be good. */
const LEARNING = 5;

interface Example {
  readonly name: string;
  /** Makes the input that is too large to ship. */
  readonly input: readonly [script: string, file: string] | null;
}

const EXAMPLE_TASKS: readonly Example[] = [
  { name: "scan-log", input: ["scan-log/generate.mjs", "access.log"] },
  { name: "read-receipt", input: null },
  { name: "multiply", input: ["multiply/generate.mjs", "friends.safetensors"] },
];

/** How to reach the network, as its consumer. */
export interface Access {
  readonly server: string;
  readonly token: string;
  readonly key: string;
}

/** Runs the examples and reports the median error of the predictions, those without history apart. */
export async function predictions(
  access: Access,
  size: "smoke" | "full",
  report: (figure: Figure) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "weft-predictions-"));
  try {
    const later = size === "full" ? 6 : 1;
    const examples = size === "full" ? EXAMPLE_TASKS : EXAMPLE_TASKS.slice(0, 1);
    const first: number[] = [];
    const learnt: number[] = [];
    const notes: string[] = [];
    for (const example of examples) {
      const manifest = await prepare(example, folder);
      const runs: TaskView[] = [];
      for (let i = 0; i < LEARNING + later; i++) runs.push(await run(access, manifest, folder));
      const errors = runs.map(errorOf);
      first.push(errors[0] as number);
      learnt.push(...errors.slice(LEARNING));
      notes.push(`${example.name}: ${timesOf(runs[0])}, then ${percent(median(errors.slice(LEARNING)))}`);
    }
    const figure = (name: string, errors: readonly number[], bound: number, note: string): void => {
      const value = median(errors);
      report({ name, value, unit: "ratio", against: `of ${bound}`, ratio: value / bound, note });
    };
    const note = notes.join("; ");
    figure("tasks/prediction-error", learnt, 0.2, `median from run ${LEARNING + 1} on; ${note}`);
    figure("tasks/prediction-error-first", first, 1, "|predicted - actual| / actual, never run before");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the example's manifest without what ties it to the sites of the demo; returns its path. */
async function prepare({ name, input }: Example, folder: string): Promise<string> {
  const home = join(EXAMPLES, name);
  const task = parse(readFileSync(join(home, `${name}.yaml`), "utf8"));
  const { content, type, result } = task.spec.data;
  if (input !== null) {
    await promisify(execFile)(process.execPath, [join(EXAMPLES, input[0]), join(folder, input[1])]);
  }
  task.spec.data = { content: input === null ? join(home, content) : join(folder, input[1]), type, result };
  for (const field of ["deadline", "sticky", "network"]) delete task.spec[field];
  const { wasm, model } = task.spec.run;
  if (wasm !== undefined) wasm.module = join(home, wasm.module);
  else model.onnx = model.onnx.map((file: string) => join(home, file));
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, stringify(task));
  return path;
}

async function run(access: Access, manifest: string, folder: string): Promise<TaskView> {
  let out = "";
  let err = "";
  const context = new Context({
    out: { write: (text) => void (out += text) },
    err: { write: (text) => void (err += text) },
    env: {},
    cwd: folder,
  }).at(access);
  const words = ["run", "-f", manifest, "--watch", "--to", join(folder, "result"), "-o", "json"];
  if ((await runCommandLine(context, words)) !== 0) throw new Error(err);
  return JSON.parse(out) as TaskView;
}

function spans(task: TaskView | undefined): readonly [predicted: number, actual: number] {
  const run = task?.runs.at(-1);
  if (run?.actual == null) throw new Error(`${task?.name} ended without a run that finished`);
  return [run.predicted.total, run.actual.total];
}

function errorOf(task: TaskView): number {
  const [predicted, actual] = spans(task);
  return Math.abs(predicted - actual) / actual;
}

function timesOf(task: TaskView | undefined): string {
  const [predicted, actual] = spans(task);
  return `first ${(predicted / 1000).toFixed(0)} ms for ${(actual / 1000).toFixed(0)} ms`;
}

const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}
