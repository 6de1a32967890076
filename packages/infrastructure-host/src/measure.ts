import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeGrade } from "@weft/infrastructure";
import { assert, type Bytes, type Canonical, canonicalText, micros, type Ratio } from "@weft/kernel";
import { acceleratorsOf, findGpus } from "./accelerators.ts";
import { type Figures, type HostMeasurement, type MeasureOrder, totalPower } from "./figures.ts";
import { usableMemory } from "./memory.ts";
import { REFERENCE_SET } from "./networks.ts";
import { type Budget, wallClock } from "./rates.ts";
import { storageSpace } from "./storage.ts";

export interface MeasureOptions {
  /** Part of the machine its owner gives, above 0 up to 1; 1 unless said otherwise. */
  readonly share?: number;
  /** Measure even when figures of the same hardware are at hand. */
  readonly fresh?: boolean;
  /** Where figures are kept between runs; not kept where left out. */
  readonly cacheDir?: string;
  /** Folder whose file system is measured; that for temporary files unless said otherwise. */
  readonly storageDir?: string;
  /** Less for a rough look; the full budget takes about six seconds. */
  readonly budget?: Partial<Budget>;
}

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/measure-process.js" : "./measure-process.js",
  import.meta.url,
);
const BUDGET: Budget = { sliceMs: 20, rounds: 30, limitMs: 5_500 };
const GIVE_UP_MS = 60_000;

/**
 * Measures this machine under a share: computing power by type, memory, storage, accelerators (survey, M1, M2, P2). Under ten
 * seconds, in a process of its own; figures are what one undisturbed core does times the cores of the share, so neither other
 * load nor a quota in force changes them. Rejects when the measuring process fails.
 */
export async function measureHost(options: MeasureOptions = {}): Promise<HostMeasurement> {
  const { share = 1, fresh = false, cacheDir, storageDir = tmpdir() } = options;
  assert(share > 0 && share <= 1, "a share lies above 0 and at most at 1");
  const startedAt = performance.now();
  const gpus = await findGpus();
  const accelerators = acceleratorsOf(gpus);
  const cores = availableParallelism();
  const memory = usableMemory();
  const identity = {
    cpu: cpus()[0]?.model.trim() ?? arch(),
    cores,
    platform: `${platform()} ${arch()}`,
    share: share as Ratio,
  };
  const fingerprint = fingerprintOf({
    ...identity,
    memory,
    storageDir,
    accelerators: accelerators.map(({ model }) => model),
    versions: versions(),
  });
  const file = cacheDir === undefined ? null : join(cacheDir, `measurement-${fingerprint}.json`);
  const known = fresh || file === null ? null : readCache(file, fingerprint);
  if (known !== null) {
    return { ...known, gpus, storage: { ...known.storage, ...storageSpace(storageDir) }, cached: true };
  }
  const allowedCores = cores * share;
  const allowedThreads = Math.max(1, Math.ceil(allowedCores - 0.01));
  const figures = await measureApart({
    cores: allowedCores,
    threads: allowedThreads,
    dir: storageDir,
    budget: { ...BUDGET, ...options.budget },
  });
  const measurement: HostMeasurement = {
    ...figures,
    ...identity,
    fingerprint,
    allowedCores,
    allowedThreads,
    memoryBytes: Math.floor(memory * share) as Bytes,
    accelerators,
    gpus,
    grade: nodeGrade(totalPower(figures)),
    at: wallClock(),
    took: micros((performance.now() - startedAt) * 1e3),
    cached: false,
  };
  if (file !== null) writeCache(file, measurement);
  return measurement;
}

/** Names what figures depend on: equal figures can be expected where it is equal, and only there. */
export function fingerprintOf(facts: Canonical): string {
  return createHash("sha256").update(canonicalText(facts)).digest("hex").slice(0, 16);
}

function measureApart(order: MeasureOrder): Promise<Figures> {
  const child = fork(fileURLToPath(ENTRY), [], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    timeout: GIVE_UP_MS,
  });
  return new Promise((resolve, reject) => {
    child.once("message", (answer: { figures: Figures } | { error: string }) => {
      if ("figures" in answer) resolve(answer.figures);
      else reject(new Error(`measuring failed: ${answer.error}`));
    });
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`the measuring process ended early (${signal ?? `exit ${code}`})`)),
    );
    child.send(order);
  });
}

/** What else the figures depend on: the engines that make them. */
function versions(): Record<string, string> {
  let onnxruntime = "none";
  try {
    onnxruntime = createRequire(import.meta.url)("onnxruntime-node/package.json").version;
  } catch {
    // Not installed, or its package.json is not for others to read.
  }
  return { node: process.versions.node, v8: process.versions.v8, onnxruntime, set: String(REFERENCE_SET) };
}

function readCache(file: string, fingerprint: string): HostMeasurement | null {
  try {
    const known = JSON.parse(readFileSync(file, "utf8")) as HostMeasurement;
    return known.fingerprint === fingerprint ? known : null;
  } catch {
    return null; // none yet, or not whole: measured again
  }
}

/** Keeping figures is a convenience: where the folder cannot be written, they are measured again next time. */
function writeCache(file: string, measurement: HostMeasurement): void {
  try {
    mkdirSync(join(file, ".."), { recursive: true });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(measurement, null, 2));
    renameSync(draft, file);
  } catch {
    // Not kept.
  }
}
