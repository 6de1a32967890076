import { writeFileSync } from "node:fs";
import { taskJsonSchema } from "./schema.ts";

/** Writes the published schema: run after changing schema.ts; a test compares the two. */
writeFileSync(
  new URL("../../../../docs/schema/task.schema.json", import.meta.url),
  `${JSON.stringify(taskJsonSchema(), null, 2)}\n`,
);
