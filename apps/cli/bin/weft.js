#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";

const main = new URL("../dist/main.js", import.meta.url);
// Where Node offers it (22.1 and later), compiled code is kept between commands.
module.enableCompileCache?.();
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error("weft: not built yet; run: npm run setup");
  process.exitCode = 1;
}
