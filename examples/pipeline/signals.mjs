// Makes the inputs of stream.yaml: `node examples/pipeline/signals.mjs [HOW MANY] [FOLDER]`, eight into signals/ by default.
// The same bytes each time.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSignal } from "./layers.mjs";

const [count = "8", folder = fileURLToPath(new URL("signals", import.meta.url))] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (let k = 1; k <= Number(count); k++) {
  writeFileSync(join(folder, `signal-${String(k).padStart(3, "0")}.safetensors`), buildSignal(k));
}
console.log(`${count} signals in ${folder}`);
