import { isMap, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { firstAlias, offsetOf } from "./parse.ts";
import { explainIssue, type ManifestProblem, valueIn } from "./problems.ts";

export type ReadDocument<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Line of a field, or of the nearest group around it. */
      readonly lineOf: (path: readonly PropertyKey[]) => number;
    }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] };

/**
 * Reads one YAML 1.2 document against a schema of any kind, as strictly and with the same words as a manifest:
 * everything that is wrong, with its line, in the order of the lines. `amend` may change the plain data before it is
 * checked, for values given on a command line.
 */
export function readDocument<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  amend: (source: unknown) => unknown = (source) => source,
): ReadDocument<T> {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const syntax = (line: number, message: string): ReadDocument<T> => ({
    ok: false,
    problems: [{ file, line, code: "E_MANIFEST_SYNTAX", message }],
  });
  const first = document.errors[0];
  if (first !== undefined) return syntax(lineAt(first.pos[0]), first.message.split("\n")[0] as string);
  const alias = firstAlias(document);
  if (alias !== null) return syntax(lineAt(alias), "aliases are not read here: write the value out");
  if (!isMap(document.contents)) return syntax(1, "not a group of fields");
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(offsetOf(document, path) ?? 0);
  const source = amend(document.toJS());
  const checked = schema.safeParse(source);
  if (checked.success) return { ok: true, value: checked.data, lineOf };
  const problems = checked.error.issues
    .flatMap((issue) => explainIssue(issue, schema, (path) => valueIn(source, path)))
    .map(({ at, ...problem }) => ({ file, line: lineOf(at), ...problem }))
    .sort((a, b) => a.line - b.line);
  const kind = problems.find(({ path }) => path === "kind"); // of another kind, all else is wrong too
  return { ok: false, problems: kind === undefined ? problems : [kind] };
}
