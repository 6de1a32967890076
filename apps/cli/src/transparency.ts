import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { formatInstant, type PublicKey } from "@weft/kernel";
import type { SignedTreeHead } from "@weft/market";
import type { Context } from "./context.ts";
import { failed, must, refused } from "./failure.ts";
import { readText } from "./manifests.ts";

/** As many lines a request as the manager gives. */
const PAGE = 10_000;

export interface LogOptions {
  readonly manager?: string;
  readonly witness?: readonly string[];
  readonly quorum?: string;
  readonly save?: string;
}

interface LogCopy {
  readonly entries: readonly string[];
  readonly heads: readonly SignedTreeHead[];
}

/** Checks a log from a file, or the manager's own. */
export async function verifyLogOf(
  context: Context,
  file: string | undefined,
  options: LogOptions,
): Promise<void> {
  const { readLog } = await import("@weft/service-http/client");
  const copy = file === undefined ? await fetched(context) : must(readLog(readText(context, file)));
  if (options.save !== undefined) save(resolve(context.cwd, options.save), copy);
  const last = file === undefined ? keptHead(context, copy.heads[0]?.head.log ?? "") : null;
  const latest = await sound(last === null ? copy : { ...copy, heads: [...copy.heads, last] }, options);
  if (file === undefined) save(headFile(context, latest.head.log), { heads: [latest], entries: [] });
  const { entries, heads } = copy;
  context.print(
    `${entries.length} ${entries.length === 1 ? "entry gives" : "entries give"} the roots of all ${heads.length} signed heads; ${entries.length - latest.head.size} newer than the last head`,
  );
  if (last !== null) {
    const { size, at } = last.head;
    context.print(`they begin with the ${size} of ${formatInstant(at)}, when they were last checked here`);
  }
  for (const { witness } of latest.cosignatures)
    context.print(`witness ${witness} stands by the latest head`);
}

/** The latest of the heads once all of them hold; throws what does not. */
async function sound({ entries, heads }: LogCopy, options: LogOptions): Promise<SignedTreeHead> {
  const [{ nodeCryptography }, { verifyHead, verifyLog }] = await Promise.all([
    import("@weft/live"),
    import("@weft/market"),
  ]);
  const { manager, witness: witnesses = [] } = options;
  const latest = heads.reduce<SignedTreeHead | undefined>(
    (a, b) => (a === undefined || b.head.size > a.head.size ? b : a),
    undefined,
  );
  if (latest === undefined)
    throw failed("E_LOG_EMPTY", "no signed head in it, so there is nothing to check the entries against");
  const stranger = heads.find(({ head }) => manager !== undefined && head.log !== manager);
  if (stranger !== undefined) {
    throw failed(
      "E_LOG_SIGNATURE",
      `the head of size ${stranger.head.size} is of another log: found ${stranger.head.log}, expected ${manager}`,
    );
  }
  const wrong = verifyLog(entries, heads, nodeCryptography);
  if (wrong !== null) throw refused(wrong);
  const witnessed = witnesses.length > 0 || options.quorum !== undefined;
  if (witnessed) {
    const most = heads.filter(({ head }) => head.size === latest.head.size);
    const quorum = Number(options.quorum ?? witnesses.length);
    const few = most.map((head) => verifyHead(head, witnesses, quorum, nodeCryptography));
    const refusal = few.every((one) => one !== null) ? few[0] : null;
    if (refusal) throw refused(refusal);
  }
  return latest;
}

async function fetched(context: Context): Promise<LogCopy> {
  const client = await context.client();
  const heads = must(await client.call("GET /v1/log/heads", {})).items;
  const size = Math.max(0, ...heads.map(({ head }) => head.size));
  const entries: string[] = [];
  while (entries.length < size) {
    const query = { first: entries.length, limit: PAGE };
    const { items } = must(await client.call("GET /v1/log/entries", { query }));
    if (items.length === 0) break; // verifyLog says what that means
    for (const { entry } of items) entries.push(entry);
  }
  return { entries: entries.slice(0, Math.max(size, 0)), heads };
}

const headFile = (context: Context, log: PublicKey): string => join(context.folder, "heads", `${log}.json`);

/** The head that was seen here last time; null at first. */
function keptHead(context: Context, log: PublicKey): SignedTreeHead | null {
  try {
    return (JSON.parse(readFileSync(headFile(context, log), "utf8")) as LogCopy).heads[0] ?? null;
  } catch {
    return null;
  }
}

function save(file: string, copy: LogCopy): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(copy)}\n`);
}
