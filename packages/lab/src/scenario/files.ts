import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ScenarioRefused } from "./problems.ts";

/** Why a file cannot be read. */
export const troubleOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder, expected a file" : message;
};

/** Reads the files a scenario names; paths are relative to the scenario's own. */
export class ScenarioFiles {
  readonly #directory: string;

  constructor(scenario: string) {
    this.#directory = resolve(dirname(scenario));
  }

  /** Where a path that the scenario names lies. */
  resolve(path: string): string {
    return isAbsolute(path) ? path : join(this.#directory, path);
  }

  text(path: string): string {
    const full = this.resolve(path);
    try {
      return readFileSync(full, "utf8");
    } catch (error) {
      throw new ScenarioRefused([`${full}: ${troubleOf(error)}  [E_IMPORT]`]);
    }
  }
}
