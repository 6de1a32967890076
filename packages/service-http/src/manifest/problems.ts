import type { Refusal } from "@weft/kernel";
import type { z } from "zod";
import type { FieldTrouble } from "./fields.ts";
import { nearest } from "./nearest.ts";

export type ManifestCode =
  /** Not YAML or JSON at all, or more of it than is read. */
  | "E_MANIFEST_SYNTAX"
  | "E_MANIFEST_FIELD"
  | "E_MANIFEST_MISSING"
  | "E_MANIFEST_TYPE"
  | "E_MANIFEST_VALUE"
  | "E_MANIFEST_UNIT"
  /** A content that is not there, or is still a file where only a digest will do. */
  | "E_MANIFEST_FILE"
  /** Of an offer or a network. */
  | "E_PRICE_NEGATIVE";

/** One thing wrong with a manifest, and where. */
export interface ManifestProblem extends Refusal<ManifestCode> {
  readonly file: string;
  readonly line: number;
}

/**
 * `task.yaml:11  spec.network.delay  found "20", expected a time such as 20ms`, and under it the hint and the code.
 */
export function formatProblem(problem: ManifestProblem): string {
  const where = [`${problem.file}:${problem.line}`, ...(problem.path ? [problem.path] : [])].join("  ");
  const what =
    problem.found === undefined || problem.expected === undefined
      ? problem.message
      : `found ${problem.found}, expected ${problem.expected}`;
  const code = `[${problem.code}]`;
  const hint = problem.hint === undefined ? "" : `hint: ${problem.hint}`;
  return `${where}  ${what}\n  ${hint.padEnd(72)}  ${code}`;
}

/** What the schema's checks found, in the manifest's own terms; several for one issue that names several fields. */
export function explainIssue(
  issue: z.core.$ZodIssue,
  root: z.ZodType,
  valueAt: (path: readonly PropertyKey[]) => unknown,
): readonly (Refusal<ManifestCode> & { readonly at: readonly PropertyKey[] })[] {
  const at = issue.path;
  const value = valueAt(at);
  const say = (code: ManifestCode, expected: string, hint?: string) => [
    {
      at,
      code,
      message: `expected ${expected}`,
      path: pathText(at),
      found: foundText(value),
      expected,
      ...(hint === undefined ? {} : { hint }),
    },
  ];
  if (value === undefined && issue.code !== "unrecognized_keys") {
    return say("E_MANIFEST_MISSING", issue.code === "custom" ? issue.message : expectation(issue));
  }
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = fieldsAt(root, at);
      return issue.keys.map((key) => unknownField([...at, key], key, known));
    }
    case "invalid_value": {
      const close = typeof value === "string" ? nearest(value, issue.values.map(String)) : null;
      return say(
        "E_MANIFEST_VALUE",
        expectation(issue),
        close === null ? undefined : `did you mean ${close}?`,
      );
    }
    case "invalid_type":
      return say("E_MANIFEST_TYPE", expectation(issue), typeHint(issue.expected, value));
    case "invalid_union": {
      const strange = unknownToAll(issue);
      if (strange.length > 0)
        return strange.map((key) => unknownField([...at, key], key, fieldsAt(root, at)));
      return explainIssue(deeper(issue, at, value), root, valueAt);
    }
    case "invalid_key":
      return say("E_MANIFEST_VALUE", issue.issues[0]?.message ?? "another key").map((said) => ({
        ...said,
        found: foundText(at.at(-1)), // the key is wrong, not what stands under it
      }));
    case "custom": {
      const trouble = (issue.params as { trouble?: FieldTrouble } | undefined)?.trouble;
      return say(trouble?.code ?? "E_MANIFEST_VALUE", issue.message, trouble?.hint);
    }
    case "too_small":
    case "too_big":
      return say("E_MANIFEST_VALUE", boundText(issue));
    default:
      return say("E_MANIFEST_VALUE", issue.message);
  }
}

/** Keys of a group that none of a union's branches has. */
function unknownToAll(issue: z.core.$ZodIssueInvalidUnion): readonly string[] {
  const groups = issue.errors.flatMap((branch) => {
    const isGroup = !branch.some(({ path, code }) => path.length === 0 && code !== "unrecognized_keys");
    const strange = branch.find(({ path, code }) => path.length === 0 && code === "unrecognized_keys");
    return isGroup ? [(strange as z.core.$ZodIssueUnrecognizedKeys | undefined)?.keys ?? []] : [];
  });
  return groups[0]?.filter((key) => groups.every((keys) => keys.includes(key))) ?? [];
}

