import { WASI, WASIProcExit, wasi } from "@bjorn3/browser_wasi_shim";
import { GROW_REFUSED, HOST, MEMORY, WASI as WASI_MODULE } from "./confine.ts";
import type { Outcome } from "./order.ts";
import { HostFailure, type Input, type Log, type Output } from "./streams.ts";
import { type Instance, type Memory, type Module, webAssembly } from "./webassembly.ts";

/*
 * One instance in its sandbox: three streams, clocks, chance, arguments and variables. There is no directory to
 * open a file in, no socket, and no other instance.
 */

type Functions = Record<string, (...args: never[]) => unknown>;

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps instead of the shim's busy wait: waiting costs the node nothing, and a kill ends it. */
function sleepUntil(end: bigint, now: () => bigint): void {
  for (let left = end - now(); left > 0n; left = end - now()) {
    Atomics.wait(nap, 0, 0, Math.min(Number(left) / 1e6, 1e9));
  }
}

const CLOCKS: Readonly<Record<number, () => bigint>> = {
  [wasi.CLOCKID_REALTIME]: () => BigInt(Date.now()) * 1_000_000n,
  [wasi.CLOCKID_MONOTONIC]: () => BigInt(Math.round(performance.now() * 1e6)),
};

/** What the shim leaves to be bettered: it counts arguments in characters, waits by spinning, and takes a
 * pointer below zero for one from the end. */
function bettered(memory: Memory, args: readonly string[]): Functions {
  const argBytes = new TextEncoder().encode(args.join("\0")).length + (args.length > 0 ? 1 : 0);
  return {
    args_sizes_get(count: number, size: number) {
      const view = new DataView(memory.buffer);
      view.setUint32(count, args.length, true);
      view.setUint32(size, argBytes, true);
      return wasi.ERRNO_SUCCESS;
    },
    poll_oneoff(from: number, to: number, count: number, stored: number) {
      if (count !== 1) return wasi.ERRNO_NOTSUP;
      const view = new DataView(memory.buffer);
      const { eventtype, clockid, timeout, flags, userdata } = wasi.Subscription.read_bytes(view, from);
      if (eventtype !== wasi.EVENTTYPE_CLOCK) return wasi.ERRNO_NOTSUP;
      const now = CLOCKS[clockid];
      if (now === undefined) return wasi.ERRNO_INVAL;
      const absolute = (flags & wasi.SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME) !== 0;
      sleepUntil(absolute ? timeout : now() + timeout, now);
      new wasi.Event(userdata, wasi.ERRNO_SUCCESS, eventtype).write_bytes(view, to);
      view.setUint32(stored, 1, true);
      return wasi.ERRNO_SUCCESS;
    },
    random_get(to: number, length: number) {
      // Web Crypto gives at most 64 KiB at once.
      for (let at = 0; at < length; at += 65_536) {
        crypto.getRandomValues(new Uint8Array(memory.buffer, to + at, Math.min(65_536, length - at)));
      }
      return wasi.ERRNO_SUCCESS;
    },
    sched_yield: () => wasi.ERRNO_SUCCESS,
    ...Object.fromEntries(
      ["sock_recv", "sock_send", "sock_shutdown", "sock_accept", "proc_raise"].map((name) => [
        name,
        () => wasi.ERRNO_NOTSUP,
      ]),
    ),
  };
}

export interface Streams {
  readonly input: Input;
  readonly output: Output;
  readonly log: Log;
}

export interface Sandbox {
  readonly memory: Memory;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly streams: Streams;
}

const failed = (because: Extract<Outcome, { kind: "failed" }>["because"], detail: string): Outcome => ({
  kind: "failed",
  because,
  detail,
});

/** Runs a module from its start to its end. Never throws. */
export function execute(module: Module, { memory, args, env, streams }: Sandbox): Outcome {
  const { input, output, log } = streams;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const shim = new WASI([...args], variables, [input, output, log], { debug: false });
  shim.inst = { exports: { memory } };
  let instance: Instance | null = null;
  let code = 0;
  let trouble: unknown = null;
  try {
    instance = new webAssembly.Instance(module, {
      [WASI_MODULE]: { ...shim.wasiImport, ...bettered(memory, args) },
      [HOST]: { [MEMORY]: memory },
    });
    const start = instance.exports._start;
    if (typeof start !== "function") return failed("bad_program", "exports no function _start");
    start();
  } catch (error) {
    if (error instanceof WASIProcExit) code = error.code;
    else trouble = error;
  }
  try {
    output.flush();
  } catch (error) {
    trouble ??= error;
  }
  return verdict(instance, streams, code, trouble);
}

function verdict(instance: Instance | null, { output }: Streams, code: number, trouble: unknown): Outcome {
  if (output.exceeded) return failed("output_exceeded", "the program wrote more than it may");
  if (trouble instanceof webAssembly.LinkError) return failed("bad_program", trouble.message);
  if (trouble instanceof HostFailure) return failed("runtime_failed", trouble.message);
  if (trouble === null && code === 0) return { kind: "exited", code };
  const refused = instance?.exports[GROW_REFUSED];
  if (refused instanceof webAssembly.Global && refused.value === 1) {
    return failed("memory_exceeded", "the program asked for more memory than it may have, then stopped");
  }
  const detail =
    trouble === null ? `exit code ${code}` : trouble instanceof Error ? trouble.message : String(trouble);
  return failed("program_failed", detail);
}
