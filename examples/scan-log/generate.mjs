// Makes a web server's log in the combined format, the same for the same seed:
//   node examples/scan-log/generate.mjs FILE [--bytes 8000000] [--seed 1]
import { closeSync, openSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Rng } from "@weft/kernel";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  "curl/8.10.1",
];
const PAGES = [
  "/",
  "/books",
  "/books/search",
  "/cart",
  "/login",
  "/about",
  "/style.css",
  "/app.js",
  "/feed.xml",
];

const pad = (value) => String(value).padStart(2, "0");
/** Few are asked for often, most seldom: the square of an even draw. */
const often = (rng, count) => Math.floor(rng.float() ** 2 * count);

function stamp(second) {
  const at = new Date(Date.UTC(2026, 10, 20) + second * 1000);
  const day = `${pad(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${day}:${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())} +0000`;
}

/** The lines of the log, without end: 312 hosts, one request in 50 to a page that is not there, one in 5,000 fails. */
export function* logLines(seed) {
  const rng = new Rng(seed);
  const hosts = Array.from({ length: 312 }, (_, i) => `203.0.${113 + (i >> 8)}.${i & 255}`);
  for (let second = 0; ; second += rng.below(3)) {
    const host = hosts[often(rng, hosts.length)];
    const draw = rng.float();
    const failed = draw < 0.0002;
    const absent = !failed && draw < 0.02;
    const page = rng.float() < 0.5 ? `/books/${often(rng, 900)}` : PAGES[often(rng, PAGES.length)];
    const path = absent ? `/old/${rng.below(200)}.html` : page;
    const query = path === "/books/search" ? `?q=${rng.below(1000)}` : "";
    const status = failed ? 503 : absent ? 404 : 200;
    const bytes = status === 200 ? 400 + rng.below(40_000) : 162;
    const agent = AGENTS[often(rng, AGENTS.length)];
    yield `${host} - - [${stamp(second)}] "GET ${path}${query} HTTP/1.1" ${status} ${bytes} "-" "${agent}"\n`;
  }
}

/** Writes whole lines up to about so many bytes. Gives the bytes written. */
export function writeLog(file, bytes, seed) {
  const output = openSync(file, "w");
  let written = 0;
  let batch = "";
  for (const line of logLines(seed)) {
    batch += line;
    if (batch.length < 1 << 16 && written + batch.length < bytes) continue;
    written += writeSync(output, batch, null, "latin1");
    batch = "";
    if (written >= bytes) break;
  }
  closeSync(output);
  return written;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { bytes: { type: "string", default: "8000000" }, seed: { type: "string", default: "1" } },
  });
  if (positionals.length !== 1) {
    console.error("usage: node examples/scan-log/generate.mjs FILE [--bytes 8000000] [--seed 1]");
    process.exit(2);
  }
  console.log(
    `${positionals[0]}  ${writeLog(positionals[0], Number(values.bytes), Number(values.seed))} bytes`,
  );
}
