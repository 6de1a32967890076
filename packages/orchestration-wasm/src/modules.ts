import { readFile } from "node:fs/promises";
import { type Digest, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { type Confined, confine } from "./confine.ts";
import { type Module, webAssembly } from "./webassembly.ts";

export interface Compiled {
  readonly module: Module;
  readonly memory: Confined["memory"];
}

export type CompileResult = Result<Compiled, Refusal<"bad_program" | "runtime_failed">>;

/** Compiles off the main thread; the result is shared by all workers. */
async function compile(path: () => string): Promise<CompileResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path());
  } catch (error) {
    return refuse("runtime_failed", (error as Error).message);
  }
  const confined = confine(bytes);
  if (!confined.ok) return confined;
  try {
    return ok({
      module: await webAssembly.compile(confined.value.bytes),
      memory: confined.value.memory,
    });
  } catch (error) {
    return refuse("bad_program", (error as Error).message);
  }
}

/** Compiled modules by digest, the last used ones kept. */
export class ModuleCache {
  readonly #capacity: number;
  /** In order of use, the latest last. A promise while it compiles, so that it is compiled once. */
  readonly #kept = new Map<Digest, Promise<CompileResult> | CompileResult>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Answers at once where it knows, so that a warm start waits for nothing. */
  get(digest: Digest, path: (digest: Digest) => string): Promise<CompileResult> | CompileResult {
    let found = this.#kept.get(digest);
    if (found === undefined) {
      const compiling = compile(() => path(digest)).then((result) => {
        // What failed is tried again next time: the file may have been missing.
        if (this.#kept.get(digest) !== compiling) return result;
        if (result.ok) this.#kept.set(digest, result);
        else this.#kept.delete(digest);
        return result;
      });
      found = compiling;
    }
    this.#kept.delete(digest);
    this.#kept.set(digest, found);
    if (this.#kept.size > this.#capacity) this.#kept.delete(this.#kept.keys().next().value as Digest);
    return found;
  }

  clear(): void {
    this.#kept.clear();
  }
}
