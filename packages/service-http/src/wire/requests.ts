import { type Bytes, canonicalText, type PublicKey } from "@weft/kernel";
import { z } from "zod";
import type { PageQuery } from "../asked.ts";
import { MANIFEST_CHARACTERS } from "../manifest/schema.ts";
import { parseSelector } from "../selector.ts";
import { role, signedOrder } from "./market.ts";
import { digest, instant, publicKey, quantity, signature } from "./quantities.ts";
import { TASK_PHASES } from "./views.ts";

/*
 * What the server takes, every part bounded. Strict: a field it does not know is a mistake of the asker's.
 */

/** The most items of one page. */
export const MOST_ITEMS = 1000;
export const DEFAULT_ITEMS = 100;

const manifest = z
  .string()
  .min(2)
  .max(MANIFEST_CHARACTERS)
  .describe("One manifest as canonical JSON, contents named by digest.");
const contents = z
  .array(z.strictObject({ digest: digest(), size: quantity<Bytes>("Bytes.") }))
  .max(64)
  .default([])
  .describe("What the program is made of, with sizes; put at the gateway of the data's site beforehand.");

export const submissionBody = z.strictObject({ manifest, contents, order: signedOrder });
export const planBody = z.strictObject({ manifest, contents });

export const tokenBody = z.strictObject({
  use: z.enum(["api", "join"]),
  account: z.string().min(1).max(128).optional().describe("Default: the asker's own."),
  role: role.optional().describe("Default: the asker's own; provider for joining."),
  note: z.string().max(200).default(""),
  expiresAt: instant().nullable().default(null),
});

export const keyBody = z.strictObject({
  key: publicKey(),
  note: z.string().max(200).default(""),
  proof: signature().describe('Of the canonical text {"account":ACCOUNT,"key":KEY,"kind":"weft/key/1"}.'),
});

/** What the holder of a key signs so that it may speak for an account. */
export const keyProofText = (account: string, key: PublicKey): string =>
  canonicalText({ kind: "weft/key/1", account, key });

const identifier = () => z.string().min(1).max(128);
const limit = z.coerce.number().int().min(1).max(MOST_ITEMS).default(DEFAULT_ITEMS);
const cursor = z
  .string()
  .max(256)
  .optional()
  .transform((text) => text ?? null);

const labels = z
  .string()
  .max(1024)
  .optional()
  .describe("Such as team=bookkeeping,tier!=cloud,gpu.")
  .transform((text, context) => {
    const selector = parseSelector(text ?? "");
    if (selector.ok) return selector.value;
    context.addIssue({ code: "custom", message: selector.refusal.expected ?? "a label selector" });
    return z.NEVER;
  });

const phases = z
  .string()
  .max(128)
  .optional()
  .describe(`Some of ${TASK_PHASES.join(", ")}, separated by commas.`)
  .transform((text, context) => {
    if (text === undefined) return undefined;
    const parsed = z.array(z.enum(TASK_PHASES)).safeParse(text.split(","));
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: `some of ${TASK_PHASES.join(", ")}` });
    return z.NEVER;
  });

export const pageQuery = z.strictObject({ limit, cursor }) satisfies z.ZodType<PageQuery>;
export const taskQuery = pageQuery.extend({
  name: identifier().optional(),
  phase: phases,
  node: identifier().optional(),
  labels,
});
export const contractQuery = pageQuery.extend({
  task: identifier().optional(),
  node: identifier().optional(),
});
export const usageQuery = pageQuery.extend({ task: identifier().optional() });
export const labelQuery = z.strictObject({ labels });

const SUBJECTS = ["task", "node", "link", "contract", "application"] as const;
export const eventsQuery = z.strictObject({
  after: z
    .string()
    .max(256)
    .optional()
    .describe("As the header Last-Event-ID; oldest: from the oldest event that is kept."),
  subjects: z
    .string()
    .max(128)
    .optional()
    .describe(`Some of ${SUBJECTS.join(", ")}, separated by commas. Default: all.`)
    .transform((text, context) => {
      const parsed = z.array(z.enum(SUBJECTS)).safeParse(text?.split(",") ?? [...SUBJECTS]);
      if (parsed.success) return parsed.data;
      context.addIssue({ code: "custom", message: `some of ${SUBJECTS.join(", ")}` });
      return z.NEVER;
    }),
});
export const logsQuery = z.strictObject({
  follow: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true"),
  after: z.coerce.number().int().min(0).default(0).describe("Only lines with a greater serial."),
});

export const taskParams = z.strictObject({
  task: identifier().describe("Id, or name: then the newest of it."),
});
export const nodeParams = z.strictObject({ node: identifier() });
export const contractParams = z.strictObject({ contract: identifier() });
export const accountParams = z.strictObject({ account: identifier() });
export const tokenParams = z.strictObject({ token: identifier() });
export const keyParams = z.strictObject({ key: publicKey() });
