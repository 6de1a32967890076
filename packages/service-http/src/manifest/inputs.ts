import type { Bytes, Digest } from "@weft/kernel";
import type { StreamInput } from "@weft/service";
import { z } from "zod";
import { type ContentName, content, size } from "./fields.ts";
import { type ManifestProblem, pathText } from "./problems.ts";
import { data } from "./schema.ts";

/*
 * The many inputs of a pipeline, as a person writes them (a folder, or files) and as they are sent: each with a name, its
 * digest and its size.
 */

/** Each step is handed the manifest, and each has an order of its own: more inputs than this are several streams. */
export const MOST_INPUTS = 256;
/** Stages that there may be times inputs: so many orders come in one message. */
export const MOST_STREAM_STEPS = 1536;

const FILE_NAME = /^(?!\.{1,2}$)[^/\\\p{Cc}]{1,128}$/u;
const input = z.strictObject({
  name: z
    .string()
    .regex(FILE_NAME, "at most 128 characters, as a file may be called")
    .optional()
    .describe("What it and its result are called. Default: as the file is."),
  content: content().describe("The input itself: a file, or the digest of what is already uploaded."),
  size: size().optional().describe("Its size. Taken from `content` where that is a file."),
});

/** A content alone stands for a group that names nothing else. */
const entry = z
  .union([content(), input])
  .transform((written) => ("kind" in written ? { content: written } : written));

const list = z
  .array(entry)
  .min(1, "at least one input")
  .meta({ maxItems: MOST_INPUTS })
  .superRefine((all, context) => {
    if (all.length <= MOST_INPUTS) return;
    const trouble = {
      code: "E_MANIFEST_VALUE",
      hint: "run the others as another stream after it, or several",
    };
    context.addIssue({ code: "custom", message: `at most ${MOST_INPUTS} inputs`, params: { trouble } });
  });

/** Where a pipeline's data is: one input, or many. */
export const streamData = z
  .strictObject({
    ...data.shape,
    inputs: z
      .union([z.string().min(1, "a folder").max(4096, "at most 4096 characters"), list])
      .optional()
      .describe(
        `Many inputs in the place of one, all through the same stages, in this order: at most ${MOST_INPUTS}. A folder: the files in it, by name.`,
      ),
  })
  .superRefine(({ content: one, input: bytes, inputs }, context) => {
    const other = one !== undefined ? "content" : bytes !== undefined ? "input" : null;
    if (inputs === undefined || other === null) return;
    context.addIssue({
      code: "custom",
      path: [other],
      message: "inputs or content, not both",
      params: { trouble: { code: "E_MANIFEST_VALUE", hint: `leave out data.${other}: inputs says it` } },
    });
  });

export type StreamData = z.output<typeof streamData>;

type Problem = Omit<ManifestProblem, "file" | "line">;

/** What a file's input is called: as the file is. */
const fileName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

/** What the inputs are called, in their order; those without a name or a file are numbered. */
export const inputNames = (
  inputs: readonly { readonly name?: string | undefined; readonly content: ContentName }[],
) =>
  inputs.map(
    ({ name, content }, i) => name ?? (content.kind === "file" ? fileName(content.path) : `input-${i + 1}`),
  );

/** Inputs as they are sent; refused where one is a file still, has no size, or is called as another. */
export function inputsOf(
  given: Exclude<StreamData["inputs"], undefined>,
):
  | { readonly ok: true; readonly value: readonly StreamInput[] }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  if (typeof given === "string")
    return { ok: false, problems: [onlyDigests(["spec", "data", "inputs"], given)] };
  const names = inputNames(given);
  const seen = new Set<string>();
  const problems: Problem[] = [];
  const read: StreamInput[] = [];
  for (const [i, { content, size }] of given.entries()) {
    const at = ["spec", "data", "inputs", i];
    const name = names[i]!;
    if (content.kind === "file") problems.push(onlyDigests([...at, "content"], content.path));
    else if (size === undefined) problems.push(noSize([...at, "size"]));
    else read.push({ name, digest: content.digest as Digest, size: size as Bytes });
    if (seen.has(name)) problems.push(sameName([...at, "name"], name));
    seen.add(name);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: read };
}

const onlyDigests = (path: readonly (string | number)[], found: string): Problem => ({
  code: "E_MANIFEST_FILE",
  message: "a file where only a digest will do",
  path: pathText(path),
  found: JSON.stringify(found),
  expected: "sha256: and 64 hex digits",
  hint: "weft run uploads files and names them by digest",
});

const noSize = (path: readonly (string | number)[]): Problem => ({
  code: "E_MANIFEST_MISSING",
  message: "the size of the content",
  path: pathText(path),
  found: "nothing",
  expected: "the content's size such as 50MB",
});

export const sameName = (path: readonly (string | number)[], name: string): Problem => ({
  code: "E_MANIFEST_VALUE",
  message: "two inputs of one name",
  path: pathText(path),
  found: JSON.stringify(name),
  expected: "a name that no other input has",
  hint: "{ name: NAME, content: FILE } gives it another",
});
