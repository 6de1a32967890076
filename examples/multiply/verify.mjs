// Checks a result of square.onnx against its input, without multiplying matrices:
//   node examples/multiply/verify.mjs INPUT RESULT
// 1. Freivalds (1977): C r = A (A r) for a random r; a wrong C passes with a chance of at most one half for each r.
//    Here A is sparse, and all numbers are whole and below 2^24, so both sides are exact.
// 2. The triangles, counted again from the lists of friends: the whole answer, exactly.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readTensors } from "@weft/orchestration-onnx";

function open(bytes, ...names) {
  const read = readTensors(bytes);
  if (!read.ok) throw new Error(read.refusal.message);
  return names.map((name) => {
    const tensor = read.value.find((candidate) => candidate.name === name);
    if (tensor === undefined) throw new Error(`there is no tensor ${name}`);
    return tensor.data;
  });
}

/** A v for the matrix with ones at the edges. */
function times(edges, v) {
  const out = new Float64Array(v.length);
  for (let i = 0; i < edges.length; i += 2) out[edges[i]] += v[edges[i + 1]];
  return out;
}

/** Closed ways of length two at each: twice its triangles. */
function closedWays(edges, size) {
  const of = Array.from({ length: size }, () => new Set());
  for (let i = 0; i < edges.length; i += 2) of[edges[i]].add(edges[i + 1]);
  const closed = new Float64Array(size);
  for (let i = 0; i < edges.length; i += 2) {
    const [few, many] = [of[edges[i]], of[edges[i + 1]]].sort((a, b) => a.size - b.size);
    for (const friend of few) if (many.has(friend)) closed[edges[i]]++;
  }
  return closed;
}

const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** What a result says, and whether it is right: { size, triangles, productRight, answerRight }. */
export function verify(input, result) {
  const [edges, r] = open(input, "edges", "r");
  const [closed, check] = open(result, "closed", "check");
  return {
    size: r.length,
    triangles: closed.reduce((sum, value) => sum + value, 0) / 6,
    productRight: same(times(edges, times(edges, r)), check),
    answerRight: same(closedWays(edges, r.length), closed),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [inputPath, resultPath] = process.argv.slice(2);
  if (resultPath === undefined) {
    console.error("usage: node examples/multiply/verify.mjs INPUT RESULT");
    process.exit(2);
  }
  const { size, triangles, productRight, answerRight } = verify(
    readFileSync(inputPath),
    readFileSync(resultPath),
  );
  const right = productRight && answerRight;
  console.log(`${size} x ${size} x ${size}, ${triangles} triangles, ${right ? "checksum ok" : "WRONG"}`);
  process.exitCode = right ? 0 : 1;
}
