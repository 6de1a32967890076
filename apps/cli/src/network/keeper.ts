import { Child } from "./child.ts";

/** How long a process that does not come up is left alone before each further try; after the last it is given up. */
const WAITS_MS: readonly number[] = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** One that came up counts as down again when it ends sooner than this. */
const TOO_SHORT_A_LIFE_MS = 2_000;

/** A process of the network: its name, what it runs, and V8's flags for it. */
export interface Part {
  readonly name: string;
  readonly entry: string;
  readonly config: string;
  readonly flags: readonly string[];
}

/** Keeps processes running: one that dies is started again, at once where it was killed, ever later where it fails. */
export class Keeper {
  readonly #children = new Map<string, Child>();
  readonly #say: (line: string) => void;
  readonly #waits: readonly number[];
  /** Rejects when a process that should run cannot be kept running. */
  readonly broken: Promise<never>;
  #breakDown: (error: Error) => void = () => {};
  #stopping = false;
  readonly #waiting = new Set<NodeJS.Timeout>();

  constructor(say: (line: string) => void, waitsMs: readonly number[] = WAITS_MS) {
    this.#say = say;
    this.#waits = waitsMs;
    this.broken = new Promise<never>((_, reject) => {
      this.#breakDown = reject;
    });
    this.broken.catch(() => {});
  }

  get(name: string): Child | undefined {
    return this.#children.get(name);
  }

  /** Starts a process and, once it has come up, keeps it running. Whether it comes up is for the caller to wait for. */
  start(part: Part): Child {
    if (this.#stopping) throw new Error("stopped before it was up");
    return this.#run(part, { failures: 0, told: "", first: true });
  }

  /** Ends all: whatever is named in `last` after the others. */
  async stop(last: string): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#waiting) clearTimeout(timer);
    const others = [...this.#children].filter(([name]) => name !== last);
    await Promise.all(others.map(([, child]) => child.stop()));
    await this.#children.get(last)?.stop();
  }

  #run(part: Part, { failures, told, first }: Past): Child {
    const { name, entry, config, flags } = part;
    const child = new Child(name, entry, config, this.#say, flags);
    const startedAt = Date.now();
    this.#children.set(name, child);
    void child.exited.then((code) => {
      if (this.#stopping || (first && !child.cameUp)) return;
      const lasted = child.cameUp && Date.now() - startedAt >= TOO_SHORT_A_LIFE_MS;
      const failed = code !== null && !lasted;
      const wait = failed ? this.#waits[failures] : 0;
      const { unsaid } = child;
      if (wait === undefined) {
        return this.#breakDown(new Error(`${name} does not stay up: ${unsaid || `exit ${code}`}`));
      }
      if (unsaid !== "" && unsaid !== told) this.#say(unsaid); // once, not at every try
      if (!failed || failures === 0)
        this.#say(`weft: ${name} ended (${code ?? "killed"}); starting it again`);
      this.#after(wait, () =>
        this.#run(part, { failures: failed ? failures + 1 : 0, told: unsaid, first: false }),
      );
    });
    return child;
  }

  #after(ms: number, act: () => void): void {
    if (ms === 0) return act();
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      act();
    }, ms);
    this.#waiting.add(timer);
  }
}

/** What came before this life of a process: failures in a row, and the last of them as it was told. */
interface Past {
  readonly failures: number;
  readonly told: string;
  readonly first: boolean;
}
