import {
  type Currency,
  type Digest,
  type Instant,
  type Money,
  parseBitRate,
  parseByteRate,
  parseBytes,
  parseComputingPower,
  parseMoney,
  parseTime,
  parseWork,
  type Result,
} from "@weft/kernel";
import { z } from "zod";

/*
 * The kinds of field a manifest has. Each takes the human form and gives base units. A message here is what was
 * *expected* ("a time such as 20ms"): problems.ts sets what was found beside it.
 */

/** The one currency manifests are read in. */
export const CURRENCY: Currency = "CNY";

/** What a field's own check says besides the message; problems.ts reads it back from the issue. */
export interface FieldTrouble {
  readonly code: "E_MANIFEST_UNIT" | "E_MANIFEST_VALUE" | "E_PRICE_NEGATIVE";
  readonly hint?: string;
}

function field<T>(
  expected: string,
  example: string,
  pattern: string,
  read: (text: string) => Result<T>,
  positive = false,
) {
  return z
    .unknown()
    .meta({ type: "string", pattern, examples: [example] })
    .transform((found, context): T => {
      const text = typeof found === "string" || typeof found === "number" ? String(found) : "";
      const parsed = read(text);
      if (parsed.ok && !(positive && parsed.value === 0)) return parsed.value;
      const hint = parsed.ok ? "leave it out for no demand" : parsed.refusal.hint;
      const trouble: FieldTrouble = { code: "E_MANIFEST_UNIT", ...(hint === undefined ? {} : { hint }) };
      context.addIssue({ code: "custom", message: expected, params: { trouble } });
      return z.NEVER;
    });
}

const NUMBER = "\\d+\\.?\\d*(?:[eE][+-]?\\d+)?\\s*";

export const time = () =>
  field("a time such as 20ms", "20ms", `^${NUMBER}(?:ns|us|µs|ms|s|m|min|h|d)$`, parseTime, true);
export const size = () =>
  field("a size such as 50MB", "50MB", `^${NUMBER}(?:[kKMGTPE]?B|[KMGTP]i|[KMGTP]iB)$`, parseBytes);
export const byteRate = () =>
  field("a throughput such as 20MB/s", "20MB/s", `^${NUMBER}(?:[kMGTPE]?B/s|[KMGTP]iB/s)$`, parseByteRate);
export const bitRate = () =>
  field("a bandwidth such as 50Mbps", "50Mbps", `^${NUMBER}[kKMGTPE]?(?:bps|b/s|bit/s)$`, parseBitRate);
export const work = () =>
  field("an amount of work such as 9.1 GFLOP", "9.1 GFLOP", `^${NUMBER}[kMGTPE]?(?:FLOP|OP|op)$`, parseWork);
export const computingPower = () =>
  field(
    "a computing power such as 20 GFLOPS",
    "20 GFLOPS",
    `^${NUMBER}[kMGTPE]?(?:FLOPS|OPS|FLOP/s|OP/s|op/s)$`,
    parseComputingPower,
  );
export const amount = () =>
  field(
    `an amount of at least zero such as 0.0010 ${CURRENCY}`,
    `0.0010 ${CURRENCY}`,
    `^\\d{1,15}(?:\\.\\d{1,6})?\\s*(?:${CURRENCY})?$`,
    (text): Result<Money> => {
      const parsed = parseMoney(text, CURRENCY);
      if (!parsed.ok) {
        return { ok: false, refusal: { ...parsed.refusal, hint: moneyHint(parsed.refusal.code) } };
      }
      return parsed.value >= 0n
        ? parsed
        : { ok: false, refusal: { code: "E_UNIT_MONEY", message: "less than nothing" } };
    },
  );
const moneyHint = (code: string): string =>
  code === "E_UNIT_CURRENCY" ? `the books are kept in ${CURRENCY}` : "money has at most six decimals";

