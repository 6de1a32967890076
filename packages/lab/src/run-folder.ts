import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finished, resultsCsv } from "./results.ts";
import type { Prepared, Results } from "./study.ts";

/** SHA-256 of everything a run depends on besides its case and seed. */
export function fingerprintOf(prepared: Prepared): string {
  return createHash("sha256")
    .update(JSON.stringify([prepared.study, prepared.cases, prepared.data]))
    .digest("hex");
}

/**
 * A folder of results: `run.json` says of what, `outcomes/` holds one file for each finished run, and the reports
 * are made of them. A run that was stopped goes on in its folder where it stopped.
 */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * The folder `<parent>/<date>-<name>` for a scenario: the one already there if it is of the same scenario, else a
   * new one (with `-2`, `-3`, ... where the name is taken).
   */
  static open(parent: string, date: string, prepared: Prepared, source: string): RunFolder {
    const fingerprint = fingerprintOf(prepared);
    for (let n = 1; ; n++) {
      const path = join(parent, `${date}-${prepared.name}${n === 1 ? "" : `-${n}`}`);
      const before = existsSync(path) ? readRunJson(path) : null;
      if (before !== null && before.fingerprint !== fingerprint) continue;
      const folder = new RunFolder(path);
      if (before === null) folder.#create(prepared, fingerprint, source);
      return folder;
    }
  }

  #create({ name, title, study, cases }: Prepared, fingerprint: string, source: string): void {
    mkdirSync(join(this.path, "outcomes"), { recursive: true });
    writeFileSync(join(this.path, "scenario.yaml"), source);
    this.#write("run.json", JSON.stringify({ name, title, study, cases, fingerprint }, null, 2));
  }

  /** The finished runs that lie in the folder. A file that was cut off counts as not there. */
  finished(cases: readonly string[]): Finished[] {
    return readdirSync(join(this.path, "outcomes")).flatMap((file) => {
      const match = /^(\d+)-(\d+)\.json$/.exec(file);
      const name = cases[Number(match?.[1] ?? Number.NaN)];
      if (match === null || name === undefined) return [];
      try {
        const outcome = JSON.parse(readFileSync(join(this.path, "outcomes", file), "utf8"));
        return [{ case: name, seed: Number(match[2]), outcome }];
      } catch {
        return [];
      }
    });
  }

  keep(cases: readonly string[], { case: name, seed, outcome }: Finished): void {
    this.#write(join("outcomes", `${cases.indexOf(name)}-${seed}.json`), JSON.stringify(outcome));
  }

  /** Writes `results.json`, `results.csv` and the page. */
  report(results: Results, html: string): void {
    this.#write("results.json", `${JSON.stringify(results, null, 2)}\n`);
    this.#write("results.csv", resultsCsv(results));
    this.#write("report.html", html);
  }

  /** A file is there whole or not at all, whatever stops the program. */
  #write(name: string, text: string): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}

function readRunJson(path: string): { readonly fingerprint: string } | null {
  try {
    return JSON.parse(readFileSync(join(path, "run.json"), "utf8"));
  } catch {
    // Someone else's folder, or one that was never finished being made: not to be written into.
    return { fingerprint: "" };
  }
}

/** Results from a run's folder or its `results.json`; null where there are none. */
export function readResults(path: string): Results | null {
  const file = path.endsWith(".json") ? path : join(path, "results.json");
  try {
    const results = JSON.parse(readFileSync(file, "utf8")) as Results;
    return Array.isArray(results.runs) && Array.isArray(results.metrics) ? results : null;
  } catch {
    return null;
  }
}
