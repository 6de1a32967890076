import type { Refusal } from "@weft/kernel";
import { type ApiError, statusOf } from "../server/errors.ts";

/** A refusal in the form that TM Forum's APIs give (TMF630, part 1): our code, and what went wrong, in words. */
export function tmfError({ refusal, others = [] }: ApiError): {
  readonly status: number;
  readonly body: object;
} {
  const status = statusOf(refusal.code);
  const said = [refusal, ...others].map(wordsOf).join("; ");
  return {
    status,
    body: { code: refusal.code, reason: refusal.message, message: said, status: String(status) },
  };
}

const wordsOf = ({ message, path, found, expected, hint }: Refusal): string =>
  [
    path === undefined ? message : `${path}: ${message}`,
    found === undefined ? "" : `found ${found}`,
    expected === undefined ? "" : `expected ${expected}`,
    hint ?? "",
  ]
    .filter((part) => part !== "")
    .join(", ");
