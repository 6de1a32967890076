import type { NodeId } from "@weft/infrastructure";
import { assert, type Instant, type Machine, type Micros, type Rng } from "@weft/kernel";
import { type ActorId, type LinkModel, World, type WorldOptions } from "@weft/sim";
import type { Participant, ParticipantInput, ParticipantOutput } from "../src/participant.ts";
import type { Publication } from "../src/publisher.ts";
import type { Change } from "../src/view.ts";
import { nodeNamed } from "./nodes.ts";

/** A link of a test network: two names and a model. */
export interface Edge {
  readonly a: string;
  readonly b: string;
  readonly model: LinkModel;
}

/** A machine that tells its peers and its state to a participant when it starts. */
class Booted implements Machine<ParticipantInput, ParticipantOutput> {
  readonly participant: Participant;
  #first: readonly ParticipantInput[] | null;
  readonly #at: Instant;

  constructor(participant: Participant, at: Instant, first: readonly ParticipantInput[]) {
    this.participant = participant;
    this.#at = at;
    this.#first = first;
  }

  get wakeAt(): Instant {
    return this.#first === null ? this.participant.wakeAt : this.#at;
  }

  wake(now: Instant): readonly ParticipantOutput[] {
    if (this.#first === null) {
      const woken = this.participant.wake(now);
      assert(this.participant.wakeAt > now, "a machine woken leaves its deadline later than now");
      return woken;
    }
    const first = this.#first;
    this.#first = null;
    return first.flatMap((input) => this.participant.handle(now, input));
  }

  handle(now: Instant, input: ParticipantInput): readonly ParticipantOutput[] {
    const before = this.#first === null ? [] : this.wake(now);
    return [...before, ...this.participant.handle(now, input)];
  }
}

/** Participants over simulated links; each is told of its links, publishes its truth, and restarts with both. */
export class Network {
  readonly world: World;
  readonly truth = new Map<string, Publication>();
  readonly changes = new Map<string, { readonly at: Instant; readonly change: Change }[]>();
  readonly #edges: readonly Edge[];
  readonly names: readonly string[];

  constructor(
    names: readonly string[],
    edges: readonly Edge[],
    make: (name: NodeId, rng: Rng) => Participant,
    options: WorldOptions,
  ) {
    this.world = new World(options);
    this.names = names;
    this.#edges = edges;
    for (const name of names) this.#add(name, make);
    for (const { a, b, model } of edges) this.world.connect(this.id(a), this.id(b), model);
  }

  #add(name: string, make: (name: NodeId, rng: Rng) => Participant): void {
    this.changes.set(name, []);
    this.world.add<ParticipantInput, ParticipantOutput>({
      name,
      start: ({ now, rng }) => new Booted(make(nodeNamed(name), rng), now, this.#first(name)),
      receive: (message, from) => ({
        kind: "message",
        from: nodeNamed(this.world.name(from)),
        bytes: message as Uint8Array,
      }),
      perform: (output, self) => {
        if (output.kind === "send") self.send(this.id(output.to), output.bytes);
        else this.changes.get(name)?.push({ at: this.world.now, change: output.change });
      },
      linkChanged: (peer, up) => {
        const id = nodeNamed(this.world.name(peer));
        return up
          ? { kind: "peer_up", peer: id, delay: this.#delay(name, id) }
          : { kind: "peer_down", peer: id };
      },
    });
  }

  #delay(a: string, b: string): Micros {
    const edge = this.#edges.find((e) => (e.a === a && e.b === b) || (e.a === b && e.b === a));
    return (edge?.model.delay ?? 0) as Micros;
  }

  #first(name: string): ParticipantInput[] {
    const peers = this.#edges.filter((edge) => edge.a === name || edge.b === name);
    const first: ParticipantInput[] = peers.map((edge) => {
      const peer = nodeNamed(edge.a === name ? edge.b : edge.a);
      return { kind: "peer_up", peer, delay: this.#delay(name, peer) };
    });
    const publication = this.truth.get(name);
    if (publication !== undefined) first.push({ kind: "publish", publication });
    return first;
  }

  id(name: string): ActorId {
    return this.world.id(name);
  }

  participant(name: string): Participant | null {
    return this.world.machine<Booted>(this.id(name))?.participant ?? null;
  }

  publish(name: string, publication: Publication): void {
    this.truth.set(name, { ...this.truth.get(name), ...publication });
    this.input(name, { kind: "publish", publication });
  }

  input(name: string, input: ParticipantInput): void {
    this.world.input(this.id(name), input);
  }

  /** Lets `us` microseconds pass. */
  pass(us: number): void {
    this.world.runFor(us as Micros);
  }
}
