// Builds the WebAssembly examples from their AssemblyScript sources: `node examples/wasm/build.mjs`. The modules are
// committed, so that running them needs no compiler; a test builds them again and compares.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

/** Source beside this file -> module, from the examples' folder. */
export const MODULES = {
  "empty.ts": "empty/empty.wasm",
  "pick-lines.ts": "log-report/pick-lines.wasm",
  "scan-log.ts": "scan-log/scan-log.wasm",
};

const here = fileURLToPath(new URL(".", import.meta.url));

/** The module of one source, as bytes. */
export async function build(source) {
  let binary;
  const flags = ["--outFile", "module.wasm", "-O2", "--noAssert", "--runtime", "stub", "--use", "abort="];
  const { error, stderr } = await asc.main([source, "--baseDir", here, ...flags], {
    writeFile: (_, contents) => {
      binary = contents;
    },
  });
  if (error !== null) throw new Error(`${source}: ${error.message}\n${stderr}`);
  return binary;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [source, module] of Object.entries(MODULES)) {
    const binary = await build(source);
    writeFileSync(new URL(`../${module}`, import.meta.url), binary);
    console.log(`${module}  ${binary.length} bytes`);
  }
}
