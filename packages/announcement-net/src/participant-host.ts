import type { Change, Participant, ParticipantInput, ParticipantOutput } from "@weft/announcement";
import type { NodeId } from "@weft/infrastructure";
import type { Instant, Micros } from "@weft/kernel";
import { Driver } from "@weft/live";
import type { Bus } from "./bus.ts";

/** Bytes a participant could not send: dropped by a full queue, or to nobody. The protocols repair what they lose. */
export interface HostCounters {
  readonly unsent: number;
}

/**
 * Runs one participant of any architecture over a bus: each node listens on a subject of its own. Who its peers are the
 * owner says; that one of them is silent the participant notices by itself.
 */
export class ParticipantHost {
  readonly participant: Participant;
  readonly self: NodeId;
  readonly #bus: Bus;
  readonly #driver: Driver<ParticipantInput, ParticipantOutput>;
  readonly #unsubscribe: () => void;
  readonly #scope: string;
  #unsent = 0;

  /** `changes` is told of every change of the view. Of domains that share a bus each has a `scope` of its own. */
  constructor(
    self: NodeId,
    participant: Participant,
    bus: Bus,
    clock: () => Instant,
    changes: (change: Change) => void = () => {},
    scope = "",
  ) {
    this.#scope = scope;
    this.self = self;
    this.participant = participant;
    this.#bus = bus;
    this.#driver = new Driver(participant, clock, (outputs) => {
      for (const output of outputs) {
        if (output.kind === "change") changes(output.change);
        else if (!this.#send(output.to, output.bytes)) this.#unsent++;
      }
    });
    this.#unsubscribe = bus.subscribe(subjectOf(self, scope), (message) => this.#receive(message));
  }

  get counters(): HostCounters {
    return { unsent: this.#unsent };
  }

  /** Names a peer to talk to; `delay` one way where it is known. Harmless when named already. */
  join(peer: NodeId, delay?: Micros): void {
    this.#driver.handle(delay === undefined ? { kind: "peer_up", peer } : { kind: "peer_up", peer, delay });
  }

  /** A peer is no longer one. */
  part(peer: NodeId): void {
    this.#driver.handle({ kind: "peer_down", peer });
  }

  /** Hands an input of the owner's to the participant: a publication, or `leave`. */
  handle(input: Extract<ParticipantInput, { kind: "publish" | "leave" }>): void {
    this.#driver.handle(input);
  }

  close(): void {
    this.#unsubscribe();
    this.#driver.close();
  }

  #send(to: NodeId, bytes: Uint8Array): boolean {
    return this.#bus.publish(subjectOf(to, this.#scope), fromNode(this.self, bytes)).ok;
  }

  #receive(message: Uint8Array): void {
    const read = readFromNode(message);
    if (read !== null) this.#driver.handle({ kind: "message", ...read });
  }
}

const SEPARATOR = Buffer.from([0]);

/** A participant's message on the bus: the sender's id, a zero byte, and the protocol's bytes. */
export const fromNode = (from: NodeId, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(from, "utf8"), SEPARATOR, bytes]);

/** Reads one; null where no id stands in front. */
export function readFromNode(
  message: Uint8Array,
): { readonly from: NodeId; readonly bytes: Uint8Array } | null {
  const end = message.indexOf(0);
  if (end <= 0 || end > 256) return null;
  const from = Buffer.from(message.subarray(0, end)).toString("utf8") as NodeId;
  return { from, bytes: message.subarray(end + 1) };
}

/**
 * The subject a node listens on, within one domain's scope where a bus carries several. Characters that mean something
 * in subjects are written in hex.
 */
export const subjectOf = (node: NodeId, scope = ""): string =>
  scope === "" ? `weft.node.${word(node)}` : `weft.${word(scope)}.node.${word(node)}`;

const word = (text: string): string =>
  text.replace(/[^A-Za-z0-9_-]/g, (c) => `=${c.codePointAt(0)?.toString(16)}=`);
