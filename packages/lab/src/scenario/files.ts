import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ScenarioRefused } from "./problems.ts";

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
      throw new ScenarioRefused([`${full}:1  cannot be read: ${(error as Error).message}  [E_IMPORT]`]);
    }
  }
}
