import type { Signer } from "@weft/kernel";
import type { WeftClient } from "@weft/service-http/client";
import { type NetworkContext, networkContext, type SettingsAsked, stateFolder } from "./settings.ts";

/** Where a command writes, and what it may ask about that. */
export interface Stream {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Enough for a manager that is just restarting its connections, and a second at most where there is none. */
const RETRIES = 3;

/**
 * What every command is given: the world it runs in, so that tests give another. Data goes to `out`, everything else
 * to `err`; nothing asks questions.
 */
export class Context {
  readonly out: Stream;
  readonly err: Stream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  #asked: SettingsAsked = {};
  #fixed: NetworkContext | null = null;
  #client: WeftClient | undefined;

  constructor(world: {
    readonly out: Stream;
    readonly err: Stream;
    readonly env: NodeJS.ProcessEnv;
    readonly cwd: string;
  }) {
    this.out = world.out;
    this.err = world.err;
    this.env = world.env;
    this.cwd = world.cwd;
  }

  /** What the global flags said; set once, before a command runs. */
  ask(asked: SettingsAsked): void {
    this.#asked = asked;
  }

  /** The same world, talking to this network whatever flags and environment say. */
  at(network: NetworkContext): Context {
    const there = new Context(this);
    there.#fixed = network;
    return there;
  }

  /** Data: what a pipe or a file would want. */
  print(text: string): void {
    this.out.write(`${text}\n`);
  }

  /** Anything for people to read on the way. */
  note(text: string): void {
    this.err.write(`${text}\n`);
  }

  get folder(): string {
    return stateFolder(this.cwd, this.env);
  }

  get network(): NetworkContext {
    if (this.#fixed !== null) return this.#fixed;
    return networkContext(this.folder, this.env, this.#asked);
  }

  /** Loaded only when a command talks to a manager: help and completion stay quick. */
  async client(): Promise<WeftClient> {
    if (this.#client === undefined) {
      const { WeftClient } = await import("@weft/service-http/client");
      const { server, token } = this.network;
      this.#client = new WeftClient({
        server,
        token,
        retries: RETRIES,
        waiting: ({ message }) => this.note(`${message}; trying again until Ctrl-C`),
      });
    }
    return this.#client;
  }

  /** The consumer's key; made on first use, in a file only its owner reads. */
  async signer(): Promise<Signer> {
    const { loadSigner } = await import("@weft/live");
    return loadSigner(this.network.key);
  }

  /** Whether progress and live tables may be drawn on stderr. */
  get mayDraw(): boolean {
    return this.err.isTTY === true && this.env.TERM !== "dumb";
  }

  /** Whether colours may be used on stdout (no-color.org). */
  get mayColour(): boolean {
    return this.out.isTTY === true && !this.env.NO_COLOR && this.env.TERM !== "dumb";
  }
}
