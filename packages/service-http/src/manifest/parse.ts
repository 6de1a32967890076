import { assert } from "@weft/kernel";
import { type Document, isMap, isPair, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import { z } from "zod";
import { type ApplicationManifest, applicationManifest } from "./application.ts";
import { type PipelineManifest, pipelineManifest } from "./pipeline.ts";
import { explainIssue, type ManifestProblem, valueIn } from "./problems.ts";
import { API_VERSION, MANIFEST_CHARACTERS, type TaskManifest, taskManifest } from "./schema.ts";

/** More documents than this in one file are submitted in several. */
const MANIFEST_DOCUMENTS = 256;

/** A manifest of any kind that can be submitted. */
export type AnyManifest = TaskManifest | WholeManifest;
/** Of what runs as several tasks. */
export type WholeManifest = ApplicationManifest | PipelineManifest;

/** One manifest of a file: as it was written, and what it was read as. */
export interface ParsedManifest<M extends AnyManifest = TaskManifest> {
  readonly file: string;
  /** Line on which it starts. */
  readonly line: number;
  /** As written: human units, local file names. What is formatted back. */
  readonly source: ManifestSource;
  readonly manifest: M;
  /** Line of a field, or of the nearest group around it. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Plain data as in the file. */
export type ManifestSource = { readonly [key: string]: unknown };

export type ParsedManifests<M extends AnyManifest = TaskManifest> =
  | { readonly ok: true; readonly manifests: readonly ParsedManifest<M>[] }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] };

/**
 * Reads every task of a YAML 1.2 (or JSON) text, checked to the last field, quantities in base units: documents, or lists
 * of them (`kind: List`). Refuses with everything that is wrong, in the order of the lines.
 */
export const parseManifests = (text: string, file: string): ParsedManifests => parseAll(text, file, TASKS);

/** The same of a text that may hold applications too. */
export const parseDocuments = (text: string, file: string): ParsedManifests<AnyManifest> =>
  parseAll(text, file, ANY_KIND);

function parseAll<M extends AnyManifest>(text: string, file: string, kinds: Kinds<M>): ParsedManifests<M> {
  const lines = new LineCounter();
  const refuse = (line: number, message: string, hint?: string): ParsedManifests<M> => ({
    ok: false,
    problems: [{ file, line, code: "E_MANIFEST_SYNTAX", message, ...(hint === undefined ? {} : { hint }) }],
  });
  if (text.length > MANIFEST_CHARACTERS) return refuse(1, `longer than ${MANIFEST_CHARACTERS} characters`);
  let documents: Document[];
  try {
    documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" })];
  } catch (error) {
    // Nesting deeper than the stack: nothing a task has.
    if (error instanceof RangeError) return refuse(1, "nested too deeply");
    throw error;
  }
  const filled = documents.filter((document) => document.contents !== null || document.errors.length > 0);
  if (filled.length === 0) return refuse(1, "no manifest in it", "docs/guides/first-task.md shows one");
  if (filled.length > MANIFEST_DOCUMENTS) return refuse(1, `more than ${MANIFEST_DOCUMENTS} documents`);
  const read = filled.flatMap((document) => readDocument(document, lines, file, kinds));
  const problems = read.flatMap((one) => ("problems" in one ? one.problems : []));
  if (problems.length > 0) return { ok: false, problems: problems.sort((a, b) => a.line - b.line) };
  if (read.length === 0) return refuse(1, "no manifest in it");
  if (read.length > MANIFEST_DOCUMENTS) return refuse(1, `more than ${MANIFEST_DOCUMENTS} manifests`);
  return { ok: true, manifests: read.filter((one) => "manifest" in one) };
}

/** The kinds of manifest that one reading takes, each with its schema. */
type Kinds<M extends AnyManifest> = { readonly [K in M["kind"]]: z.ZodType<Extract<M, { kind: K }>> };
const TASKS: Kinds<TaskManifest> = { Task: taskManifest };
const APPLICATIONS: Kinds<WholeManifest> = { Application: applicationManifest, Pipeline: pipelineManifest };
const ANY_KIND: Kinds<AnyManifest> = { ...TASKS, ...APPLICATIONS };

/** A list of manifests as Kubernetes has it. */
const manifestList = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("List"),
  items: z.array(z.looseObject({})).max(MANIFEST_DOCUMENTS, `at most ${MANIFEST_DOCUMENTS} manifests`),
});

/**
 * Reads one task's manifest as it is sent and stored: JSON. As strict as `parseManifests` and much faster, since nobody
 * wants the lines of what a program wrote.
 */
export const parseSentManifest = (text: string): ParsedManifests => parseSent(text, TASKS);

