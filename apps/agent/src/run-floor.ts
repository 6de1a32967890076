import { createReadStream, createWriteStream, existsSync, mkdirSync, rmSync } from "node:fs";
import { unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ProgramKind } from "@weft/infrastructure";
import type { Digest, Micros } from "@weft/kernel";
import type { RunControl, Runtime } from "@weft/orchestration";
import { type Content, type ContentStore, fetchContent, pushContent } from "@weft/orchestration-data";
import type { AgentInput, Launch } from "@weft/service";
import type { Gateways } from "./gateways.ts";

interface Work {
  readonly abort: AbortController;
  /** Content kept from eviction while the run lasts. */
  readonly pinned: Digest[];
  control: RunControl | null;
  /** Its input is a file of its own, put together from parts. */
  joined: boolean;
}

/** Where runs are carried out: brings their content, starts them, sends back what they wrote, tells the core. */
export class RunFloor {
  readonly #scratch: string;
  readonly #content: ContentStore;
  readonly #gateways: Gateways;
  readonly #runtimes: ReadonlyMap<ProgramKind, Runtime>;
  readonly #tell: (input: AgentInput) => void;
  readonly #works = new Map<string, Work>();

  constructor(
    scratch: string,
    content: ContentStore,
    gateways: Gateways,
    runtimes: readonly Runtime[],
    tell: (input: AgentInput) => void,
  ) {
    // What an earlier life of this agent left behind is nobody's.
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    this.#scratch = scratch;
    this.#content = content;
    this.#gateways = gateways;
    this.#runtimes = new Map(runtimes.map((runtime) => [runtime.kind, runtime]));
    this.#tell = tell;
  }

  get running(): number {
    return this.#works.size;
  }

  /** Brings program and input to the node, along the path that was chosen. */
  async fetch(launch: Launch): Promise<void> {
    const { run } = launch;
    const work: Work = { abort: new AbortController(), pinned: [], control: null, joined: false };
    this.#works.set(run, work);
    let staging = 0;
    for (const content of launch.contents) {
      const took = await this.#bring(launch, work, content);
      if (took === null) return;
      staging += took;
    }
    staging += await this.#prepare(launch);
    const transferIn = await this.#bringInput(launch, work);
    if (transferIn === null) return;
    this.#tell({ kind: "fetched", run, staging: staging as Micros, transferIn: transferIn as Micros });
  }

  /** Brings the input, all its parts; one file of them where they are several. Time it took; null when it failed. */
  async #bringInput(launch: Launch, work: Work): Promise<number | null> {
    let took = 0;
    for (const { content, segments } of partsOf(launch)) {
      const brought = await this.#bring(launch, work, content, segments);
      if (brought === null) return null;
      took += brought;
    }
    const parts = partsOf(launch);
    if (parts.length < 2) return took;
    const path = this.#inputPath(launch.run);
    work.joined = true;
    try {
      await writeFile(path, "");
      for (const { content } of parts) {
        await pipeline(
          createReadStream(this.#content.path(content.digest)),
          createWriteStream(path, { flags: "a" }),
        );
      }
    } catch (error) {
      return this.#transferFailed(launch.run, `its input could not be put together: ${String(error)}`);
    }
    return took;
  }

