import { readFileSync } from "node:fs";

/** What this needs of a schema; a zod schema is one. */
interface Schema<T> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
        };
      };
}

/**
 * Reads the configuration file of a manager or an agent; WEFT_ANNOUNCEMENT and WEFT_BUS go before it. Throws with every
 * problem named.
 */
export function readConfigFile<T>(file: string, schema: Schema<T>, env: NodeJS.ProcessEnv): T {
  const settings = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const { WEFT_ANNOUNCEMENT: announcement, WEFT_BUS: bus } = env;
  const parsed = schema.safeParse({
    ...settings,
    ...(announcement ? { announcement } : {}),
    ...(bus ? { bus } : {}),
  });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`${file}: ${problems.join("; ")}`);
}
