import { createSocket, type Socket } from "node:dgram";
import type { LinkState, SecurityClass, SiteId } from "@weft/infrastructure";
import type { Instant, Micros } from "@weft/kernel";
import { PROBE_BYTES, readAnswer, writeProbe } from "./echo.ts";
import { LinkEstimator } from "./link-estimator.ts";
import { NO_RADIO, type RadioProbe } from "./radio.ts";
import { measureThroughput } from "./throughput.ts";

/** A gateway to probe: where its datagrams and its data are taken, seen from here. */
export interface ProbeTarget {
  readonly site: SiteId;
  readonly udp: string;
  /** null: its rate is not measured. */
  readonly tcp: string | null;
  readonly token?: string | undefined;
  /** How well what passes is kept from strangers; `open` unless said otherwise. */
  readonly security?: SecurityClass;
}

export interface LinkProberOptions {
  readonly from: SiteId;
  /** Told both directions of a link after each train of probes, and when it goes up or down. */
  readonly onState: (states: readonly [LinkState, LinkState]) => void;
  readonly radio?: RadioProbe;
  /** From one train to the next; 10 s unless said otherwise. */
  readonly everyMs?: number;
  /** A link in doubt is probed this often until it is up or down for sure; a tenth of `everyMs` unless said otherwise. */
  readonly doubtMs?: number;
  /** Between timed transfers; 5 min unless said otherwise. */
  readonly throughputEveryMs?: number;
  /** A probe unanswered for so long is lost; 1 s unless said otherwise. */
  readonly timeoutMs?: number;
  readonly downAfter?: number;
}

/** Probes of the first train, and of every later one. */
const FIRST_TRAIN = 10;
const TRAIN = 3;
/** Between two probes of a train: long enough for the one before to be answered from nearby, short enough to stay awake. */
const SPACING_MS = 10;

interface Probed {
  readonly target: ProbeTarget;
  readonly number: number;
  readonly estimator: LinkEstimator;
  sequence: number;
  timers: Set<NodeJS.Timeout>;
  measuring: boolean;
}

/** Perceives the links from here to other gateways (survey, P3): few datagrams, rare transfers, nothing assumed. */
export class LinkProber {
  readonly #options: Required<LinkProberOptions>;
  readonly #socket: Socket = createSocket("udp4");
  readonly #links = new Map<SiteId, Probed>();
  readonly #byNumber = new Map<number, Probed>();
  #nextNumber = 1;
  #closed = false;

  constructor(options: LinkProberOptions) {
    const everyMs = options.everyMs ?? 10_000;
    this.#options = {
      radio: NO_RADIO,
      everyMs,
      doubtMs: everyMs / 10,
      throughputEveryMs: 300_000,
      timeoutMs: 1_000,
      downAfter: 4,
      ...options,
    };
    this.#socket.on("error", () => {}); // an unreachable port shows as loss
    this.#socket.on("message", (frame) => {
      const at = now();
      const answer = frame.length === PROBE_BYTES ? readAnswer(frame) : null;
      const link = answer === null ? undefined : this.#byNumber.get(answer.link);
      if (answer === null || link === undefined) return;
      const wasUp = link.estimator.up;
      link.estimator.answered(answer.sequence, at);
      if (!wasUp && link.estimator.up) this.#cameUp(link);
    });
    this.#socket.bind(0);
    this.#socket.unref();
  }

  /** Starts probing; a site probed already is probed at its new address from scratch. */
  add(target: ProbeTarget): void {
    this.remove(target.site);
    const estimator = new LinkEstimator({
      from: this.#options.from,
      to: target.site,
      security: target.security ?? "open",
      timeout: (this.#options.timeoutMs * 1000) as Micros,
      downAfter: this.#options.downAfter,
    });
    const number = this.#nextNumber++;
    const link: Probed = { target, number, estimator, sequence: 0, timers: new Set(), measuring: false };
    this.#links.set(target.site, link);
    this.#byNumber.set(number, link);
    this.#train(link, FIRST_TRAIN);
  }

  remove(site: SiteId): void {
    const link = this.#links.get(site);
    if (link === undefined) return;
    this.#links.delete(site);
    this.#byNumber.delete(link.number);
    for (const timer of link.timers) clearTimeout(timer);
    link.timers.clear();
  }

  /** What is known of all links now. */
  states(): readonly LinkState[] {
    return [...this.#links.values()].flatMap((link) => this.#statesOf(link));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const site of [...this.#links.keys()]) this.remove(site);
    this.#socket.close();
  }

  #train(link: Probed, length: number): void {
    for (let i = 0; i < length; i++) this.#later(link, i * SPACING_MS, () => this.#probe(link));
    this.#later(link, length * SPACING_MS + this.#options.timeoutMs, () => this.#judge(link));
  }

  #probe(link: Probed): void {
    const sequence = link.sequence++;
    const { udp } = link.target;
    const colon = udp.lastIndexOf(":");
    const frame = writeProbe({ link: link.number, sequence });
    link.estimator.sent(sequence, now());
    this.#socket.send(frame, Number(udp.slice(colon + 1)), udp.slice(0, colon), () => {});
  }

  /** A train is over: every probe of it is answered or lost. */
  #judge(link: Probed): void {
    link.estimator.expire(now());
    this.#tell(link);
    const { everyMs, doubtMs, timeoutMs } = this.#options;
    const doubt = link.estimator.up && link.estimator.missesInARow > 0;
    const spent = TRAIN * SPACING_MS + timeoutMs;
    this.#later(link, Math.max(0, (doubt ? doubtMs : everyMs) - spent), () => this.#train(link, TRAIN));
  }

  #cameUp(link: Probed): void {
    if (link.target.tcp !== null && !link.measuring) {
      link.measuring = true;
      // After the first train, so that the bytes do not delay it.
      this.#later(link, FIRST_TRAIN * SPACING_MS * 2, () => void this.#measure(link));
    }
    this.#tell(link);
  }

  async #measure(link: Probed): Promise<void> {
    const { tcp, token } = link.target;
    if (tcp !== null && link.estimator.up) {
      link.estimator.carried(await measureThroughput({ address: tcp, token }));
      if (this.#links.get(link.target.site) !== link) return;
      this.#tell(link);
    }
    this.#later(link, this.#options.throughputEveryMs, () => void this.#measure(link));
  }

  #statesOf(link: Probed): readonly [LinkState, LinkState] {
    return link.estimator.states(now(), this.#options.radio.read());
  }

  #tell(link: Probed): void {
    this.#options.onState(this.#statesOf(link));
  }

  #later(link: Probed, ms: number, deed: () => void): void {
    const timer = setTimeout(() => {
      link.timers.delete(timer);
      deed();
    }, ms);
    timer.unref();
    link.timers.add(timer);
  }
}

/** The wall clock's epoch with the steady clock's steps: instants a probe can be timed with. */
const now = (): Instant => Math.round((performance.timeOrigin + performance.now()) * 1000) as Instant;
