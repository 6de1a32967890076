/** Why a store cannot be opened or has stopped working. Stable: programs and people act on it. */
export type StoreErrorCode =
  /** No disk space left for the database. */
  | "E_STORE_FULL"
  /** The folder holds something, but no sound database. */
  | "E_STORE_CORRUPT"
  /** The folder was made by another major version of PostgreSQL, or of this program's tables. */
  | "E_STORE_VERSION"
  /** Another manager has it open. */
  | "E_STORE_HELD"
  /** The folder cannot be made, read or written. */
  | "E_STORE_FOLDER"
  /** No PostgreSQL binaries for this system. */
  | "E_STORE_PLATFORM"
  /** The database does not answer, or refuses to let us in. */
  | "E_STORE_UNREACHABLE"
  /** PostgreSQL did not start, for a reason in its log. */
  | "E_STORE_START"
  /** The connection broke while the store was open; start again to go on from what is durable. */
  | "E_STORE_LOST"
  /** The database refused a change that the books' rules forbid: a bug, never bad input. */
  | "E_STORE_RULE";

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  /** What the reader can do about it. */
  readonly hint: string;

  constructor(code: StoreErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}

const sqlState = (error: unknown): string => (error as { code?: string } | null)?.code ?? "";
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Turns what PostgreSQL or its client threw into what it means for the store. */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const state = sqlState(error);
  if (state === "53100" || /No space left on device/.test(words(error))) {
    return new StoreError("E_STORE_FULL", "the disk is full", "free some space, then start again", error);
  }
  if (state === "XX001" || state === "XX002") {
    return new StoreError(
      "E_STORE_CORRUPT",
      `the database is damaged: ${words(error)}`,
      "restore it from a backup",
      error,
    );
  }
  if (/^(?:22|23|P0)/.test(state)) {
    return new StoreError(
      "E_STORE_RULE",
      words(error),
      "report this: the core and the store disagree",
      error,
    );
  }
  return new StoreError(
    "E_STORE_LOST",
    `the database no longer answers: ${words(error)}`,
    "start again: nothing acknowledged is lost",
    error,
  );
}
