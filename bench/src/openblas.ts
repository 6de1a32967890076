import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/*
 * The peer for parallel power: single-precision matrix products by OpenBLAS on the same machine, through whatever is at
 * hand: NumPy, or a libopenblas called by Python's ctypes or by a C program compiled for the purpose.
 */

export interface OpenBlasRate {
  /** FLOPS: the better of per-CPU-second times threads, and by the wall clock. */
  readonly flops: number;
  /** What was found, for people. */
  readonly how: string;
}

/** The same loop in both languages: products for so many seconds, timed in pieces as short as ours, the best by CPU time and by the clock. */
const PYTHON = `
import sys, time, ctypes, ctypes.util
n, seconds, library = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
if library == "numpy":
    import numpy
    if "openblas" not in str(numpy.__config__.show(mode="dicts")).lower(): sys.exit("not OpenBLAS")
    a = numpy.random.rand(n, n).astype(numpy.float32); b = a.copy(); c = numpy.empty_like(a)
    def product(): numpy.matmul(a, b, out=c)
else:
    blas = ctypes.CDLL(library)
    buffers = [(ctypes.c_float * (n * n))(*([0.5] * (n * n))) for _ in range(3)]
    def product():
        blas.cblas_sgemm(101, 111, 111, n, n, n, ctypes.c_float(1), buffers[0], n, buffers[1], n, ctypes.c_float(0), buffers[2], n)
for _ in range(3): product()
best_cpu = best_wall = 0.0
end = time.perf_counter() + seconds
while time.perf_counter() < end:
    wall, cpu, runs = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - wall < 0.004: product(); runs += 1
    work = 2.0 * n * n * n * runs
    best_cpu = max(best_cpu, work / (time.process_time() - cpu)); best_wall = max(best_wall, work / (time.perf_counter() - wall))
print(best_cpu, best_wall)
`;

const C = `
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
typedef void (*sgemm)(int,int,int,int,int,int,float,const float*,int,const float*,int,float,float*,int);
static double now(clockid_t id) { struct timespec t; clock_gettime(id, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
int main(int argc, char **argv) {
  int n = atoi(argv[1]); double seconds = atof(argv[2]);
  void *library = dlopen(argv[3], RTLD_NOW);
  sgemm product = library ? (sgemm)dlsym(library, "cblas_sgemm") : 0;
  if (!product) return 1;
  float *m[3];
  for (int i = 0; i < 3; i++) { m[i] = malloc(sizeof(float) * n * n); for (int j = 0; j < n * n; j++) m[i][j] = 0.5f; }
  for (int i = 0; i < 3; i++) product(101,111,111,n,n,n,1,m[0],n,m[1],n,0,m[2],n);
  double cpu_best = 0, wall_best = 0, end = now(CLOCK_MONOTONIC) + seconds;
  while (now(CLOCK_MONOTONIC) < end) {
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), runs = 0;
    while (now(CLOCK_MONOTONIC) - wall < 0.004) { product(101,111,111,n,n,n,1,m[0],n,m[1],n,0,m[2],n); runs++; }
    double work = 2.0 * n * n * n * runs;
    double by_cpu = work / (now(CLOCK_PROCESS_CPUTIME_ID) - cpu), by_wall = work / (now(CLOCK_MONOTONIC) - wall);
    if (by_cpu > cpu_best) cpu_best = by_cpu;
    if (by_wall > wall_best) wall_best = by_wall;
  }
  printf("%f %f\\n", cpu_best, wall_best);
}
`;

/** OpenBLAS guesses its kernels by processor, wrongly in some virtual machines: the best guess counts. */
const CORE_TYPES = ["", "SkylakeX", "Haswell"] as const;

type Way = { readonly how: string; readonly command: string; readonly args: readonly string[] };

/** OpenBLAS as found on this machine, ready to be run again and again; `close` removes what was compiled. */
export interface OpenBlas {
  readonly how: string;
  rate(size: number, threads: number, seconds: number): Promise<OpenBlasRate>;
  close(): void;
}

/** Finds one; null where there is none, or nothing to call it with. */
export async function findOpenBlas(): Promise<OpenBlas | null> {
  const dir = mkdtempSync(join(tmpdir(), "weft-openblas-"));
  for (const way of ways(dir)) {
    const works = await run(way, 64, 1, 0.05, "").catch(() => null);
    if (works === null) continue;
    return {
      how: way.how,
      rate: (size, threads, seconds) => best(way, size, threads, seconds),
      close: () => rmSync(dir, { recursive: true, force: true }),
    };
  }
  rmSync(dir, { recursive: true, force: true });
  return null;
}

async function best(way: Way, size: number, threads: number, seconds: number): Promise<OpenBlasRate> {
  let flops = 0;
  for (const coreType of CORE_TYPES) {
    const [cpu, wall] = await run(way, size, threads, seconds / CORE_TYPES.length, coreType);
    flops = Math.max(flops, cpu * threads, wall);
  }
  return { flops, how: way.how };
}

function run(
  way: Way,
  size: number,
  threads: number,
  seconds: number,
  coreType: string,
): Promise<[number, number]> {
  const env = {
    ...process.env,
    OPENBLAS_NUM_THREADS: String(threads),
    ...(coreType === "" ? {} : { OPENBLAS_CORETYPE: coreType }),
  };
  const [head, ...tail] = way.args as [string, ...string[]];
  const args = [
    ...(way.command.includes("python") ? [head, PYTHON] : [head]),
    String(size),
    String(seconds),
    ...tail,
  ];
  return new Promise((resolve, reject) => {
    execFile(way.command, args.filter(Boolean), { env, timeout: 60_000 }, (error, stdout) => {
      const [cpu, wall] = stdout.trim().split(" ").map(Number);
      if (error !== null || !(Number(cpu) > 0) || !(Number(wall) > 0)) reject(error ?? new Error(stdout));
      else resolve([cpu as number, wall as number]);
    });
  });
}

function* ways(dir: string): Generator<Way> {
  const pythons = [process.env.WEFT_PYTHON, "python3", "python"].filter((each) => each !== undefined);
  for (const command of pythons) yield { how: "OpenBLAS of NumPy", command, args: ["-c", "numpy"] };
  for (const library of libraries()) {
    for (const command of pythons) yield { how: `OpenBLAS, ${library}`, command, args: ["-c", library] };
    const compiled = compile(dir);
    if (compiled !== null) yield { how: `OpenBLAS, ${library}`, command: compiled, args: ["", library] };
  }
}

function libraries(): string[] {
  const dirs = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/opt/homebrew/opt/openblas/lib",
  ];
  const found = dirs.filter(existsSync).flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => /^libopenblas.*\.(so(\.\d+)?|dylib)$/.test(name))
      .map((name) => join(dir, name)),
  );
  return [...(process.env.WEFT_OPENBLAS === undefined ? [] : [process.env.WEFT_OPENBLAS]), ...found];
}

function compile(dir: string): string | null {
  const program = join(dir, "sgemm");
  if (existsSync(program)) return program;
  try {
    writeFileSync(`${program}.c`, C);
    execFileSync("cc", ["-O2", "-o", program, `${program}.c`, "-ldl"], { stdio: "ignore" });
    return program;
  } catch {
    return null;
  }
}
