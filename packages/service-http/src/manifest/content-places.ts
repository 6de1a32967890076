import type { ContentName } from "./fields.ts";
import type { TaskManifest } from "./schema.ts";

/** A place in a manifest that names a content. */
export interface ContentPlace {
  readonly path: readonly (string | number)[];
  readonly name: ContentName;
  readonly role: "input" | "program";
  /** Where the size of an input stands beside it; null: nowhere. */
  readonly size: readonly (string | number)[] | null;
}

/** The input under a group of fields. */
export function inputUnder(at: ContentPlace["path"], data: TaskManifest["spec"]["data"]): ContentPlace[] {
  if (data?.content === undefined) return [];
  const size = [...at, "data", "input"];
  return [{ path: [...at, "data", "content"], name: data.content, role: "input", size }];
}

/** Every content that the group of fields of one task names, in their order. */
export function contentsUnder(
  at: ContentPlace["path"],
  { data, run }: Pick<TaskManifest["spec"], "data" | "run">,
): ContentPlace[] {
  const places = inputUnder(at, data);
  if (run.wasm !== undefined) {
    places.push({
      path: [...at, "run", "wasm", "module"],
      name: run.wasm.module,
      role: "program",
      size: null,
    });
  }
  run.model?.onnx.forEach((name, i) => {
    places.push({ path: [...at, "run", "model", "onnx", i], name, role: "program", size: null });
  });
  return places;
}
