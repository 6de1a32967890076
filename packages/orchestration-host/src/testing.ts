import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, type Bytes, type Digest, type Micros } from "@weft/kernel";
import type { Program, RunControl, RunEvent, RunLimits, Runtime } from "@weft/orchestration";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

/*
 * The contract of the `Runtime` port as one suite of tests. Every runtime passes it, with programs of its kind
 * that do the same few things.
 */

/** A program and what it is fed. */
export interface Job {
  readonly program: Program;
  readonly input: Uint8Array | null;
}

/** Programs of one kind, each doing what its name says. */
export interface ContractPrograms {
  /** Gives back what it was fed, or a known change of it. */
  readonly copy: {
    readonly program: Program;
    /** An input of about so many bytes. */
    input(bytes: number): Uint8Array;
    output(input: Uint8Array): Uint8Array;
  };
  /** Ends by itself with a failure. */
  readonly fail: Job;
  /** Computes for ever, or far longer than a test lasts. */
  readonly spin: Job;
  /** Takes more than 256 MiB of memory. */
  readonly hoard: Job;
  /** Writes more than 8 MiB. */
  readonly flood: Job;
  /** Says "awake" in its log, then goes on for ever. Only where programs have a log. */
  readonly talk?: Job;
  /** What is no program of this kind, by what is wrong with it. */
  readonly bad: Readonly<Record<string, Program>>;
}

export interface Contract {
  readonly name: string;
  /** Whether programs of this kind can say something while they run. */
  readonly talks: boolean;
  make(): Runtime;
  /** Called once; `put` stores content and gives its digest. */
  programs(put: (content: Uint8Array) => Digest): Promise<ContractPrograms> | ContractPrograms;
  /** Bytes of the large input; 32 MiB unless said. */
  readonly large?: number;
}

const MIB = 1 << 20;
const ROOMY: RunLimits = {
  memoryBytes: (512 * MIB) as Bytes,
  wallTime: 60e6 as Micros,
  outputBytes: (256 * MIB) as Bytes,
  lanes: 1,
};

type End = Extract<RunEvent, { kind: "finished" | "failed" }>;

/** Runs jobs in a folder of their own and keeps what they tell. */
export class RunBench {
  readonly #folder = mkdtempSync(join(tmpdir(), "weft-runtime-"));
  #runs = 0;

  put = (content: Uint8Array): Digest => {
    const digest = createHash("sha256").update(content).digest("hex");
    writeFileSync(this.contentPath(digest), content);
    return digest;
  };

