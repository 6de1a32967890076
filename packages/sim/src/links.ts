import { assert, type BitsPerSecond, type Bytes, type Micros, type Ratio, type Rng } from "@weft/kernel";

/** One direction between two actors. What is left out is perfect: no delay, endless rate, nothing lost. */
export interface LinkModel {
  /** Propagation, one way. */
  readonly delay?: Micros;
  /** Serialisation: a message of n bytes keeps the sender's side busy for 8n / rate. null: no time at all. */
  readonly rate?: BitsPerSecond | null;
  /** Mean of an exponential extra delay; messages still arrive in order (they wait for the one before). */
  readonly jitter?: Micros;
  /** Chance that a message is lost. */
  readonly loss?: Ratio;
  /** Chance that a message arrives a second time. */
  readonly duplication?: Ratio;
  /** Chance that a message is held back (by up to 4 delays + 1 ms) and overtaken by later ones. */
  readonly reordering?: Ratio;
  /** Bytes that may wait for the sender's side; more are dropped. null: endless. */
  readonly queue?: Bytes | null;
}

/** What one direction of a link carried and lost. */
export interface LinkCounters {
  readonly messages: number;
  readonly bytes: number;
  /** By loss, a full queue, a link that is down or a partition. */
  readonly dropped: number;
  readonly duplicated: number;
}

const MODEL_COLUMNS = 7;
const COLUMN = {
  delay: 0,
  usPerByte: 1,
  jitter: 2,
  loss: 3,
  duplication: 4,
  reordering: 5,
  queue: 6,
} as const;
const STATE_COLUMNS = 6;
const STATE = { freeAt: 0, lastArrival: 1, messages: 2, bytes: 3, dropped: 4, duplicated: 5 } as const;

/** All links of a world as columns: `model[link * 7 + column]`, `state[link * 6 + column]`. */
export class LinkTable {
  readonly from: number[] = [];
  readonly to: number[] = [];
  readonly #byEnds = new Map<number, number>();
  readonly #out: number[][] = [];
  #model = new Float64Array(64 * MODEL_COLUMNS);
  #state = new Float64Array(64 * STATE_COLUMNS);
  #up = new Uint8Array(64);
  #random = new Uint8Array(64);
  readonly #rngs: (Rng | undefined)[] = [];
  readonly #fork: (from: number, to: number) => Rng;

  /** `fork` names the random stream of one link; it is called once for each link that needs chance. */
  constructor(fork: (from: number, to: number) => Rng) {
    this.#fork = fork;
  }

  get count(): number {
    return this.from.length;
  }

  /** The link from one actor to another, -1 where there is none. */
  between(from: number, to: number): number {
    return this.#byEnds.get(from * 0x400_0000 + to) ?? -1;
  }

  /** Links that leave an actor, in the order in which they were made. */
  leaving(actor: number): readonly number[] {
    return this.#out[actor] ?? [];
  }

