import type { Refusal } from "@weft/kernel";
import type { z } from "zod";
import { explainIssue, valueIn } from "../manifest/problems.ts";

/** A refusal on its way out, with the others of its kind where there are several. */
export interface ApiError {
  readonly refusal: Refusal;
  readonly others?: readonly Refusal[];
}

const STATUS: Readonly<Record<string, number>> = {
  E_REQUEST: 400,
  E_UNAUTHENTICATED: 401,
  E_FORBIDDEN: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_CONFLICT: 409,
  E_EVENTS_GONE: 410,
  E_TOO_LARGE: 413,
  E_MEDIA_TYPE: 415,
  E_TOO_MANY: 429,
  E_INTERNAL: 500,
  E_UNAVAILABLE: 503,
};

/** The HTTP status of a refusal: what was asked is understood but not done (422) unless its code says more. */
export const statusOf = (code: string): number => STATUS[code] ?? 422;

/** The one form in which the API says no. */
export const errorBody = ({ refusal, others = [] }: ApiError): string =>
  JSON.stringify({ error: { ...refusal, ...(others.length > 0 ? { others } : {}) } });

/** What a request's part got wrong, each with its path from `part` on. */
export function requestError(part: string, schema: z.ZodType, input: unknown, error: z.ZodError): ApiError {
  const [refusal, ...others] = error.issues
    .flatMap((issue) => explainIssue(issue, schema, (path) => valueIn(input, path)))
    .map(
      ({ at: _, path, ...what }): Refusal => ({
        ...what,
        code: "E_REQUEST",
        path: path ? `${part}.${path}` : part,
      }),
    );
  return { refusal: refusal ?? { code: "E_REQUEST", message: "not understood", path: part }, others };
}

export const UNAUTHENTICATED: Refusal = {
  code: "E_UNAUTHENTICATED",
  message: "no valid token",
  expected: "Authorization: Bearer <token>",
  hint: "weft up writes one into .weft; WEFT_TOKEN or --token give another",
};

export const NO_ROUTE: Refusal = {
  code: "E_NOT_FOUND",
  message: "no such path",
  hint: "GET /openapi.json lists what there is",
};

export const INTERNAL: Refusal = {
  code: "E_INTERNAL",
  message: "the manager failed at this",
  hint: "its log says more; retrying the same request is safe",
};
