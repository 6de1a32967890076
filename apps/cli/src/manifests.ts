import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { ContentReference } from "@weft/service";
import type {
  AnyManifest,
  ManifestProblem,
  ManifestSource,
  ParsedManifest,
  TaskManifest,
} from "@weft/service-http/manifest";
import type { Context } from "./context.ts";
import { Failure, misused, unusable } from "./failure.ts";

/** A manifest ready to be sent, and the local files behind its digests. */
export interface ReadyManifest<M extends AnyManifest = TaskManifest> {
  readonly name: string;
  /** With contents by digest. */
  readonly source: ManifestSource;
  readonly parsed: ParsedManifest<M>;
  /** Canonical text of `source`: what is sent, and what the order covers. */
  readonly text: string;
  readonly files: readonly LocalContent[];
  /** What the program is made of. */
  readonly contents: readonly ContentReference[];
}

export interface LocalContent {
  readonly path: string;
  readonly content: ContentReference;
  readonly role: "input" | "program";
}

export const FILE_OPTION = ["-f, --filename <file>", "manifest to read; - for standard input"] as const;

/** Reads a manifest file (`-`: standard input); refused with every problem in it, exit code 2. */
export async function readManifests(context: Context, filename: string): Promise<readonly ParsedManifest[]> {
  const { parseManifests, formatProblem } = await import("@weft/service-http/manifest");
  const parsed = parseManifests(readText(context, filename), filename === "-" ? "stdin" : filename);
  if (parsed.ok) return parsed.manifests;
  throw new Failure(parsed.problems.map(formatProblem).join("\n"), 2);
}

/** The same of a file that may hold applications too. */
export async function readDocuments(
  context: Context,
  filename: string,
): Promise<readonly ParsedManifest<AnyManifest>[]> {
  const { parseDocuments, formatProblem } = await import("@weft/service-http/manifest");
  const parsed = parseDocuments(readText(context, filename), filename === "-" ? "stdin" : filename);
  if (parsed.ok) return parsed.manifests;
  throw new Failure(parsed.problems.map(formatProblem).join("\n"), 2);
}

export const isTask = (parsed: ParsedManifest<AnyManifest>): parsed is ParsedManifest =>
  parsed.manifest.kind === "Task";

/** A file of the command line (`-`: standard input). */
export function readText(context: Context, filename: string): string {
  try {
    return readFileSync(filename === "-" ? 0 : resolve(context.cwd, filename), "utf8");
  } catch (error) {
    throw unusable(filename, error);
  }
}

/**
 * Looks at every local file that a manifest names (relative to the manifest) and puts its digest in its place.
 * `input` takes the place of the manifest's own input.
 */
export async function readyManifest<M extends AnyManifest>(
  context: Context,
  parsed: ParsedManifest<M>,
  input?: string,
): Promise<ReadyManifest<M>> {
  const { contentsOf, manifestText, withDigests } = await import("@weft/service-http/manifest");
  const { fileContent } = await import("@weft/service-http/client");
  const base = parsed.file === "stdin" ? context.cwd : dirname(resolve(context.cwd, parsed.file));
  const given = await withFolder(
    input === undefined ? parsed : await withInput(parsed, resolve(context.cwd, input)),
    base,
  );
  const known = new Map<string, ContentReference>();
  const files: LocalContent[] = [];
  for (const { name, path, role } of contentsOf(given.manifest)) {
    if (name.kind !== "file" || known.has(name.path)) continue;
    const file = resolve(base, name.path);
    const content = await fileContent(file);
    if (!content.ok) {
      const line = `${parsed.file}:${parsed.lineOf(path)}  ${path.join(".")}`;
      throw new Failure(`${line}  ${content.refusal.message}: ${file}  [E_MANIFEST_FILE]`, 2);
    }
    known.set(name.path, content.value);
    files.push({ path: file, content: content.value, role });
  }
  const source = withDigests(given.source, given.manifest, known);
  const contents = files.filter(({ role }) => role === "program").map(({ content }) => content);
  return {
    name: parsed.manifest.metadata.name,
    source,
    parsed: given,
    text: manifestText(source),
    files,
    contents,
  };
}

/** The manifest with this file, or all files of this folder, in the place of its own input. */
async function withInput<M extends AnyManifest>(
  parsed: ParsedManifest<M>,
  path: string,
): Promise<ParsedManifest<M>> {
  const pipeline = parsed.manifest.kind === "Pipeline";
  const field = pipeline && isFolder(path) ? "inputs" : "content";
  return again(
    parsed,
    pipeline ? withoutInput(parsed.source) : parsed.source,
    ["spec", "data", field],
    path,
    ({ message }) => misused(`--input: ${message}`),
  );
}

/** What a pipeline's manifest says of its input taken out: one and many are not said together. */
function withoutInput(source: ManifestSource): ManifestSource {
  const spec = source.spec as { readonly data?: Readonly<Record<string, unknown>> };
  const { inputs: _, content: __, input: ___, ...data } = spec.data ?? {};
  return { ...source, spec: { ...spec, data } };
}

/** A pipeline whose inputs are a folder, with the files in it: by name, but for hidden ones. */
async function withFolder<M extends AnyManifest>(
  parsed: ParsedManifest<M>,
  base: string,
): Promise<ParsedManifest<M>> {
  const inputs = parsed.manifest.kind === "Pipeline" ? parsed.manifest.spec.data?.inputs : undefined;
  if (inputs === undefined) return parsed;
  const { formatProblem, inputNames, sameName } = await import("@weft/service-http/manifest");
  const at = ["spec", "data", "inputs"];
  const refused = (problem: Omit<ManifestProblem, "file" | "line">): Failure =>
    new Failure(formatProblem({ ...problem, file: parsed.file, line: parsed.lineOf(at) }), 2);
  if (typeof inputs === "string") {
    const files = filesIn(resolve(base, inputs));
    if (files === null) throw refused(noFolder(inputs));
    return again(parsed, parsed.source, at, files, refused);
  }
  const names = inputNames(inputs);
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice >= 0) throw refused(sameName([...at, twice], names[twice]!));
  return parsed;
}

const noFolder = (found: string): Omit<ManifestProblem, "file" | "line"> => ({
  code: "E_MANIFEST_FILE",
  message: "no folder that can be read",
  path: "spec.data.inputs",
  found: JSON.stringify(found),
  expected: "a folder that can be read",
  hint: "files are named in a list",
});

/** By name; null: no folder that can be read. */
function filesIn(folder: string): readonly { readonly name: string; readonly content: string }[] | null {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map(({ name }) => ({ name, content: join(folder, name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return null;
  }
}

/** A manifest read once more with a field set. */
async function again<M extends AnyManifest>(
  parsed: ParsedManifest<M>,
  source: ManifestSource,
  path: readonly (string | number)[],
  value: unknown,
  refused: (problem: ManifestProblem) => Failure,
): Promise<ParsedManifest<M>> {
  const { parseDocuments, withField } = await import("@weft/service-http/manifest");
  const read = parseDocuments(JSON.stringify(withField(source, path, value)), parsed.file);
  if (!read.ok) throw refused(read.problems[0]!);
  return { ...(read.manifests[0] as ParsedManifest<M>), lineOf: parsed.lineOf };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
