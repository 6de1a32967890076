import type { NodeId } from "@weft/infrastructure";
import { type Cryptography, type Instant, type Machine, NEVER, type Rng, type Signer } from "@weft/kernel";
import {
  DEFAULT_PUBLISHER_SETTINGS,
  type Publication,
  Publisher,
  type PublisherSettings,
} from "../publisher.ts";
import type { AnnouncementRecord } from "../record.ts";
import type { ReportMessage, ResyncMessage } from "./messages.ts";

/*
 * The agent's side of centralised announcement (A1).
 *
 * [REP.1] On every new connection everything known is told whole.
 * [REP.2] Connected, changes are told as publisher.ts says; disconnected, nothing is told and nothing queued.
 * [REP.3] A resync is answered with the facets asked for, whole, under numbers above the collector's.
 */

export type ReporterInput =
  /** What the node measured of itself; members left out stay as they were. */
  | { readonly kind: "publish"; readonly publication: Publication }
  | { readonly kind: "connected" }
  | { readonly kind: "disconnected" }
  | { readonly kind: "message"; readonly message: ResyncMessage }
  /** The node leaves for good; its last report says so. */
  | { readonly kind: "leave" };

export interface ReporterOutput {
  readonly kind: "send";
  readonly message: ReportMessage;
}

export class Reporter implements Machine<ReporterInput, ReporterOutput> {
  readonly #publisher: Publisher;
  #connected = false;

  /** `rng`, where given, spreads the heartbeats of many agents. */
  constructor(
    origin: NodeId,
    signer: Signer,
    cryptography: Cryptography,
    settings: PublisherSettings = DEFAULT_PUBLISHER_SETTINGS,
    rng: Rng | null = null,
  ) {
    this.#publisher = new Publisher(origin, signer, cryptography, settings, rng);
  }

  get wakeAt(): Instant {
    return this.#connected ? this.#publisher.wakeAt : NEVER;
  }

  wake(now: Instant): readonly ReporterOutput[] {
    return this.#connected ? send(this.#publisher.due(now)) : [];
  }

  handle(now: Instant, input: ReporterInput): readonly ReporterOutput[] {
    switch (input.kind) {
      case "publish":
        return this.#publish(now, input.publication);
      case "connected":
        this.#connected = true;
        return send(this.#publisher.whole(now));
      case "disconnected":
        this.#connected = false;
        return [];
      case "message":
        this.#publisher.raiseAbove(input.message.above);
        return this.#connected ? send(this.#publisher.whole(now, input.message.facets)) : [];
      case "leave":
        return this.#connected ? send([this.#publisher.leave(now)]) : [];
    }
  }

  #publish(now: Instant, publication: Publication): readonly ReporterOutput[] {
    if (this.#connected) return send(this.#publisher.publish(now, publication));
    this.#publisher.note(publication);
    return [];
  }
}

const send = (records: readonly AnnouncementRecord[]): readonly ReporterOutput[] =>
  records.length === 0 ? [] : [{ kind: "send", message: { kind: "report", records } }];
