import { Reporter, type ResyncMessage } from "@weft/announcement";
import type { NodeDescription } from "@weft/infrastructure";
import {
  assert,
  type Bytes,
  type Cryptography,
  type Instant,
  MILLISECOND,
  type Micros,
  NEVER,
  type Signer,
} from "@weft/kernel";
import type { RunFailure } from "@weft/orchestration";
import { AgentCore, type AgentInput, type AgentOutput } from "../agent/agent.ts";
import type { ManagerInput } from "../manager/core.ts";
import { decodeFromAgent, encodeMessage } from "../wire.ts";
import { DESK_PRICES, idleLoad, linksBetween, YOU } from "./scenery.ts";

/*
 * A node on a desk: an agent's core and its reporter, whose runs take as long and end as they are told.
 */

/** How a desk's node behaves; `run` says how long and how a run ends. */
export interface Behaviour {
  readonly lasts: Micros;
  readonly ends: "finished" | RunFailure;
  /** Size of the result; none where absent. */
  readonly gives?: Bytes;
}

/** What a node finds around it. */
export interface Surroundings {
  readonly now: Instant;
  readonly cryptography: Cryptography;
  /** The key whose offers nodes heed that start now. */
  readonly owner: string | null;
  newConnection(): string;
  after(length: number, act: () => void): void;
  toManager(input: ManagerInput): void;
}

export class DeskNode {
  behaviour: Behaviour;
  connection: string | null = null;
  alive = true;
  core: AgentCore;
  readonly signer: Signer;
  readonly description: NodeDescription;
  readonly #listens: boolean;
  readonly #desk: Surroundings;
  #reporter: Reporter;
  /** Grows with every start: what an earlier life scheduled is nobody's. */
  #life = 1;

  constructor(
    desk: Surroundings,
    description: NodeDescription,
    signer: Signer,
    behaviour: Behaviour,
    listens: boolean,
  ) {
    this.#desk = desk;
    this.description = description;
    this.signer = signer;
    this.behaviour = behaviour;
    this.#listens = listens;
    this.core = this.#newCore();
    this.#reporter = this.#newReporter();
  }

  #newCore(): AgentCore {
    const { cryptography, owner } = this.#desk;
    const { id } = this.description;
    const gateway = this.#listens ? { url: `http://${id}.test:7070`, echo: null } : null;
    const identity = { signer: this.signer, cryptography, joinToken: "join-secret", gateway, owner };
    return new AgentCore(identity, this.description, DESK_PRICES);
  }

  #newReporter(): Reporter {
    return new Reporter(this.description.id, this.signer, this.#desk.cryptography);
  }

  // ---- its process and its connection

  /** Its process is gone; the manager sees the connection break. */
  kill(): void {
    this.alive = false;
    this.#life++;
    this.cut();
  }

  /** Its process starts anew, with the same key. */
  revive(): void {
    this.core = this.#newCore();
    this.#reporter = this.#newReporter();
    this.alive = true;
    this.dial();
  }

  dial(): void {
    if (!this.alive || this.connection !== null) return;
    const connection = this.#desk.newConnection();
    this.connection = connection;
    this.#desk.toManager({ kind: "opened", connection, nonce: this.#desk.cryptography.digest(connection) });
  }

  /** The connection breaks, and both sides see it. */
  cut(): void {
    const { connection } = this;
    this.lose();
    if (connection !== null) this.#desk.toManager({ kind: "closed", connection });
  }

  /** The connection breaks, and the node sees it. */
  lose(): void {
    this.connection = null;
    this.#reporter.handle(this.#desk.now, { kind: "disconnected" });
    this.take({ kind: "disconnected" });
  }

  // ---- what reaches it

  /** When its reporter wants to be woken; NEVER where it is dead. */
  get wakeAt(): Instant {
    return this.alive ? this.#reporter.wakeAt : NEVER;
  }

  wake(): void {
    if (this.wakeAt <= this.#desk.now) this.#report(this.#reporter.wake(this.#desk.now));
  }

  resync(message: ResyncMessage): void {
    this.#report(this.#reporter.handle(this.#desk.now, { kind: "message", message }));
  }

  take(input: AgentInput): void {
    for (const output of this.core.handle(this.#desk.now, input)) this.#perform(output);
  }

  // ---- what it does

  #perform(output: AgentOutput): void {
    const none = 0 as Micros;
    switch (output.kind) {
      case "send":
        this.#send(JSON.stringify(encodeMessage(output.message)));
        break;
      case "fetch":
        this.#later(MILLISECOND, {
          kind: "fetched",
          run: output.launch.run,
          staging: none,
          transferIn: none,
        });
        break;
      case "start":
        this.#run(output.launch.run);
        break;
      case "return":
        this.#giveResult(output.launch.run);
        break;
      case "gateways":
        this.#publish();
        break;
      case "rejected":
        throw new Error(`rejected: ${output.refusal.message}`);
      case "stop":
      case "forget":
        break;
    }
  }

  #send(text: string): void {
    const { connection } = this;
    if (connection === null) return;
    this.#desk.after(MILLISECOND, () => {
      const message = decodeFromAgent(JSON.parse(text));
      assert(message.ok, `an agent's message does not parse: ${text}`);
      if (this.connection !== connection) return;
      this.#desk.toManager({ kind: "control", connection, message: message.value });
    });
  }

  #run(run: string): void {
    const { lasts, ends, gives } = this.behaviour;
    this.#inLife(lasts, () => {
      const counters = {
        cpuTime: lasts,
        wallTime: lasts,
        peakMemoryBytes: 1e6 as Bytes,
        inputBytes: 0 as Bytes,
        outputBytes: gives ?? (0 as Bytes),
      };
      const event =
        ends === "finished"
          ? ({ kind: "finished", exitCode: 0, counters } as const)
          : ({ kind: "failed", because: ends, detail: "told to", counters } as const);
      this.take({ kind: "runtime", run, event });
    });
  }

  #giveResult(run: string): void {
    const { gives } = this.behaviour;
    const result = gives === undefined ? null : { digest: this.#desk.cryptography.digest(run), size: gives };
    this.#later(MILLISECOND, { kind: "returned", run, result, transferOut: 0 as Micros });
  }

  #publish(): void {
    const { now } = this.#desk;
    const description = this.description;
    this.#reporter.handle(now, { kind: "connected" });
    const links = description.site === YOU ? [] : linksBetween(description.site, YOU, now);
    const publication = { description, load: idleLoad(description, now), links };
    this.#report(this.#reporter.handle(now, { kind: "publish", publication }));
    this.#report(this.#reporter.handle(now, { kind: "connected" }));
  }

  #report(outputs: ReturnType<Reporter["handle"]>): void {
    const { connection } = this;
    if (connection === null) return;
    for (const { message } of outputs) {
      this.#desk.after(MILLISECOND, () => {
        if (this.connection === connection) this.#desk.toManager({ kind: "report", connection, message });
      });
    }
  }

  #later(length: number, input: AgentInput): void {
    this.#inLife(length, () => this.take(input));
  }

  /** In this life only: what a killed process had still to do is not done. */
  #inLife(length: number, act: () => void): void {
    const life = this.#life;
    this.#desk.after(length, () => {
      if (this.#life === life) act();
    });
  }
}