  contentPath = (digest: Digest): string => join(this.#folder, digest);

  /** Starts a run; `hear` gets each event as it comes. */
  run(
    runtime: Runtime,
    job: Job,
    limits: Partial<RunLimits> = {},
    hear: (event: RunEvent) => void = () => {},
  ) {
    const runId = `run-${++this.#runs}`;
    const inputPath = job.input === null ? null : join(this.#folder, `${runId}.in`);
    if (inputPath !== null) writeFileSync(inputPath, job.input ?? "");
    const outputPath = join(this.#folder, `${runId}.out`);
    const events: RunEvent[] = [];
    let control: RunControl | null = null;
    const ended = new Promise<End>((resolve) => {
      const request = {
        runId,
        program: job.program,
        inputPath,
        outputPath,
        contentPath: this.contentPath,
        limits: { ...ROOMY, ...limits },
      };
      control = runtime.start(request, (event) => {
        // `control` is still null when an event comes before `start` has returned.
        if (control === null) throw new Error(`told ${event.kind} before start returned`);
        events.push(event);
        hear(event);
        if (event.kind === "finished" || event.kind === "failed") resolve(event);
      });
    });
    return {
      events,
      ended,
      output: () => (existsSync(outputPath) ? readFileSync(outputPath) : Buffer.alloc(0)),
      outputSize: () => (existsSync(outputPath) ? statSync(outputPath).size : 0),
      cancel: () => control?.cancel(),
    };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const kinds = (events: readonly RunEvent[]) => events.map((event) => event.kind);
const because = (end: End) => (end.kind === "failed" ? end.because : `finished ${end.exitCode}`);
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

/** What this process holds of the system: threads, children and, where they are shown, open files by what they are. */
function held(): Record<string, number> {
  const kinds = process
    .getActiveResourcesInfo()
    .filter((kind) => /MessagePort|Worker|Process|Pipe/.test(kind));
  const counts: Record<string, number> = { handles: kinds.length };
  for (const file of existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd") : []) {
    try {
      const kind = readlinkSync(`/proc/self/fd/${file}`).replace(/\d+/g, "");
      counts[kind] = (counts[kind] ?? 0) + 1;
    } catch {
      // The folder itself, closed again.
    }
  }
  return counts;
}

/** What is held once nothing comes or goes any more: threads end, and are waited for, in their own time. */
async function steady(): Promise<Record<string, number>> {
  for (let last = held(), same = 0; ; ) {
    await settled();
    const now = held();
    same = JSON.stringify(now) === JSON.stringify(last) ? same + 1 : 0;
    if (same === 5) return now;
    last = now;
  }
}

/** What is held now beyond what was held before. */
function keptSince(before: Record<string, number>): Record<string, number> {
  const more = Object.entries(held()).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  return Object.fromEntries(more.filter(([, extra]) => extra > 0));
}

/** Registers the suite for one runtime. */
export function runtimeContract(contract: Contract): void {
  describe(`the contract of a runtime: ${contract.name}`, () => {
    let bench: RunBench;
    let programs: ContractPrograms;
    let runtime: Runtime;

    beforeAll(async () => {
      bench = new RunBench();
      programs = await contract.programs(bench.put);
    });
    afterAll(() => bench.close());
    beforeEach(() => {
      runtime = contract.make();
    });
    afterEach(() => runtime.close());

    const copyOf = (bytes: number): Job => ({
      program: programs.copy.program,
      input: programs.copy.input(bytes),
    });
    const run = (job: Job, limits?: Partial<RunLimits>, hear?: (event: RunEvent) => void) =>
      bench.run(runtime, job, limits, hear);

    it("tells started first and one end last", async () => {
      const { events, ended, output } = run(copyOf(1000));
      expect(because(await ended)).toBe("finished 0");
      await settled();
      expect(kinds(events).filter((kind) => kind !== "progress")).toEqual(["started", "finished"]);
      expect(events[0]?.kind).toBe("started");
      expect(output().length).toBeGreaterThan(0);
    });

    it("gives a large output to the byte, and counts it", async () => {
      const job = copyOf(contract.large ?? 32 * MIB);
      const { events, ended, output } = run(job);
      const end = await ended;
      expect(because(end)).toBe("finished 0");
      const expected = programs.copy.output(job.input as Uint8Array);
      expect(Buffer.compare(output(), expected)).toBe(0);
      expect(end.counters.inputBytes).toBe(job.input?.length);
      expect(end.counters.outputBytes).toBe(expected.length);
      expect(end.counters.cpuTime).toBeGreaterThan(0);
      const progress = events.flatMap((event) => (event.kind === "progress" ? [event] : []));
      for (const [i, { done, of }] of progress.entries()) {
        expect(done).toBeLessThanOrEqual(of);
        expect(done).toBeGreaterThanOrEqual(progress[i - 1]?.done ?? 0);
      }
    });

    it("runs again and again in the same runtime, many at once, each on its own", async () => {
      const jobs = Array.from({ length: 12 }, (_, i) => copyOf(2000 + 100 * i));
      const runs = jobs.map((job) => ({ job, ...run(job) }));
      for (const { job, ended, output } of runs) {
        expect(because(await ended)).toBe("finished 0");
        expect(Buffer.compare(output(), programs.copy.output(job.input as Uint8Array))).toBe(0);
      }
    });

    it("ends a program that computes for ever", async () => {
      const end = await run(programs.spin, { wallTime: 300_000 as Micros }).ended;
      expect(because(end)).toBe("time_exceeded");
      expect(end.counters.wallTime).toBeGreaterThanOrEqual(290_000);
      // Of one lane: what is counted besides is the runtime's own.
      expect(end.counters.cpuTime).toBeGreaterThan(0);
      expect(end.counters.cpuTime).toBeLessThan(2 * end.counters.wallTime + 100_000);
      // What was killed is not what the next run of the same program gets.
      expect(because(await run(programs.spin, { wallTime: 50_000 as Micros }).ended)).toBe("time_exceeded");
    });

    it("ends a program that takes too much memory", async () => {
      const end = await run(programs.hoard, { memoryBytes: (128 * MIB) as Bytes }).ended;
      expect(because(end)).toBe("memory_exceeded");
    });

    it("ends a program that writes too much, and keeps no more than the limit", async () => {
      const { ended, outputSize } = run(programs.flood, { outputBytes: MIB as Bytes });
      const end = await ended;
      expect(because(end)).toBe("output_exceeded");
      expect(outputSize()).toBeLessThanOrEqual(MIB);
      expect(end.counters.outputBytes).toBeLessThanOrEqual(MIB);
    });

    it("lets a program have exactly its output limit", async () => {
      const job = copyOf(5000);
      const bytes = programs.copy.output(job.input as Uint8Array).length;
      expect(because(await run(job, { outputBytes: bytes as Bytes }).ended)).toBe("finished 0");
      expect(because(await run(job, { outputBytes: (bytes - 1) as Bytes }).ended)).toBe("output_exceeded");
    });

    it("stops a run at once when cancelled: before it starts, while it computes, and not after", async () => {
      const early = run(programs.spin);
      early.cancel();
      expect(because(await early.ended)).toBe("cancelled");

      const running = run(
        programs.spin,
        {},
        (event) => event.kind === "started" && setTimeout(running.cancel, 50),
      );
      expect(because(await running.ended)).toBe("cancelled");

      const late = run(copyOf(10));
      await late.ended;
      late.cancel();
      await settled();
      expect(kinds(late.events).at(-1)).toBe("finished");
    });

    it("tells of a program's own failure, and goes on with others", async () => {
      const failing = run(programs.fail);
      const copying = run(copyOf(3000));
      expect(because(await failing.ended)).toBe("program_failed");
      expect(because(await copying.ended)).toBe("finished 0");
    });

    it("refuses what is no program, and goes on with others", async () => {
      for (const [what, program] of Object.entries(programs.bad)) {
        const { events, ended } = run({ program, input: null });
        expect([what, because(await ended)]).toEqual([what, "bad_program"]);
        expect(kinds(events)).toEqual(["started", "failed"]);
      }
      expect(because(await run(copyOf(10)).ended)).toBe("finished 0");
    });

    if (contract.talks) {
      it("passes on what a program says while it still runs", async () => {
        assert(programs.talk !== undefined, "a program that talks is given");
        let said = "";
        const talking = run(programs.talk, {}, (event) => {
          if (event.kind === "log") said += event.text;
          if (said.includes("awake")) talking.cancel();
        });
        expect(because(await talking.ended)).toBe("cancelled");
        expect(said).toContain("awake");
      });
    }

    it("is ready once it has prepared, whatever the program", async () => {
      const prepare = (program: Program) =>
        new Promise<void>((resolve) => {
          if (runtime.prepare === undefined) resolve();
          else runtime.prepare({ program, contentPath: bench.contentPath, limits: ROOMY }, resolve);
        });
      await prepare(programs.copy.program);
      for (const program of Object.values(programs.bad)) await prepare(program);
      expect(because(await run(copyOf(10)).ended)).toBe("finished 0");
    });

    it("says that it broke when an input is missing", async () => {
      const ended = new Promise<End>((resolve) => {
        const request = {
          runId: "absent",
          program: programs.copy.program,
          inputPath: bench.contentPath("absent.in"),
          outputPath: bench.contentPath("absent.out"),
          contentPath: bench.contentPath,
          limits: ROOMY,
        };
        runtime.start(request, (event) => {
          if (event.kind === "finished" || event.kind === "failed") resolve(event);
        });
      });
      expect(because(await ended)).toBe("runtime_failed");
    });

    it("closes: what runs is cancelled, nothing is kept, nothing starts any more", async () => {
      runtime.close();
      const before = await steady();
      const closing = contract.make();
      expect(because(await bench.run(closing, copyOf(10)).ended)).toBe("finished 0");
      const spinning = bench.run(
        closing,
        programs.spin,
        {},
        (event) => event.kind === "started" && closing.close(),
      );
      expect(because(await spinning.ended)).toBe("cancelled");
      expect(because(await bench.run(closing, copyOf(10)).ended)).toBe("runtime_failed");
      // Less than before is fine: a thread that ended before all this may have been counted still.
      await expect.poll(() => keptSince(before), { timeout: 5000 }).toEqual({});
    });
  });
}