  /** Makes a link, or changes the model of the one that is there. */
  set(from: number, to: number, model: LinkModel): number {
    assert(from !== to, "a link joins two actors");
    let link = this.between(from, to);
    if (link < 0) {
      link = this.from.length;
      if (link === this.#up.length) this.#grow();
      this.from.push(from);
      this.to.push(to);
      this.#byEnds.set(from * 0x400_0000 + to, link);
      (this.#out[from] ??= []).push(link);
      this.#up[link] = 1;
    }
    this.change(link, {
      delay: 0 as Micros,
      rate: null,
      jitter: 0 as Micros,
      loss: 0 as Ratio,
      duplication: 0 as Ratio,
      reordering: 0 as Ratio,
      queue: null,
      ...model,
    });
    return link;
  }

  /** Changes what `model` names and leaves the rest. */
  change(link: number, model: LinkModel): void {
    const at = link * MODEL_COLUMNS;
    const columns = this.#model;
    if (model.delay !== undefined) columns[at + COLUMN.delay] = model.delay;
    if (model.rate !== undefined) columns[at + COLUMN.usPerByte] = model.rate === null ? 0 : 8e6 / model.rate;
    if (model.jitter !== undefined) columns[at + COLUMN.jitter] = model.jitter;
    if (model.loss !== undefined) columns[at + COLUMN.loss] = model.loss;
    if (model.duplication !== undefined) columns[at + COLUMN.duplication] = model.duplication;
    if (model.reordering !== undefined) columns[at + COLUMN.reordering] = model.reordering;
    if (model.queue !== undefined) columns[at + COLUMN.queue] = model.queue ?? Number.POSITIVE_INFINITY;
    const chance = columns.subarray(at + COLUMN.jitter, at + COLUMN.queue).some((value) => value > 0);
    this.#random[link] = chance ? 1 : 0;
  }

  delay(link: number): Micros {
    return this.#model[link * MODEL_COLUMNS + COLUMN.delay] as Micros;
  }

  isUp(link: number): boolean {
    return this.#up[link] === 1;
  }

  setUp(link: number, up: boolean): void {
    this.#up[link] = up ? 1 : 0;
  }

  /**
   * Sends `bytes` at `now`: calls `arrive(at)` once for each copy that will arrive. Returns how many (0, 1, 2).
   */
  transmit(link: number, now: number, bytes: number, arrive: (at: number) => void): number {
    const model = this.#model;
    const state = this.#state;
    const m = link * MODEL_COLUMNS;
    const s = link * STATE_COLUMNS;
    state[s + STATE.messages]! += 1;
    state[s + STATE.bytes]! += bytes;
    if (this.#up[link] === 0) return this.drop(link);
    const usPerByte = model[m + COLUMN.usPerByte] as number;
    let sent = now;
    if (usPerByte > 0) {
      const freeAt = state[s + STATE.freeAt] as number;
      sent = Math.max(freeAt, now);
      if ((sent - now) / usPerByte > (model[m + COLUMN.queue] as number)) return this.drop(link);
      sent += bytes * usPerByte;
      state[s + STATE.freeAt] = sent;
    }
    const delay = model[m + COLUMN.delay] as number;
    if (this.#random[link] === 0) {
      const at = Math.max(Math.ceil(sent + delay), state[s + STATE.lastArrival] as number);
      state[s + STATE.lastArrival] = at;
      arrive(at);
      return 1;
    }
    return this.#withChance(link, sent, delay, arrive);
  }

  #withChance(link: number, sent: number, delay: number, arrive: (at: number) => void): number {
    const rng = (this.#rngs[link] ??= this.#fork(this.from[link] as number, this.to[link] as number));
    const model = this.#model;
    const m = link * MODEL_COLUMNS;
    const s = link * STATE_COLUMNS;
    if (rng.chance(model[m + COLUMN.loss] as number)) return this.drop(link);
    const jitter = model[m + COLUMN.jitter] as number;
    let at = Math.ceil(sent + delay + (jitter > 0 ? rng.exponential(jitter) : 0));
    if (rng.chance(model[m + COLUMN.reordering] as number)) {
      at += Math.ceil(rng.float() * (4 * delay + 1000));
    } else {
      at = Math.max(at, this.#state[s + STATE.lastArrival] as number);
      this.#state[s + STATE.lastArrival] = at;
    }
    arrive(at);
    if (!rng.chance(model[m + COLUMN.duplication] as number)) return 1;
    this.#state[s + STATE.duplicated]! += 1;
    arrive(at + Math.ceil(rng.float() * (delay + 1000)));
    return 2;
  }

  /** Counts a lost message; always 0. */
  drop(link: number): number {
    this.#state[link * STATE_COLUMNS + STATE.dropped]! += 1;
    return 0;
  }

  counters(link: number): LinkCounters {
    const s = link * STATE_COLUMNS;
    return {
      messages: this.#state[s + STATE.messages] as number,
      bytes: this.#state[s + STATE.bytes] as number,
      dropped: this.#state[s + STATE.dropped] as number,
      duplicated: this.#state[s + STATE.duplicated] as number,
    };
  }

  /** Forgets what was carried so far: for measuring after a warm-up. */
  resetCounters(): void {
    for (let s = 0; s < this.count * STATE_COLUMNS; s += STATE_COLUMNS) {
      this.#state.fill(0, s + STATE.messages, s + STATE_COLUMNS);
    }
  }

  #grow(): void {
    const capacity = this.#up.length * 2;
    const grown = <T extends Float64Array | Uint8Array>(column: T, into: T): T => {
      into.set(column);
      return into;
    };
    this.#model = grown(this.#model, new Float64Array(capacity * MODEL_COLUMNS));
    this.#state = grown(this.#state, new Float64Array(capacity * STATE_COLUMNS));
    this.#up = grown(this.#up, new Uint8Array(capacity));
    this.#random = grown(this.#random, new Uint8Array(capacity));
  }
}