  /** Compiles or loads the program before its input comes; microseconds. Nothing to do when it is warm. */
  #prepare(launch: Launch): Promise<number> {
    const runtime = this.#runtimes.get(launch.program.kind);
    if (runtime?.prepare === undefined) return Promise.resolve(0);
    const { program, limits } = launch;
    const contentPath = (digest: Digest): string => this.#content.path(digest);
    const startedAt = performance.now();
    return new Promise((resolve) => {
      runtime.prepare?.({ program, limits, contentPath }, () =>
        resolve(Math.round((performance.now() - startedAt) * 1000)),
      );
    });
  }

  /** Time it took; null when it failed and was told. */
  async #bring(
    launch: Launch,
    work: Work,
    content: Content,
    way: Launch["segments"] = launch.segments,
  ): Promise<number | null> {
    if (this.#content.pin(content.digest)) {
      work.pinned.push(content.digest);
      return 0;
    }
    const segments = this.#gateways.segments(way);
    if (segments === null) return this.#transferFailed(launch.run, "a gateway on the path does not listen");
    const { signal } = work.abort;
    const token = this.#gateways.dataToken;
    const fetched = await fetchContent({ ...content, segments, store: this.#content, token, signal });
    if (!fetched.ok) return this.#transferFailed(launch.run, describe(fetched.refusal));
    if (this.#content.pin(content.digest)) work.pinned.push(content.digest);
    return fetched.value.took;
  }

  start(launch: Launch): void {
    const { run, program, limits } = launch;
    const work = this.#works.get(run);
    const runtime = this.#runtimes.get(program.kind);
    if (work === undefined || work.abort.signal.aborted || runtime === undefined) {
      this.#transferFailed(run, runtime === undefined ? `no runtime for a ${program.kind}` : "cancelled");
      return;
    }
    work.control = runtime.start(
      {
        runId: run,
        program,
        inputPath: this.#inputOf(launch),
        outputPath: this.#resultPath(run),
        contentPath: (digest) => this.#content.path(digest),
        limits,
      },
      (event) => this.#tell({ kind: "runtime", run, event }),
    );
  }

  /** Sends the result back the way the input came, or to where it is wanted. */
  async giveBack(launch: Launch): Promise<void> {
    const { run } = launch;
    const work = this.#works.get(run);
    const kept = await this.#content.adopt(this.#resultPath(run));
    if (!kept.ok) {
      this.#transferFailed(run, describe(kept.refusal));
      return;
    }
    const segments = this.#gateways.segments(launch.deliver ?? launch.segments);
    if (segments === null) {
      this.#transferFailed(run, "a gateway on the path does not listen");
      return;
    }
    const signal = work?.abort.signal;
    const token = this.#gateways.dataToken;
    const pushed = await pushContent({ ...kept.value, segments, store: this.#content, token, signal });
    if (pushed.ok) this.#tell({ kind: "returned", run, result: kept.value, transferOut: pushed.value.took });
    else this.#transferFailed(run, describe(pushed.refusal));
  }

  stop(run: string): void {
    const work = this.#works.get(run);
    work?.abort.abort();
    if (work?.control === null || work === undefined) this.#transferFailed(run, "cancelled");
    else work.control.cancel();
  }

  forget(run: string): void {
    for (const digest of this.#works.get(run)?.pinned ?? []) this.#content.unpin(digest);
    if (this.#works.get(run)?.joined === true) unlink(this.#inputPath(run)).catch(() => {});
    // A result that was sent back was moved out of here; whatever else a run wrote goes.
    const path = this.#resultPath(run);
    if (existsSync(path)) unlink(path).catch(() => {});
    this.#works.delete(run);
  }

  close(): void {
    for (const work of this.#works.values()) {
      work.abort.abort();
      work.control?.cancel();
    }
    for (const runtime of this.#runtimes.values()) runtime.close();
  }

  #inputOf(launch: Launch): string | null {
    const [first, ...others] = partsOf(launch);
    if (first === undefined) return null;
    return others.length > 0 ? this.#inputPath(launch.run) : this.#content.path(first.content.digest);
  }

  #inputPath(run: string): string {
    return join(this.#scratch, `${run}.input`);
  }

  #resultPath(run: string): string {
    return join(this.#scratch, `${run}.result`);
  }

  #transferFailed(run: string, detail: string): null {
    this.#tell({ kind: "transfer-failed", run, detail });
    return null;
  }
}

/** Everything the program reads, in order, and the way to it. */
const partsOf = ({ input, segments, parts = [] }: Launch) =>
  input === null ? parts : [{ content: input, segments }, ...parts];

const describe = (refusal: { readonly code: string; readonly message: string }): string =>
  `${refusal.code}: ${refusal.message}`;