function unknownField(at: readonly PropertyKey[], key: string, known: readonly string[]) {
  const close = nearest(key, known);
  return {
    at,
    code: "E_MANIFEST_FIELD" as const,
    message: `no field "${key}" here`,
    path: pathText(at),
    found: `"${key}"`,
    expected: known.length === 0 ? "no field" : `one of ${known.join(", ")}`,
    ...(close === null ? {} : { hint: `did you mean ${close}?` }),
  };
}

/** What the schema says of a bound, or the bound where it says nothing of its own. */
function boundText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  if (!issue.message.startsWith("Too ")) return issue.message;
  const counted: Readonly<Record<string, string>> = { array: " in it", string: " characters" };
  const [word, bound] = issue.code === "too_small" ? ["at least", issue.minimum] : ["at most", issue.maximum];
  return `${word} ${bound}${counted[issue.origin] ?? ""}`;
}

/** Of a union's failed branches, the issue of the one whose shape the value has; else all that would have done. */
function deeper(
  issue: z.core.$ZodIssueInvalidUnion,
  at: readonly PropertyKey[],
  value: unknown,
): z.core.$ZodIssue {
  const heads = issue.errors.map((branch) => branch[0]).filter((head) => head !== undefined);
  const [fitting] = [...heads].sort((a, b) => misfit(a, value) - misfit(b, value));
  return { ...(fitting as z.core.$ZodIssue), path: [...at, ...(fitting?.path ?? [])] };
}

/** How far a value is from the shape of the branch that says this first of it: the less, the likelier it was meant. */
function misfit(head: z.core.$ZodIssue, value: unknown): number {
  if (head.path.length > 0) return valueIn(value, head.path) === undefined ? 2 : 0;
  if (head.code === "unrecognized_keys") return 1;
  if (head.code === "invalid_value") return head.values.some((one) => typeof one === typeof value) ? 4 : 5;
  return head.code === "invalid_type" ? 5 : 3;
}

/** What stands at a path; undefined where nothing does. */
export const valueIn = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[step],
    value,
  );

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value") {
    return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(", ")}`;
  }
  if (issue.code === "invalid_union") {
    const branches = issue.errors.map((branch) => branch[0]).filter((head) => head !== undefined);
    return branches.map((head) => expectation({ ...head } as z.core.$ZodIssue)).join(", or ");
  }
  if (issue.code !== "invalid_type") return issue.message;
  return TYPE_WORDS[issue.expected] ?? issue.expected;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  object: "a group of fields",
  record: "a group of fields",
  array: "a list",
  number: "a number",
  int: "a whole number",
};

function typeHint(expected: string, value: unknown): string | undefined {
  if (expected === "array" && typeof value === "string") return `did you mean [${value}]?`;
  if (expected === "string" && ["number", "boolean"].includes(typeof value))
    return `did you mean "${value}"?`;
  return undefined;
}

function foundText(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "an empty value";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a group of fields";
  const text = String(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** `spec.run.model.onnx[0]` */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${String(step)}`))
    .join("");
}

/** Names of the fields that the schema knows at a path; none where it is not a group. */
function fieldsAt(root: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let schemas: readonly z.core.$ZodType[] = [root];
  for (const step of path) {
    schemas = schemas.flatMap(alternatives).flatMap((schema) => {
      const { def } = schema._zod as { def: z.core.$ZodTypeDef };
      if (def.type === "object") return [(def as z.core.$ZodObjectDef).shape[String(step)] ?? []].flat();
      return def.type === "array" ? [(def as z.core.$ZodArrayDef).element] : [];
    });
  }
  return schemas
    .flatMap(alternatives)
    .flatMap(({ _zod: { def } }) =>
      def.type === "object" ? Object.keys((def as z.core.$ZodObjectDef).shape) : [],
    );
}

function alternatives(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const { def } = schema._zod;
  if (def.type === "optional" || def.type === "nullable" || def.type === "default") {
    return alternatives((def as z.core.$ZodOptionalDef).innerType);
  }
  if (def.type === "union") return (def as z.core.$ZodUnionDef).options.flatMap(alternatives);
  if (def.type === "pipe") return alternatives((def as z.core.$ZodPipeDef).in);
  return [schema];
}
