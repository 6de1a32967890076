import { Reporter, type ResyncMessage } from "@weft/announcement";
import type { NodeDescription } from "@weft/infrastructure";
import {
  assert,
  type Bytes,
  type Cryptography,
  earliest,
  type Instant,
  type Machine,
  type Micros,
  type Rng,
  type Signer,
} from "@weft/kernel";
import { AgentCore, type AgentInput, type AgentOutput, decodeToAgent, encodeMessage } from "@weft/service";
import { DESK_PRICES, idleLoad, linksBetween } from "@weft/service/testing";
import { StreamEnd, type StreamFrame } from "@weft/sim";
import type { Payload } from "./manager-actor.ts";
import { MANAGER_SITE } from "./scenery.ts";

export interface AgentSetting {
  readonly description: NodeDescription;
  readonly signer: Signer;
  readonly cryptography: Cryptography;
  readonly rng: Rng;
  readonly now: Instant;
  /** Names a stream nobody had before. */
  readonly newStream: () => string;
}

const NONE = 0 as Micros;

/** An agent's process: its core, its reporter, one stream to the manager that it dials again when it breaks, its runs. */
export class AgentActor implements Machine<StreamFrame, StreamFrame> {
  readonly #setting: AgentSetting;
  readonly #core: AgentCore;
  readonly #reporter: Reporter;
  #stream: StreamEnd | null = null;
  #dialAt: Instant;
  #timers: { at: Instant; input: AgentInput }[] = [];
  #frames: StreamFrame[] = [];

  constructor(setting: AgentSetting) {
    const { description, signer, cryptography, now } = setting;
    this.#setting = setting;
    const identity = { signer, cryptography, joinToken: "join-secret", gateway: null };
    this.#core = new AgentCore(identity, description, DESK_PRICES);
    this.#reporter = new Reporter(description.id, signer, cryptography);
    this.#dialAt = now;
  }

  get wakeAt(): Instant {
    let at = earliest(this.#reporter.wakeAt, this.#core.wakeAt);
    at = earliest(at, this.#stream === null ? this.#dialAt : this.#stream.wakeAt);
    for (const timer of this.#timers) at = earliest(at, timer.at);
    return at;
  }

  wake(now: Instant): readonly StreamFrame[] {
    if (this.#stream === null && now >= this.#dialAt) this.#dial(now);
    const due = this.#timers.filter(({ at }) => at <= now);
    this.#timers = this.#timers.filter(({ at }) => at > now);
    for (const { input } of due) this.#feed(now, input);
    if (now >= this.#reporter.wakeAt) this.#report(now, this.#reporter.wake(now));
    if (this.#stream !== null && now >= this.#stream.wakeAt) this.#frames.push(...this.#stream.wake(now));
    this.#noticeBreak(now);
    return this.#take();
  }

  handle(now: Instant, frame: StreamFrame): readonly StreamFrame[] {
    if (frame.stream !== this.#stream?.id) {
      // A stream of an earlier life: its other end is told.
      if (frame.kind !== "reset")
        this.#frames.push({ stream: frame.stream, kind: "reset", sequence: 0, heard: 0, payload: null });
      return this.#take();
    }
    const { payloads, frames } = this.#stream.receive(now, frame);
    this.#frames.push(...frames);
    for (const payload of payloads) this.#heard(now, payload as Payload);
    this.#noticeBreak(now);
    return this.#take();
  }

  #take(): readonly StreamFrame[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  #dial(now: Instant): void {
    this.#stream = new StreamEnd(this.#setting.newStream(), now, true);
    this.#feed(now, { kind: "connected" });
  }

  #noticeBreak(now: Instant): void {
    if (this.#stream === null || !this.#stream.broken) return;
    this.#stream = null;
    this.#dialAt = (now + 100_000 + this.#setting.rng.below(900_000)) as Instant;
    this.#reporter.handle(now, { kind: "disconnected" });
    this.#feed(now, { kind: "disconnected" });
  }

  #heard(now: Instant, payload: Payload): void {
    if ("report" in payload) {
      this.#report(
        now,
        this.#reporter.handle(now, { kind: "message", message: payload.report as ResyncMessage }),
      );
      return;
    }
    const message = decodeToAgent(JSON.parse(payload.control));
    assert(
      message.ok,
      `a manager's message does not parse: ${message.ok ? "" : message.refusal.message} in ${payload.control}`,
    );
    this.#feed(now, { kind: "message", message: message.value });
  }

  #feed(now: Instant, input: AgentInput): void {
    for (const output of this.#core.handle(now, input)) this.#perform(now, output);
  }

  #perform(now: Instant, output: AgentOutput): void {
    switch (output.kind) {
      case "send":
        this.#send(now, { control: JSON.stringify(encodeMessage(output.message)) });
        break;
      case "fetch":
        this.#later(now, 2000, { kind: "fetched", run: output.launch.run, staging: NONE, transferIn: NONE });
        break;
      case "start":
        this.#run(now, output.launch.run);
        break;
      case "return":
        this.#later(now, 2000, { kind: "returned", run: output.launch.run, result: null, transferOut: NONE });
        break;
      case "gateways":
        this.#publish(now);
        break;
      case "rejected":
        throw new Error(`the manager rejects the node: ${output.refusal.message}`);
      case "stop":
      case "forget":
        break;
    }
  }

  /** A run takes between 50 ms and 3 s; one in twenty ends with a failure of its own. */
  #run(now: Instant, run: string): void {
    const { rng } = this.#setting;
    const lasts = (50_000 + rng.below(2_950_000)) as Micros;
    const counters = {
      cpuTime: lasts,
      wallTime: lasts,
      peakMemoryBytes: 1e6 as Bytes,
      inputBytes: 0 as Bytes,
      outputBytes: 0 as Bytes,
    };
    const event = rng.chance(0.05)
      ? ({ kind: "failed", because: "program_failed", detail: "told to", counters } as const)
      : ({ kind: "finished", exitCode: 0, counters } as const);
    this.#later(now, lasts, { kind: "runtime", run, event });
  }

  #publish(now: Instant): void {
    const { description } = this.#setting;
    this.#report(now, this.#reporter.handle(now, { kind: "connected" }));
    const links = linksBetween(description.site, MANAGER_SITE, now);
    const publication = { description, load: idleLoad(description, now), links };
    this.#report(now, this.#reporter.handle(now, { kind: "publish", publication }));
  }

  #report(now: Instant, outputs: ReturnType<Reporter["handle"]>): void {
    for (const { message } of outputs) this.#send(now, { report: message });
  }

  #send(now: Instant, payload: Payload): void {
    if (this.#stream !== null) this.#frames.push(...this.#stream.send(now, payload));
  }

  #later(now: Instant, length: number, input: AgentInput): void {
    this.#timers.push({ at: (now + length) as Instant, input });
  }
}
