import type {
  Change,
  Participant,
  ParticipantInput,
  ParticipantOutput,
  Publication,
  View,
} from "@weft/announcement";
import type { NodeDescription, NodeId, NodeLoad } from "@weft/infrastructure";
import type { Cryptography, Instant, Micros, Rng, Signer } from "@weft/kernel";
import { World } from "@weft/sim";

/** Signatures of the real size that cost nothing: what is measured here is the protocols, not Ed25519. */
export const FREE: Cryptography = { digest: () => "", verify: () => true };
export const FREE_SIGNER: Signer = { publicKey: "", sign: () => "00".repeat(64) };
export const anyKey = (): string => "";

/** Two participants that talk, over a way of so many links. */
export interface Way {
  readonly a: number;
  readonly b: number;
  readonly delay: number;
  readonly hops: number;
}

export const idOf = (node: number): NodeId => `n${node}` as NodeId;

/** Participants over given ways in virtual time, with what they send counted once for each link it crosses. */
export class Simulation {
  readonly world: World;
  readonly size: number;
  readonly participants: Participant[] = [];
  /** Called for every change anybody's view makes. */
  onChange: (node: number, change: Change) => void = () => {};
  linkBytes = 0;
  linkMessages = 0;
  /** Bytes on each way, by its place among them. */
  readonly wayBytes: Float64Array;
  /** Bytes sent and received by each node itself. */
  readonly nodeBytes: Float64Array;
  readonly #ways = new Map<number, number>();
  /** Messages on their way. Nobody writes into bytes, so what many are sent need not be copied for each. */
  readonly #mail: (Uint8Array | undefined)[] = [];
  readonly #freeMail: number[] = [];
  readonly #hops: readonly number[];

  constructor(
    size: number,
    ways: readonly Way[],
    make: (node: number, rng: Rng) => Participant,
    seed: number,
  ) {
    this.size = size;
    this.nodeBytes = new Float64Array(size);
    this.wayBytes = new Float64Array(ways.length);
    this.#hops = ways.map(({ hops }) => hops);
    this.world = new World({ seed, trace: 0 });
    for (let node = 0; node < size; node++) this.#add(node, make);
    for (const [i, way] of ways.entries()) {
      this.#ways.set(way.a * size + way.b, i);
      this.#ways.set(way.b * size + way.a, i);
      this.world.connect(way.a as never, way.b as never, { delay: way.delay as Micros });
    }
    for (const { a, b, delay } of ways) {
      this.world.input(a as never, { kind: "peer_up", peer: idOf(b), delay });
      this.world.input(b as never, { kind: "peer_up", peer: idOf(a), delay });
    }
  }

  #add(node: number, make: (node: number, rng: Rng) => Participant): void {
    this.world.add<ParticipantInput, ParticipantOutput>({
      name: idOf(node),
      start: ({ rng }) => {
        const participant = make(node, rng);
        this.participants.push(participant);
        return participant;
      },
      receive: (message, from) => ({
        kind: "message",
        from: idOf(from),
        bytes: this.#opened(message as number),
      }),
      perform: (output, self) => {
        if (output.kind === "change") this.onChange(node, output.change);
        else this.#send(node, Number(output.to.slice(1)), output.bytes, self);
      },
    });
  }

  #send(
    from: number,
    to: number,
    bytes: Uint8Array,
    self: { send(to: never, message: unknown, bytes: number): boolean },
  ): void {
    const way = this.#ways.get(from * this.size + to);
    const hops = way === undefined ? 1 : (this.#hops[way] as number);
    if (way !== undefined) this.wayBytes[way]! += bytes.length * hops;
    this.linkBytes += bytes.length * hops;
    this.linkMessages += hops;
    this.nodeBytes[from]! += bytes.length;
    this.nodeBytes[to]! += bytes.length;
    const slot = this.#freeMail.pop() ?? this.#mail.length;
    this.#mail[slot] = bytes;
    self.send(to as never, slot, bytes.length);
  }

  #opened(slot: number): Uint8Array {
    const bytes = this.#mail[slot] as Uint8Array;
    this.#mail[slot] = undefined;
    this.#freeMail.push(slot);
    return bytes;
  }

  publish(node: number, publication: Publication): void {
    this.world.input(node as never, { kind: "publish", publication });
  }

  pass(us: number): void {
    this.world.runFor(us as Micros);
  }

  view(node: number): View {
    return (this.participants[node] as Participant).view;
  }

  get now(): Instant {
    return this.world.now;
  }

  resetCounters(): void {
    this.linkBytes = 0;
    this.linkMessages = 0;
    this.nodeBytes.fill(0);
    this.wayBytes.fill(0);
  }
}

/** A node whose parallel and neural rates are `rate` FLOPS. */
export const descriptionOf = (id: NodeId, rate: number): NodeDescription =>
  ({
    id,
    tier: "edge",
    site: id,
    domain: "d",
    labels: {},
    power: { logical: rate / 4, parallel: rate, neural: rate },
    laneRate: { logical: rate / 16, parallel: rate / 4, neural: rate / 4 },
    memoryBytes: 8 * 2 ** 30,
    storage: { capacityBytes: 100e9, throughput: 500e6, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm", "model"],
    security: "encrypted",
    watts: null,
    gramsPerKwh: null,
  }) as unknown as NodeDescription;

/** A node before which a task of any type waits `us`. */
export const loadOf = (id: NodeId, us: number): NodeLoad => {
  const wait = Math.round(us);
  return {
    node: id,
    othersUse: { logical: 0, parallel: 0, neural: 0 },
    freeMemoryBytes: 4 * 2 ** 30,
    freeStorageBytes: 50e9,
    queue: { logical: wait, parallel: wait, neural: wait },
    battery: null,
    accepting: true,
    at: 0,
  } as unknown as NodeLoad;
};
