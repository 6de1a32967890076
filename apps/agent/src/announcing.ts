import {
  decodeCentralised,
  encodeCentralised,
  type Publication,
  Reporter,
  type ReporterInput,
  type ReporterOutput,
  takePart,
} from "@weft/announcement";
import { type Bus, openBus, ParticipantHost } from "@weft/announcement-net";
import type { NodeId } from "@weft/infrastructure";
import { type Instant, type PublicKey, type Refusal, Rng, refuse, type Signer } from "@weft/kernel";
import { Driver, nodeCryptography } from "@weft/live";
import type { AnnouncementTerms, Neighbours } from "@weft/service";
import type { AgentConfig } from "./config.ts";

/**
 * How an agent announces itself, live: by reports over the connection to its manager, or as a participant among the
 * others over the bus, as its manager says. What is published before it has begun is kept.
 */
export class Announcing {
  readonly #config: AgentConfig;
  readonly #self: NodeId;
  readonly #signer: Signer;
  readonly #clock: () => Instant;
  readonly #say: (line: string) => void;
  readonly #reports: Driver<ReporterInput, ReporterOutput>;
  readonly #keys = new Map<NodeId, PublicKey>();
  #terms: AnnouncementTerms | null = null;
  #connected = false;
  #latest: Publication = {};
  #bus: Bus | null = null;
  #host: ParticipantHost | null = null;
  #near: readonly NodeId[] = [];

  /** `report` carries a report to the manager. */
  constructor(
    config: AgentConfig,
    self: NodeId,
    signer: Signer,
    clock: () => Instant,
    say: (line: string) => void,
    report: (bytes: Uint8Array) => void,
  ) {
    this.#config = config;
    this.#self = self;
    this.#signer = signer;
    this.#clock = clock;
    this.#say = say;
    const reporter = new Reporter(self, signer, nodeCryptography, undefined, this.#rng());
    this.#reports = new Driver(reporter, clock, (outputs) => {
      for (const { message } of outputs) report(encodeCentralised(message));
    });
  }

  /** Whether the manager has said how, and is there. */
  get begun(): boolean {
    return this.#connected;
  }

  /** The manager has taken the node in. Returns why this node cannot announce itself as it asks; null: it can. */
  async begin(terms: AnnouncementTerms): Promise<Refusal | null> {
    const { announcement } = this.#config;
    if (announcement !== null && announcement !== terms.architecture) {
      return refuse("E_ANNOUNCEMENT", "the manager's domain announces itself another way", {
        path: "announcement",
        found: announcement,
        expected: terms.architecture,
        hint: "leave it out to follow the manager",
      }).refusal;
    }
    this.#connected = true;
    if (terms.architecture === "centralised") {
      this.#reports.handle({ kind: "connected" });
      return null;
    }
    if (this.#terms !== null && same(this.#terms, terms)) return null;
    await this.close();
    return this.#join(terms);
  }

  async #join(terms: AnnouncementTerms): Promise<Refusal | null> {
    this.#terms = terms;
    const opened = await openBus(this.#config.bus ?? terms.bus ?? undefined, {
      urls: this.#config.managers,
      token: () => terms.busToken,
      jitter: Math.random,
    });
    if (!opened.ok) return opened.refusal;
    this.#bus = opened.value;
    const keyOf = (node: NodeId) =>
      node === this.#self ? this.#signer.publicKey : (this.#keys.get(node) ?? null);
    const { architecture, domain } = terms;
    const participant = takePart(
      architecture,
      this.#self,
      this.#signer,
      nodeCryptography,
      keyOf,
      this.#rng(),
    );
    if (participant === null) return null;
    const host = new ParticipantHost(this.#self, participant, opened.value, this.#clock, undefined, domain);
    this.#host = host;
    this.#say(`announcing by ${architecture} over ${this.#config.bus ?? terms.bus ?? "the manager's bus"}`);
    for (const peer of this.#near) host.join(peer);
    host.handle({ kind: "publish", publication: this.#latest });
    return null;
  }

  publish(publication: Publication): void {
    this.#latest = publication;
    this.#reports.handle({ kind: "publish", publication });
    this.#host?.handle({ kind: "publish", publication });
  }

  neighbours({ members, neighbours }: Neighbours): void {
    for (const { node, key } of members) this.#keys.set(node, key);
    for (const peer of this.#near) if (!neighbours.includes(peer)) this.#host?.part(peer);
    for (const peer of neighbours) if (!this.#near.includes(peer)) this.#host?.join(peer);
    this.#near = neighbours;
  }

  /** What the collector asks for again. */
  asked(bytes: Uint8Array): void {
    const message = decodeCentralised(bytes);
    if (message.ok && message.value.kind === "resync") {
      this.#reports.handle({ kind: "message", message: message.value });
    }
  }

  /** The manager is away; the other participants are told on. */
  disconnected(): void {
    this.#connected = false;
    this.#reports.handle({ kind: "disconnected" });
  }

  leave(): void {
    this.#reports.handle({ kind: "leave" });
    this.#host?.handle({ kind: "leave" });
  }

  async close(): Promise<void> {
    this.#terms = null;
    this.#host?.close();
    this.#host = null;
    await this.#bus?.close();
    this.#bus = null;
  }

  #rng(): Rng {
    return new Rng(Number.parseInt(this.#signer.publicKey.slice(0, 8), 16));
  }
}

const same = (a: AnnouncementTerms, b: AnnouncementTerms): boolean =>
  a.architecture === b.architecture && a.domain === b.domain && a.bus === b.bus && a.busToken === b.busToken;
