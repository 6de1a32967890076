// Makes a bare checkout ready: installs what package-lock.json names when node_modules is missing or older,
// then builds incrementally. Quiet when there is nothing to do; everything it says goes to stderr.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const MINIMUM_NODE = [20, 19];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
  console.error(`weft needs Node.js ${MINIMUM_NODE.join(".")} or later; this is ${process.versions.node}`);
  process.exit(1);
}

/** Runs a command with its output on stderr, so that a caller's --json stays clean. */
function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) {
    console.error(`weft: "${command} ${args.join(" ")}" failed`);
    process.exit(result.status ?? 1);
  }
}

/** npm keeps what it installed in node_modules/.package-lock.json: equal entries mean an up-to-date install. */
function installed() {
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const have = JSON.parse(readFileSync(hidden, "utf8")).packages;
  const want = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(want).every(
    ([path, entry]) =>
      path === "" ||
      !path.startsWith("node_modules/") ||
      entry.optional ||
      (have[path] !== undefined && have[path].version === entry.version),
  );
}

if (!installed()) {
  console.error("weft: installing dependencies (npm install), once ...");
  // Not `npm ci`: it stops where the registry in use lacks a binary for some other platform. This installs the
  // locked versions as well, and `--no-save` leaves the lock file as it is.
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund"]);
}
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
run(process.execPath, [tsc, "--build", ...(process.argv.includes("--force-build") ? ["--force"] : [])]);
