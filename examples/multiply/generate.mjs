// Makes a network of friends and writes it as the input of square.onnx, the same for the same seed:
//   node examples/multiply/generate.mjs FILE [--size 4096] [--seed 1]
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Rng } from "@weft/kernel";
import { writeTensors } from "@weft/orchestration-onnx";

/** Friends that each newcomer finds. */
const FOUND = 16;

/**
 * Pairs of friends, each once, smaller number first. A newcomer takes some at random and some among the friends of the
 * one taken before, so that there are triangles to count (Holme and Kim 2002).
 */
export function friends(size, rng) {
  const of = Array.from({ length: size }, () => []);
  const pairs = [];
  for (let newcomer = 1; newcomer < size; newcomer++) {
    let last = -1;
    for (let i = 0; i < FOUND; i++) {
      const near = last >= 0 && rng.float() < 0.6 ? of[last] : null;
      const chosen = near === null ? rng.below(newcomer) : near[rng.below(near.length)];
      if (chosen === newcomer || of[newcomer].includes(chosen)) continue;
      of[newcomer].push(chosen);
      of[chosen].push(newcomer);
      pairs.push(chosen < newcomer ? [chosen, newcomer] : [newcomer, chosen]);
      last = chosen;
    }
  }
  return pairs;
}

/** The input of square.onnx: `edges`, and `r`, a random vector of zeros and ones to check the product with. */
export function makeInput(size, seed) {
  const rng = new Rng(seed);
  const edges = Int32Array.from(friends(size, rng.fork("friends")).flatMap(([a, b]) => [a, b, b, a]));
  const coin = rng.fork("check");
  const r = Float32Array.from({ length: size }, () => coin.below(2));
  return Buffer.concat(
    writeTensors([
      { name: "edges", type: "int32", shape: [edges.length / 2, 2], data: edges },
      { name: "r", type: "float32", shape: [size, 1], data: r },
    ]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { size: { type: "string", default: "4096" }, seed: { type: "string", default: "1" } },
  });
  if (positionals.length !== 1) {
    console.error("usage: node examples/multiply/generate.mjs FILE [--size 4096] [--seed 1]");
    process.exit(2);
  }
  const input = makeInput(Number(values.size), Number(values.seed));
  writeFileSync(positionals[0], input);
  console.log(`${positionals[0]}  ${input.length} bytes`);
}
