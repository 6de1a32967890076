import { ok, type Result, refuse } from "@weft/kernel";
import type { Contract, SignedMeasurement, SignedTreeHead, SignedUsage } from "@weft/market";
import { z } from "zod";
import { signedHead } from "../log/routes.ts";
import { contract, contractView, signedUsage, usageView } from "../wire/market.ts";

/*
 * Papers that somebody kept as files, to be checked without any server: as the API tells them, or the bare paper.
 */

const logFile = z.looseObject({ entries: z.array(z.string()), heads: z.array(signedHead) });

/** A contract, and what was measured of what it promises. */
export interface ContractPaper {
  readonly contract: Contract;
  readonly measurements: readonly SignedMeasurement[];
}

/** A contract, bare or as `weft get contract ID -o json` prints it. */
export function readContract(text: string): Result<ContractPaper> {
  const json = parse(text);
  const view = contractView.safeParse(json);
  if (view.success && view.data.document !== null) {
    return ok({ contract: view.data.document, measurements: view.data.measurements });
  }
  const bare = contract.safeParse(json);
  return bare.success
    ? ok({ contract: bare.data, measurements: [] })
    : notA("contract", bare.error, "save one with: weft get contract ID -o json > contract.json");
}

/** A usage record, bare or as `weft get usage ID -o json` prints it. */
export function readUsage(text: string): Result<SignedUsage> {
  const json = parse(text);
  const view = usageView.safeParse(json);
  if (view.success) return ok(view.data.usage);
  const bare = signedUsage.safeParse(json);
  return bare.success
    ? ok(bare.data)
    : notA("usage record", bare.error, "save one with: weft get usage ID -o json > usage.json");
}

/** A log's entries and any signed heads of it, as `{"entries": [...], "heads": [...]}`. */
export function readLog(
  text: string,
): Result<{ readonly entries: readonly string[]; readonly heads: readonly SignedTreeHead[] }> {
  const read = logFile.safeParse(parse(text));
  return read.success
    ? ok(read.data)
    : notA("log", read.error, 'a log file is {"entries": [...], "heads": [...]}');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notA(what: string, error: z.ZodError, hint: string) {
  const issue = error.issues[0];
  return refuse("E_FILE", `not a ${what}`, {
    path: issue?.path.join(".") ?? "",
    found: issue?.message ?? "",
    hint,
  });
}
