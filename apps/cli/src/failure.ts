import type { Refusal } from "@weft/kernel";

/** 0 done, 1 asked rightly but refused or failed, 2 asked wrongly. */
export type ExitCode = 0 | 1 | 2;

/** Ends a command: what is said on stderr, and the exit code. */
export class Failure extends Error {
  readonly exitCode: ExitCode;

  constructor(text: string, exitCode: ExitCode = 1) {
    super(text);
    this.exitCode = exitCode;
  }
}

/** A refusal as people read it: what, where, what was found and expected, what to do, and its code. */
export function refusalText(refusal: Refusal & { readonly others?: readonly Refusal[] }): string {
  const { code, message, path, found, expected, hint, others = [] } = refusal;
  const where = path === undefined || path === "" ? "" : `${path}  `;
  const compared =
    found !== undefined && expected !== undefined
      ? `: found ${found}, expected ${expected}`
      : found !== undefined
        ? `: ${found}`
        : expected !== undefined
          ? `: expected ${expected}`
          : "";
  const what = message === `expected ${expected}` ? compared.replace(/^: /, "") : `${message}${compared}`;
  return [coded(code, `${where}${what}`, hint), ...others.map(refusalText)].join("\n");
}

const coded = (code: string, text: string, hint: string | undefined): string =>
  `${text}  [${code}]${hint === undefined ? "" : `\n  hint: ${hint}`}`;

/** Asked rightly, and it did not come to be: exit code 1. */
export const failed = (code: `E_${string}`, text: string, hint?: string): Failure =>
  new Failure(coded(code, text, hint));

/** The command line asks for what cannot be: `E_ARGUMENT`, exit code 2. */
export const misused = (text: string, hint?: string): Failure =>
  new Failure(coded("E_ARGUMENT", text, hint), 2);

/** A file of the command line that cannot be read or written: `E_FILE`, exit code 2. */
export const unusable = (file: string, error: unknown): Failure => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new Failure(`${file}: ${FILE_TROUBLE[code] ?? message}  [E_FILE]`, 2);
};

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EISDIR: "a folder, expected a file",
  EACCES: "may not be opened",
};

/** Codes of what the asker got wrong, so that exit code 2 tells it from what the network refuses. */
const ASKED_WRONGLY = /^E_(?:MANIFEST_|REQUEST|SELECTOR|FILE|SEEDS)/;

export const refused = (refusal: Refusal & { readonly others?: readonly Refusal[] }): Failure =>
  new Failure(refusalText(refusal), ASKED_WRONGLY.test(refusal.code) ? 2 : 1);

/** The value, or the end of the command. */
export function must<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal },
): T {
  if (result.ok) return result.value;
  throw refused(result.refusal);
}
