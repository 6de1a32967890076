import { writeFileSync } from "node:fs";
import { applicationJsonSchema } from "./application.ts";
import { pipelineJsonSchema } from "./pipeline.ts";
import { taskJsonSchema } from "./schema.ts";

/** Writes the published schemas: run after changing schema.ts, application.ts or pipeline.ts; a test compares them. */
for (const [name, schema] of [
  ["task", taskJsonSchema()],
  ["application", applicationJsonSchema()],
  ["pipeline", pipelineJsonSchema()],
] as const) {
  writeFileSync(
    new URL(`../../../../docs/schema/${name}.schema.json`, import.meta.url),
    `${JSON.stringify(schema, null, 2)}\n`,
  );
}
