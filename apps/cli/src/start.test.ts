import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** `import` and `export ... from` of values: what is loaded whenever the file is. */
const LOADED = /^(?:import|export)\s+(?!type\b)(?:[^"';]*?\bfrom\s+)?"([^"]+)"/gm;

it("help and completion load the kernel, the infrastructure and the parser of words, nothing slower", () => {
  const libraries = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(LOADED)) {
      if (name.startsWith(".")) visit(join(dirname(file), name));
      else if (!name.startsWith("node:")) libraries.add(name);
    }
  };
  visit(fileURLToPath(new URL("./main.ts", import.meta.url)));
  expect(seen.size).toBeGreaterThan(20);
  expect([...libraries].sort()).toEqual(["@weft/infrastructure", "@weft/kernel", "commander"]);
});
