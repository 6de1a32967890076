import { type Document, isMap, isPair, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import { explainIssue, type ManifestProblem } from "./problems.ts";
import { MANIFEST_CHARACTERS, type TaskManifest, taskManifest } from "./schema.ts";

/** More documents than this in one file are submitted in several. */
export const MANIFEST_DOCUMENTS = 256;

/** One manifest of a file: as it was written, and what it was read as. */
export interface ParsedManifest {
  readonly file: string;
  /** Line on which it starts. */
  readonly line: number;
  /** As written: human units, local file names. What is formatted back. */
  readonly source: ManifestSource;
  readonly manifest: TaskManifest;
  /** Line of a field, or of the nearest group around it. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Plain data as in the file. */
export type ManifestSource = { readonly [key: string]: unknown };

export type ParsedManifests =
  | { readonly ok: true; readonly manifests: readonly ParsedManifest[] }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] };

/**
 * Reads every manifest of a YAML 1.2 (or JSON) text, checked to the last field, quantities in base units. Refuses with
 * everything that is wrong, in the order of the lines.
 */
export function parseManifests(text: string, file: string): ParsedManifests {
  const lines = new LineCounter();
  const refuse = (line: number, message: string, hint?: string): ParsedManifests => ({
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
  const read = filled.map((document) => readDocument(document, lines, file));
  const problems = read.flatMap((one) => ("problems" in one ? one.problems : []));
  if (problems.length > 0) return { ok: false, problems: problems.sort((a, b) => a.line - b.line) };
  return { ok: true, manifests: read.filter((one) => "manifest" in one) };
}

/**
 * Reads one manifest as it is sent and stored: JSON. As strict as `parseManifests` and much faster, since nobody
 * wants the lines of what a program wrote.
 */
export function parseSentManifest(text: string): ParsedManifests {
  const file = "manifest";
  const source = text.length > MANIFEST_CHARACTERS ? undefined : jsonOf(text);
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    const message = `not a JSON object of at most ${MANIFEST_CHARACTERS} characters`;
    return { ok: false, problems: [{ file, line: 1, code: "E_MANIFEST_SYNTAX", message }] };
  }
  const read = readSource(source as ManifestSource, file, () => 1);
  return "problems" in read ? { ok: false, problems: read.problems } : { ok: true, manifests: [read] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readDocument(
  document: Document,
  lines: LineCounter,
  file: string,
): ParsedManifest | { readonly problems: readonly ManifestProblem[] } {
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const start = lineAt(document.contents?.range?.[0] ?? document.range?.[0] ?? 0);
  const syntax = (line: number, message: string): { readonly problems: readonly ManifestProblem[] } => ({
    problems: [{ file, line, code: "E_MANIFEST_SYNTAX", message }],
  });
  const first = document.errors[0];
  if (first !== undefined) return syntax(lineAt(first.pos[0]), first.message.split("\n")[0] as string);
  const alias = firstAlias(document);
  if (alias !== null) return syntax(lineAt(alias), "aliases are not read here: write the value out");
  if (!isMap(document.contents))
    return syntax(start, "a manifest is a group of fields: apiVersion, kind, metadata, spec");

  const source = document.toJS() as ManifestSource;
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(offsetOf(document, path) ?? 0);
  return readSource(source, file, lineOf);
}

function readSource(
  source: ManifestSource,
  file: string,
  lineOf: ParsedManifest["lineOf"],
): ParsedManifest | { readonly problems: readonly ManifestProblem[] } {
  const checked = taskManifest.safeParse(source);
  if (checked.success) return { file, line: lineOf([]), source, manifest: checked.data, lineOf };
  const valueAt = (path: readonly PropertyKey[]): unknown =>
    path.reduce<unknown>(
      (value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step],
      source,
    );
  return {
    problems: checked.error.issues
      .flatMap((issue) => explainIssue(issue, taskManifest, valueAt))
      .map(({ at, ...problem }) => ({ file, line: lineOf(at), ...problem })),
  };
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