/** The same for an application's or a pipeline's. */
export const parseSentApplication = (text: string): ParsedManifests<WholeManifest> =>
  parseSent(text, APPLICATIONS);

function parseSent<M extends AnyManifest>(text: string, kinds: Kinds<M>): ParsedManifests<M> {
  const file = "manifest";
  const source = text.length > MANIFEST_CHARACTERS ? undefined : jsonOf(text);
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    const message = `not a JSON object of at most ${MANIFEST_CHARACTERS} characters`;
    return { ok: false, problems: [{ file, line: 1, code: "E_MANIFEST_SYNTAX", message }] };
  }
  const read = readSource(source as ManifestSource, file, () => 1, kinds);
  return "problems" in read ? { ok: false, problems: read.problems } : { ok: true, manifests: [read] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Reading<M extends AnyManifest> = ParsedManifest<M> | { readonly problems: readonly ManifestProblem[] };

function readDocument<M extends AnyManifest>(
  document: Document,
  lines: LineCounter,
  file: string,
  kinds: Kinds<M>,
): readonly Reading<M>[] {
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const start = lineAt(document.contents?.range?.[0] ?? document.range?.[0] ?? 0);
  const syntax = (line: number, message: string): readonly Reading<M>[] => [
    { problems: [{ file, line, code: "E_MANIFEST_SYNTAX", message }] },
  ];
  const first = document.errors[0];
  if (first !== undefined) return syntax(lineAt(first.pos[0]), first.message.split("\n")[0] as string);
  const alias = firstAlias(document);
  if (alias !== null) return syntax(lineAt(alias), "aliases are not read here: write the value out");
  if (!isMap(document.contents))
    return syntax(start, "a manifest is a group of fields: apiVersion, kind, metadata, spec");

  const source = document.toJS() as ManifestSource;
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(offsetOf(document, path) ?? 0);
  if (source.kind !== "List") return [readSource(source, file, lineOf, kinds)];
  const list = manifestList.safeParse(source);
  if (!list.success) return [{ problems: problemsOf(list.error, manifestList, source, file, lineOf) }];
  return list.data.items.map((item, i) =>
    readSource(item, file, (path) => lineOf(["items", i, ...path]), kinds),
  );
}

function readSource<M extends AnyManifest>(
  source: ManifestSource,
  file: string,
  lineOf: ParsedManifest["lineOf"],
  kinds: Kinds<M>,
): Reading<M> {
  const names = Object.keys(kinds) as M["kind"][];
  const kind = names.find((name) => name === source.kind);
  if (kind === undefined && names.length > 1) return { problems: [unknownKind(source, file, lineOf, names)] };
  const schema: z.ZodType<M> = kinds[kind ?? names[0]!] as unknown as z.ZodType<M>;
  const checked = schema.safeParse(source);
  if (checked.success) return { file, line: lineOf([]), source, manifest: checked.data, lineOf };
  return { problems: problemsOf(checked.error, schema, source, file, lineOf) };
}

function unknownKind(
  source: ManifestSource,
  file: string,
  lineOf: ParsedManifest["lineOf"],
  names: readonly string[],
): ManifestProblem {
  const kinds = z.looseObject({ kind: z.enum([...names, "List"]) });
  const checked = kinds.safeParse(source);
  const [problem] = checked.success ? [] : problemsOf(checked.error, kinds, source, file, lineOf);
  assert(problem !== undefined, "a kind that no schema is of");
  return problem;
}

function problemsOf(
  error: z.ZodError,
  schema: z.ZodType,
  source: ManifestSource,
  file: string,
  lineOf: ParsedManifest["lineOf"],
): readonly ManifestProblem[] {
  return error.issues
    .flatMap((issue) => explainIssue(issue, schema, (path) => valueIn(source, path)))
    .map(({ at, ...problem }) => ({ file, line: lineOf(at), ...problem }));
}

/** Where the first alias stands; null where there is none. */
export function firstAlias(document: Document): number | null {
  let offset: number | null = null;
  visit(document, {
    Alias: (_, node) => {
      offset = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Where the field stands in the text: its key, or the deepest group around it that is there. */
export function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset = (node as { range?: [number] } | null)?.range?.[0];
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) return offset;
      offset = (pair.key as { range?: [number] }).range?.[0] ?? offset;
      node = pair.value;
      continue;
    }
    const item = (node as { items?: readonly unknown[] } | null)?.items?.[Number(step)];
    if (item === undefined) return offset;
    offset = (item as { range?: [number] }).range?.[0] ?? offset;
    node = item;
  }
  return offset;
}
