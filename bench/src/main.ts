import { type Figure, WrongInput } from "./bench.ts";
import { BENCHES } from "./registry.ts";

/*
 * npm run bench -- [NAME...] [--smoke] [--json] [--OPTION VALUE...]
 * Without names every bench runs. With --json stdout is one JSON object a line and nothing else. A bench's own options are
 * listed with it.
 */
const known = new Set(BENCHES.flatMap((bench) => bench.options ?? []));
const names: string[] = [];
const options: Record<string, string> = {};
const flags = new Set<string>();
const unknown: string[] = [];
const words = process.argv.slice(2);
for (let i = 0; i < words.length; i++) {
  const word = words[i] as string;
  const option = word.slice(2);
  if (word === "--smoke" || word === "--json") flags.add(option);
  else if (word.startsWith("--") && known.has(option) && words[i + 1] !== undefined)
    options[option] = words[++i] as string;
  else if (BENCHES.some((bench) => bench.name === word)) names.push(word);
  else unknown.push(word);
}
const help = unknown.some((word) => word === "--help" || word === "-h");
if (unknown.length > 0) {
  const benches = BENCHES.map(({ name, options = [] }) =>
    [name, ...options.map((o) => `[--${o} FILE]`)].join(" "),
  );
  const usage = `usage: npm run bench -- [NAME...] [--smoke] [--json]; without names all of them\nbenches: ${benches.join(", ")}`;
  if (help) console.log(usage);
  else console.error(`unknown: ${unknown.join(" ")}\n${usage}`);
  process.exit(help ? 0 : 2);
}

const json = flags.has("json");
const print = (figure: Figure): void => console.log(json ? JSON.stringify(figure) : line(figure));
for (const bench of BENCHES) {
  if (names.length > 0 && !names.includes(bench.name)) continue;
  try {
    await bench.run(flags.has("smoke") ? "smoke" : "full", print, options);
  } catch (error) {
    if (!(error instanceof WrongInput)) throw error;
    console.error(`${bench.name}: ${error.message}`);
    process.exit(2);
  }
}

function line({ name, value, unit, against, ratio, note }: Figure): string {
  const compared = ratio === null ? against : `x${short(ratio)} ${against}`;
  return `${name.padEnd(44)} ${short(value).padStart(12)} ${unit.padEnd(16)} ${compared}${note === undefined ? "" : `  (${note})`}`;
}

function short(value: number): string {
  if (Math.abs(value) >= 1000 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}
