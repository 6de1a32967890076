import { type Canonical, canonicalText, type Digest } from "@weft/kernel";
import { type ContentPlace, contentsUnder, inputUnder } from "./content-places.ts";
import { inputNames, type StreamData } from "./inputs.ts";
import type { AnyManifest, ManifestSource } from "./parse.ts";

/** Every content that a manifest names, in the order of its fields. */
export function contentsOf(manifest: AnyManifest): readonly ContentPlace[] {
  if (manifest.kind === "Task") return contentsUnder(["spec"], manifest.spec);
  if (manifest.kind === "Pipeline") {
    const { data, layers } = manifest.spec;
    return [
      ...inputUnder(["spec"], data),
      ...streamUnder(["spec", "data", "inputs"], data?.inputs),
      ...layers.map(({ network }, i) => ({
        path: ["spec", "layers", i, "network"],
        name: network,
        role: "program" as const,
        size: null,
      })),
    ];
  }
  return manifest.spec.steps.flatMap((step, i) => contentsUnder(["spec", "steps", i], step));
}

function streamUnder(at: ContentPlace["path"], inputs: StreamData["inputs"]): readonly ContentPlace[] {
  if (inputs === undefined) return [];
  if (typeof inputs === "string") {
    return [{ path: at, name: { kind: "file", path: inputs }, role: "input", size: null }];
  }
  return inputs.map(({ content }, i) => {
    const own = [...at, i];
    return { path: [...own, "content"], name: content, role: "input", size: [...own, "size"] };
  });
}

/**
 * The manifest with each local file replaced by its digest, and the input's size by the exact one: what is
 * submitted, and what the consumer's order covers. Files missing from `known` stay as they are.
 */
export function withDigests(
  source: ManifestSource,
  manifest: AnyManifest,
  known: ReadonlyMap<string, { readonly digest: Digest; readonly size: number }>,
): ManifestSource {
  const copy = structuredClone(source);
  nameInputs(copy, manifest);
  for (const { path, name, size } of contentsOf(manifest)) {
    const content = name.kind === "file" ? known.get(name.path) : undefined;
    if (content === undefined) continue;
    put(copy, path, `sha256:${content.digest}`);
    if (size !== null) put(copy, size, `${content.size}B`);
  }
  return copy;
}

/** Inputs keep the names of their files. */
function nameInputs(copy: ManifestSource, manifest: AnyManifest): void {
  const inputs = manifest.kind === "Pipeline" ? manifest.spec.data?.inputs : undefined;
  if (inputs === undefined || typeof inputs === "string") return;
  const names = inputNames(inputs);
  for (const [i, { content, size }] of inputs.entries()) {
    const named = {
      name: names[i],
      content: content.kind === "file" ? content.path : `sha256:${content.digest}`,
    };
    put(copy, ["spec", "data", "inputs", i], size === undefined ? named : { ...named, size: `${size}B` });
  }
}

/** The manifest with a field set, groups on the way made where they are missing. */
export function withField(
  source: ManifestSource,
  path: readonly (string | number)[],
  value: unknown,
): ManifestSource {
  const copy = structuredClone(source);
  put(copy, path, value);
  return copy;
}

function put(root: ManifestSource, path: readonly (string | number)[], value: unknown): void {
  let group = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) group = (group[step] ??= {}) as Record<string | number, unknown>;
  group[path.at(-1)!] = value;
}

/** The one text of a manifest that is sent, signed and stored: canonical JSON. */
export const manifestText = (source: ManifestSource): string => canonicalText(source as Canonical);
