import { randomFillSync } from "node:crypto";
import type { Bytes, Micros } from "@weft/kernel";
import type { Program, RunEvent, Runtime } from "@weft/orchestration";
import { type Job, RunBench, runtimeContract } from "@weft/orchestration-host/testing";
import binaryen from "binaryen";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWasmRuntime } from "./runtime.ts";

/** A module from its text form, with the functions of WASI it names imported first. */
function wat(body: string, imports: readonly (keyof typeof SIGNATURES)[] = []): Uint8Array {
  const header = imports.map(
    (name) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${SIGNATURES[name]}))`,
  );
  const module = binaryen.parseText(`(module ${header.join("\n")} ${body})`);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

const SIGNATURES = {
  fd_read: "(param i32 i32 i32 i32) (result i32)",
  fd_write: "(param i32 i32 i32 i32) (result i32)",
  proc_exit: "(param i32)",
  poll_oneoff: "(param i32 i32 i32 i32) (result i32)",
  args_sizes_get: "(param i32 i32) (result i32)",
  args_get: "(param i32 i32) (result i32)",
  environ_sizes_get: "(param i32 i32) (result i32)",
  environ_get: "(param i32 i32) (result i32)",
  path_open: "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)",
  random_get: "(param i32 i32) (result i32)",
  clock_time_get: "(param i32 i64 i32) (result i32)",
} as const;

// At 0: pointer and length of the one buffer, at 8: how much of it was read or written.
const IOVEC = "(i32.store (i32.const 0) (i32.const 1024))";
const say = (length: number, fd: number) =>
  `(i32.store (i32.const 4) (i32.const ${length}))
   (drop (call $fd_write (i32.const ${fd}) (i32.const 0) (i32.const 1) (i32.const 8)))`;

const EMPTY = wat(`(memory (export "memory") 1) (func (export "_start"))`);
const COPY = wat(
  `(memory (export "memory") 2)
   (func (export "_start") ${IOVEC}
     (loop $more
       (i32.store (i32.const 4) (i32.const 65536))
       (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
       (if (i32.load (i32.const 8)) (then
         (i32.store (i32.const 4) (i32.load (i32.const 8)))
         (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
         (br $more)))))`,
  ["fd_read", "fd_write"],
);
const FAIL = wat(`(memory (export "memory") 1) (func (export "_start") (call $proc_exit (i32.const 3)))`, [
  "proc_exit",
]);
const SPIN = wat(`(memory (export "memory") 1) (func (export "_start") (loop $on (br $on)))`);
const HOARD = wat(
  `(memory (export "memory") 1)
   (func (export "_start")
     (loop $more
       (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable)))
       (br_if $more (i32.lt_u (memory.size) (i32.const 8192)))))`,
);
const FLOOD = wat(
  `(memory (export "memory") 2)
   (func (export "_start") (local $i i32) ${IOVEC}
     (loop $more ${say(65536, 1)}
       (local.set $i (i32.add (local.get $i) (i32.const 1)))
       (br_if $more (i32.lt_u (local.get $i) (i32.const 160)))))`,
  ["fd_write"],
);
const TALK = wat(
  `(memory (export "memory") 1) (data (i32.const 1024) "awake\\n")
   (func (export "_start") ${IOVEC} ${say(6, 2)} (loop $on (br $on)))`,
  ["fd_write"],
);

const program = (
  module: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Program => ({
  kind: "wasm",
  module,
  args,
  env,
});

const random = (bytes: number) => randomFillSync(new Uint8Array(bytes));

runtimeContract({
  name: "wasm",
  talks: true,
  make: () => createWasmRuntime(),
  programs: (put) => {
    const job = (module: Uint8Array): Job => ({ program: program(put(module)), input: null });
    return {
      copy: { program: program(put(COPY)), input: random, output: (input) => input },
      fail: job(FAIL),
      spin: job(SPIN),
      hoard: job(HOARD),
      flood: job(FLOOD),
      talk: job(TALK),
      bad: {
        "not a module": program(put(Buffer.from("no module"))),
        "cut short": program(put(COPY.subarray(0, 60))),
        "does not validate": program(
          put(
            wat(`(func (export "_start") (result i32) (i32.const 1))`).map((byte) =>
              byte === 0x7f ? 0x7e : byte,
            ),
          ),
        ),
        "no _start": program(put(wat(`(func (export "main"))`))),
        "a foreign import": program(put(wat(`(import "env" "open" (func)) (func (export "_start"))`))),
        "an unknown function of WASI": program(
          put(wat(`(import "wasi_snapshot_preview1" "fd_steal" (func)) (func (export "_start"))`)),
        ),
        "an imported memory": program(
          put(wat(`(import "env" "memory" (memory 1)) (func (export "_start"))`)),
        ),
        "a shared memory": program(put(wat(`(memory 1 2 shared) (func (export "_start"))`))),
        "a wide memory": program(put(wat(`(memory i64 1 2) (func (export "_start"))`))),
        "two memories": program(put(wat(`(memory 1) (memory 1) (func (export "_start"))`))),
        "a huge table": program(put(wat(`(table 9000000 funcref) (func (export "_start"))`))),
        "another kind": { kind: "process", command: "true", args: [], env: {} },
      },
    };
  },
});

describe("WebAssembly in particular", () => {
  let bench: RunBench;
  let runtime: Runtime;
  beforeAll(() => {
    bench = new RunBench();
    runtime = createWasmRuntime({ warmWorkers: 1 });
  });
  afterAll(() => {
    runtime.close();
    bench.close();
  });

  const once = async (module: Uint8Array, args: readonly string[] = [], env: Record<string, string> = {}) => {
    const run = bench.run(runtime, { program: program(bench.put(module), args, env), input: null });
    return { end: await run.ended, output: run.output(), events: run.events };
  };

  it("gives arguments and variables to the byte, and nothing of the host's", async () => {
    const show = (sizes: string, get: string) => `
    (drop (call $${sizes} (i32.const 16) (i32.const 20)))
    (drop (call $${get} (i32.const 512) (i32.const 1024)))
    (i32.store (i32.const 4) (i32.load (i32.const 20)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`;
    const module = wat(
      `(memory (export "memory") 1)
     (func (export "_start") ${IOVEC} ${show("args_sizes_get", "args_get")} ${show("environ_sizes_get", "environ_get")})`,
      ["fd_write", "args_sizes_get", "args_get", "environ_sizes_get", "environ_get"],
    );
    const { output } = await once(module, ["prog", "grüße", "二"], { WHERE: "hier" });
    expect(output.toString()).toBe("prog\0grüße\0二\0WHERE=hier\0");
  });

  it("opens no file, whatever the descriptor", async () => {
    const module = wat(
      `(memory (export "memory") 1) (data (i32.const 1024) "/etc/passwd")
     (func (export "_start") (local $fd i32)
       (loop $next
         (if (i32.eqz (call $path_open (local.get $fd) (i32.const 0) (i32.const 1024) (i32.const 11) (i32.const 0)
             (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 8))) (then (unreachable)))
         (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
         (br_if $next (i32.lt_u (local.get $fd) (i32.const 64)))))`,
      ["path_open"],
    );
    expect((await once(module)).end.kind).toBe("finished");
  });

  it("sleeps without using the processor, and a kill ends the sleep", async () => {
    const sleep = (nanoseconds: string) =>
      wat(
        `(memory (export "memory") 1)
       (func (export "_start")
         (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const ${nanoseconds}))
         (if (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then (unreachable))))`,
        ["poll_oneoff"],
      );
    const { end } = await once(sleep("200000000"));
    expect(end.kind).toBe("finished");
    expect(end.counters.wallTime).toBeGreaterThanOrEqual(195_000);
    expect(end.counters.cpuTime).toBeLessThan(100_000);

    const long = { program: program(bench.put(sleep("9000000000000"))), input: null };
    const killed = await bench.run(runtime, long, { wallTime: 100_000 as Micros }).ended;
    expect(killed).toMatchObject({ kind: "failed", because: "time_exceeded" });
  });

  it("shares nothing between runs in one warm thread", async () => {
    const counting = wat(
      `(memory (export "memory") 1) (global $seen (mut i32) (i32.const 0))
     (func (export "_start")
       (if (i32.or (global.get $seen) (i32.load (i32.const 4096))) (then (unreachable)))
       (global.set $seen (i32.const 1)) (i32.store (i32.const 4096) (i32.const 1)))`,
    );
    for (let i = 0; i < 5; i++) expect((await once(counting)).end.kind).toBe("finished");
  });

  it("holds a module to the limit of each run, though it is compiled once", async () => {
    const job = { program: program(bench.put(HOARD)), input: null };
    const within = async (bytes: number) =>
      await bench.run(runtime, job, { memoryBytes: bytes as Bytes }).ended;
    expect(await within(1024 << 20)).toMatchObject({
      kind: "finished",
      counters: { peakMemoryBytes: 8193 * 65536 },
    });
    expect(await within(64 << 20)).toMatchObject({
      because: "memory_exceeded",
      counters: { peakMemoryBytes: 1009 * 65536 },
    });
    expect(await within(1000)).toMatchObject({ because: "memory_exceeded" });
  });

  it("ends a recursion without end, a trap and a pointer out of range as the program's failure", async () => {
    const modules = [
      wat(`(func $down (call $down)) (func (export "_start") (call $down))`),
      wat(`(func (export "_start") (unreachable))`),
      wat(
        `(memory (export "memory") 1) (func (export "_start") (drop (call $random_get (i32.const -8) (i32.const 64))))`,
        ["random_get"],
      ),
    ];
    for (const module of modules)
      expect((await once(module)).end).toMatchObject({ because: "program_failed" });
  });

  it("cuts a log without end and lets the program go on", async () => {
    const module = wat(
      `(memory (export "memory") 1)
     (func (export "_start") (local $i i32) ${IOVEC}
       (loop $more ${say(1, 2)}
         (local.set $i (i32.add (local.get $i) (i32.const 1)))
         (br_if $more (i32.lt_u (local.get $i) (i32.const 100000)))))`,
      ["fd_write"],
    );
    const { end, events } = await once(module);
    expect(end.kind).toBe("finished");
    const logs = events.filter((event): event is Extract<RunEvent, { kind: "log" }> => event.kind === "log");
    expect(logs.length).toBeLessThan(10_000);
    expect(logs.at(-1)?.text).toContain("cut here");
  });

  it("has no more threads than it may, and serves the rest in turn", async () => {
    const narrow = createWasmRuntime({ warmWorkers: 0, maxWorkers: 2 });
    const job = { program: program(bench.put(EMPTY)), input: null };
    const runs = Array.from({ length: 20 }, () => bench.run(narrow, job));
    for (const { ended } of runs) expect((await ended).kind).toBe("finished");
    narrow.close();
  });

  it("a thread on its way out after a burst is given no run", async () => {
    const bursty = createWasmRuntime({ warmWorkers: 1, maxWorkers: 6 });
    const job = { program: program(bench.put(EMPTY)), input: null };
    const until = performance.now() + 2_600; // longer than extra threads linger
    while (performance.now() < until) {
      const runs = Array.from({ length: 6 }, () => bench.run(bursty, job));
      for (const { ended } of runs) expect((await ended).kind).toBe("finished");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    bursty.close();
  });
});
