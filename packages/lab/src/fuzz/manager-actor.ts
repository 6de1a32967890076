import type { ReportMessage } from "@weft/announcement";
import { assert, earliest, type Instant, type Machine, NEVER, type Rng } from "@weft/kernel";
import {
  type Command,
  decodeFromAgent,
  encodeMessage,
  Manager,
  type ManagerInput,
  type ManagerOptions,
  type ManagerOutput,
  type MemoryStore,
} from "@weft/service";
import { type ActorId, resetFrame, StreamEnd, type StreamFrame } from "@weft/sim";

export type ManagerActorInput =
  | { readonly kind: "frame"; readonly from: ActorId; readonly frame: StreamFrame }
  | { readonly kind: "command"; readonly ticket: number; readonly command: Command };

export type ManagerActorOutput =
  | { readonly kind: "frame"; readonly to: ActorId; readonly frame: StreamFrame }
  | Extract<ManagerOutput, { kind: "answer" }>;

/** What goes over a stream: control messages as JSON text, announcements as they are. */
export type Payload = { readonly control: string } | { readonly report: unknown };

/**
 * The manager's core with its streams and its store, as its process has them: changes become durable in groups, and
 * whatever stands on them is said only then. A crash loses the group under way and everything not yet said.
 */
export class ManagerActor implements Machine<ManagerActorInput, ManagerActorOutput> {
  readonly manager: Manager;
  readonly #store: MemoryStore;
  readonly #rng: Rng;
  readonly #streams = new Map<string, { readonly end: StreamEnd; readonly peer: ActorId }>();
  #next: ManagerOutput[] = [];
  #batch: ManagerOutput[] = [];
  /** When the batch is durable, and then when its messages leave. */
  #commitAt: Instant = NEVER;
  #releaseAt: Instant = NEVER;

  constructor(options: ManagerOptions, store: MemoryStore, now: Instant, rng: Rng) {
    this.#store = store;
    this.#rng = rng;
    this.manager = new Manager(options, store.state(), now);
  }

  get wakeAt(): Instant {
    let at = earliest(this.manager.wakeAt, earliest(this.#commitAt, this.#releaseAt));
    for (const { end } of this.#streams.values()) at = earliest(at, end.wakeAt);
    return at;
  }

  wake(now: Instant): readonly ManagerActorOutput[] {
    const out: ManagerActorOutput[] = [];
    if (now >= this.#commitAt) this.#commit(now);
    if (now >= this.#releaseAt) this.#release(now, out);
    if (now >= this.manager.wakeAt) this.#take(now, this.manager.wake(now));
    for (const [id, { end, peer }] of this.#streams) {
      if (now >= end.wakeAt) for (const frame of end.wake(now)) out.push({ kind: "frame", to: peer, frame });
      if (end.broken) this.#closed(now, id);
    }
    return out;
  }

  handle(now: Instant, input: ManagerActorInput): readonly ManagerActorOutput[] {
    if (input.kind === "command") {
      this.#feed(now, input);
      return [];
    }
    const { from, frame } = input;
    const stream = this.#streams.get(frame.stream) ?? this.#opened(now, from, frame);
    if (stream === null)
      return frame.kind === "reset" ? [] : [{ kind: "frame", to: from, frame: resetFrame(frame.stream) }];
    const { payloads, frames } = stream.end.receive(now, frame);
    for (const payload of payloads) this.#heard(now, frame.stream, payload as Payload);
    if (stream.end.broken) this.#closed(now, frame.stream);
    return frames.map((one) => ({ kind: "frame", to: from, frame: one }));
  }

  #opened(now: Instant, from: ActorId, frame: StreamFrame): { end: StreamEnd; peer: ActorId } | null {
    if (frame.kind !== "open") return null;
    const stream = { end: new StreamEnd(frame.stream, now, false), peer: from };
    this.#streams.set(frame.stream, stream);
    const nonce = Array.from({ length: 8 }, () => this.#rng.uint32().toString(16).padStart(8, "0")).join("");
    this.#feed(now, { kind: "opened", connection: frame.stream, nonce });
    return stream;
  }

  #closed(now: Instant, id: string): void {
    if (this.#streams.delete(id)) this.#feed(now, { kind: "closed", connection: id });
  }

  #heard(now: Instant, connection: string, payload: Payload): void {
    if ("report" in payload) {
      this.#feed(now, { kind: "report", connection, message: payload.report as ReportMessage });
      return;
    }
    const message = decodeFromAgent(JSON.parse(payload.control));
    assert(
      message.ok,
      `an agent's message does not parse: ${message.ok ? "" : message.refusal.message} in ${payload.control}`,
    );
    this.#feed(now, { kind: "control", connection, message: message.value });
  }

  #feed(now: Instant, input: ManagerInput): void {
    this.#take(now, this.manager.handle(now, input));
  }

  #take(now: Instant, outputs: readonly ManagerOutput[]): void {
    this.#next.push(...outputs);
    if (this.#next.length > 0 && this.#commitAt === NEVER && this.#releaseAt === NEVER) this.#begin(now);
  }

  #begin(now: Instant): void {
    this.#batch = this.#next;
    this.#next = [];
    this.#commitAt = (now + 1 + this.#rng.below(4000)) as Instant;
  }

  #commit(now: Instant): void {
    this.#commitAt = NEVER;
    for (const output of this.#batch) if (output.kind === "store") this.#store.apply(output.change);
    this.#releaseAt = (now + 1 + this.#rng.below(500)) as Instant;
  }

  #release(now: Instant, out: ManagerActorOutput[]): void {
    this.#releaseAt = NEVER;
    const batch = this.#batch;
    this.#batch = [];
    for (const output of batch) this.#say(now, output, out);
    if (this.#next.length > 0) this.#begin(now);
  }

  #say(now: Instant, output: ManagerOutput, out: ManagerActorOutput[]): void {
    if (output.kind === "answer") out.push(output);
    if (output.kind !== "send" && output.kind !== "resync" && output.kind !== "hang-up") return;
    const stream = this.#streams.get(output.connection);
    if (stream === undefined) return;
    if (output.kind === "hang-up") {
      out.push({ kind: "frame", to: stream.peer, frame: resetFrame(output.connection) });
      this.#streams.delete(output.connection);
      return;
    }
    const payload: Payload =
      output.kind === "send"
        ? { control: JSON.stringify(encodeMessage(output.message)) }
        : { report: output.message };
    for (const frame of stream.end.send(now, payload)) out.push({ kind: "frame", to: stream.peer, frame });
  }
}
