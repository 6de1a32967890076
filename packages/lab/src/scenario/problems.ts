import { formatProblem, type ManifestProblem, nearest, type ReadDocument } from "@weft/service-http";
import { formatImportProblem, type Imported } from "../importers/problem.ts";

/** A scenario that cannot be run as written: everything that is wrong, ready to print. */
export class ScenarioRefused extends Error {
  override readonly name = "ScenarioRefused";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** The value of an imported file, or the refusal of the whole scenario. */
export function imported<T>(result: Imported<T>): T {
  if (result.ok) return result.value;
  throw new ScenarioRefused([formatImportProblem(result.refusal)]);
}

/** The value of a checked document, or the refusal with all its problems. */
export function checked<T>(result: ReadDocument<T>): Extract<ReadDocument<T>, { ok: true }> {
  if (result.ok) return result;
  throw new ScenarioRefused(result.problems.map(formatProblem));
}

/** Says what is wrong with a field that is of the right form. */
export class FieldProblems {
  readonly #file: string;
  readonly #lineOf: (path: readonly PropertyKey[]) => number;
  readonly #problems: ManifestProblem[] = [];

  constructor(file: string, lineOf: (path: readonly PropertyKey[]) => number) {
    this.#file = file;
    this.#lineOf = lineOf;
  }

  say(path: readonly PropertyKey[], message: string, hint?: string): void {
    const text = path
      .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${String(step)}`))
      .join("");
    const problem = {
      file: this.#file,
      line: this.#lineOf(path),
      code: "E_MANIFEST_VALUE" as const,
      message,
      path: text,
    };
    this.#problems.push(hint === undefined ? problem : { ...problem, hint });
  }

  /** Position of a name; says so where there is none, and gives 0. */
  find(path: readonly PropertyKey[], name: string, names: readonly string[], what: string): number {
    const at = names.indexOf(name);
    if (at >= 0) return at;
    const close = nearest(name, names);
    this.say(path, `no ${what} "${name}"`, close === null ? undefined : `did you mean ${close}?`);
    return 0;
  }

  /** Stops here if anything was said. */
  check(): void {
    if (this.#problems.length > 0) throw new ScenarioRefused(this.#problems.map(formatProblem));
  }
}
