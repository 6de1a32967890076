import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ContentReference } from "@weft/service";
import type { AnyManifest, ManifestSource, ParsedManifest, TaskManifest } from "@weft/service-http/manifest";
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
  const { contentsOf, manifestText, parseDocuments, withDigests, withField } = await import(
    "@weft/service-http/manifest"
  );
  const { fileContent } = await import("@weft/service-http/client");
  let given = parsed;
  if (input !== undefined) {
    const path = resolve(context.cwd, input);
    const again = parseDocuments(
      JSON.stringify(withField(parsed.source, ["spec", "data", "content"], path)),
      parsed.file,
    );
    if (!again.ok) throw misused(`--input: ${again.problems[0]?.message}`);
    given = { ...(again.manifests[0] as ParsedManifest<M>), lineOf: parsed.lineOf };
  }
  const base = parsed.file === "stdin" ? context.cwd : dirname(resolve(context.cwd, parsed.file));
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
