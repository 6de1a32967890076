import type { Refusal, Result } from "@weft/kernel";

/** A file that is not what its format says, and where. `path` is the file's name where the caller knew it. */
export interface ImportProblem extends Refusal<"E_IMPORT"> {
  readonly file: string;
  readonly line: number;
}

export type Imported<T> = Result<T, ImportProblem>;

/** Stops reading a file; `importing` makes it a refusal. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly line: number;
  readonly hint: string | undefined;

  constructor(line: number, message: string, hint?: string) {
    super(message);
    this.line = line;
    this.hint = hint;
  }
}

/** Runs an importer's reader; what it could not read comes back as a refusal with its line. */
export function importing<T>(file: string, read: () => T): Imported<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { line, message, hint } = error;
    const refusal = { code: "E_IMPORT" as const, message, file, line, path: file };
    return { ok: false, refusal: hint === undefined ? refusal : { ...refusal, hint } };
  }
}

/** `topology.graphml:17  message` and the hint below. */
export function formatImportProblem({ file, line, message, hint }: ImportProblem): string {
  return `${file}:${line}  ${message}${hint === undefined ? "" : `\n  hint: ${hint}`}  [E_IMPORT]`;
}
