import type { Figure } from "./bench.ts";
import { BENCHES } from "./registry.ts";

/*
 * npm run bench -- [NAME...] [--smoke] [--json]
 * Without names every bench runs. With --json stdout is one JSON object a line and nothing else.
 */
const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith("--"));
const json = words.includes("--json");
const size = words.includes("--smoke") ? "smoke" : "full";

const unknown = [
  ...names.filter((name) => !BENCHES.some((bench) => bench.name === name)),
  ...words.filter((word) => word.startsWith("--") && word !== "--json" && word !== "--smoke"),
];
if (unknown.length > 0) {
  console.error(
    `unknown: ${unknown.join(" ")}\nusage: npm run bench -- [NAME...] [--smoke] [--json]\nbenches: ${BENCHES.map(({ name }) => name).join(" ")}`,
  );
  process.exit(2);
}

for (const bench of BENCHES) {
  if (names.length > 0 && !names.includes(bench.name)) continue;
  await bench.run(size, (figure) => console.log(json ? JSON.stringify(figure) : line(figure)));
}

function line({ name, value, unit, against, ratio, note }: Figure): string {
  const compared = ratio === null ? against : `x${short(ratio)} ${against}`;
  return `${name.padEnd(44)} ${short(value).padStart(12)} ${unit.padEnd(16)} ${compared}${note === undefined ? "" : `  (${note})`}`;
}

function short(value: number): string {
  if (Math.abs(value) >= 1000 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}
