/**
 * A refusal: the value every floor returns instead of throwing when it cannot or will not do what was asked.
 * `code` is stable and part of the interface; the words may change.
 */
export interface Refusal<Code extends string = string> {
  readonly code: Code;
  /** What is wrong, in one line. */
  readonly message: string;
  /** Path of the offending field, such as `spec.network.delay`. */
  readonly path?: string;
  /** What was found there. */
  readonly found?: string;
  /** What was expected there. */
  readonly expected?: string;
  /** What the asker can do about it. */
  readonly hint?: string;
}

export type Result<T, R extends Refusal = Refusal> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: R };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export function refuse<Code extends string>(
  code: Code,
  message: string,
  detail: Omit<Refusal<Code>, "code" | "message"> = {},
): { readonly ok: false; readonly refusal: Refusal<Code> } {
  return { ok: false, refusal: { code, message, ...detail } };
}