/** A moment as RFC 3339 says it, its offset from UTC included. */
export const moment = () =>
  field(
    "a moment such as 2026-11-22T22:00:00Z",
    "2026-11-22T22:00:00Z",
    "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,6})?(?:Z|[+-]\\d{2}:\\d{2})$",
    (text): Result<Instant> => {
      const matches = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
      const millis = matches ? Date.parse(text) : Number.NaN;
      const zone = "name the offset from UTC: Z, or such as +08:00";
      return Number.isNaN(millis) || millis < 0
        ? { ok: false, refusal: { code: "E_UNIT_MOMENT", message: "no moment", hint: zone } }
        : { ok: true, value: (millis * 1000) as Instant };
    },
  );

/** A share such as 0.001 or 0.1%. */
export const ratio = () =>
  z
    .unknown()
    .meta({ type: ["number", "string"], examples: [1e-9, "0.1%"] })
    .transform((found, context): number => {
      const match =
        typeof found === "string" ? /^(\d+\.?\d*(?:[eE][+-]?\d+)?)\s*(%?)$/.exec(found.trim()) : null;
      const value =
        typeof found === "number"
          ? found
          : match === null
            ? Number.NaN
            : Number(match[1]) / (match[2] ? 100 : 1);
      if (value >= 0 && value <= 1) return value;
      context.addIssue({
        code: "custom",
        message: "a share between 0 and 1, such as 1e-9 or 0.1%",
        params: {
          trouble: {
            code: "E_MANIFEST_VALUE",
            ...(value > 1 && value <= 100 ? { hint: `did you mean ${value}%?` } : {}),
          },
        },
      });
      return z.NEVER;
    });

const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
export const name = () =>
  z.string().regex(NAME, "at most 63 lower-case letters, digits, - and ., a letter or digit at each end");

const IDENTIFIER = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
/** A site, a domain, a node. */
export const identifier = () =>
  z.string().regex(IDENTIFIER, "at most 63 letters, digits, -, _ and ., a letter or digit at each end");

const LABEL_KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
/** Labels in Kubernetes's manner: short keys and short values, both text. */
export const labels = () =>
  z
    .record(z.string().regex(LABEL_KEY, "a label's key: at most 63 letters, digits, -, _, . and /"), line(63))
    .refine((all) => Object.keys(all).length <= 64, "at most 64 labels");

/** Text without control characters. */
export const line = (longest: number) =>
  z
    .string()
    .max(longest, `at most ${longest} characters`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is kept out
    .regex(/^[^\u0000-\u001f\u007f]*$/, "text without control characters");

/** Arguments and environments may hold line breaks, but no NUL: the system ends them there. */
export const argument = () =>
  z
    .string()
    .max(8192, "at most 8192 characters")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is kept out
    .regex(/^[^\u0000]*$/, "text without NUL characters");

export const environment = () =>
  z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "a variable's name such as LOG_LEVEL"),
      argument(),
    )
    .refine((all) => Object.keys(all).length <= 128, "at most 128 variables");

/** A content: named by what it is, or by a local file that the client uploads and names by what it is. */
export type ContentName =
  | { readonly kind: "digest"; readonly digest: Digest }
  | { readonly kind: "file"; readonly path: string };

const DIGEST = /^sha256:([0-9a-f]{64})$/;
export const content = () =>
  z
    .string()
    .min(1, "a file's path, or sha256: and 64 hex digits")
    .max(4096, "at most 4096 characters")
    .meta({ examples: ["scan-log.wasm", `sha256:${"0".repeat(64)}`] })
    .transform((text, context): ContentName => {
      const digest = DIGEST.exec(text)?.[1];
      if (digest !== undefined) return { kind: "digest", digest };
      if (!text.startsWith("sha256:") && !text.includes("\0")) return { kind: "file", path: text };
      context.addIssue({
        code: "custom",
        message: "a file's path, or sha256: and 64 lower-case hex digits",
        params: { trouble: { code: "E_MANIFEST_VALUE" } },
      });
      return z.NEVER;
    });
