import type { NodeDescription } from "@weft/infrastructure";
import {
  type Cryptography,
  type Instant,
  type Machine,
  type Micros,
  NEVER,
  type PublicKey,
  type Refusal,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";
import {
  checkSignedOffer,
  floorOf,
  type PriceList,
  type SignedOffer,
  type SignedUsage,
  type StandingOffer,
  signContract,
  signUsage,
} from "@weft/market";
import type { RunEvent } from "@weft/orchestration";
import {
  type AgentRunState,
  type AnnouncementTerms,
  challengeText,
  type FromAgent,
  type GatewayAddress,
  type Launch,
  type Neighbours,
  type Outcome,
  PROTOCOL_VERSION,
  type ToAgent,
} from "../protocol.ts";
import type { ContentReference } from "../resources.ts";
import { meter } from "./meter.ts";
import { objection } from "./objection.ts";

/*
 * The node's side of every run: what its manager asked, what its owner allows, what its runtimes and
 * transfers report, and what follows. Effects are data; the agent's process performs them.
 */

export type AgentInput =
  | { readonly kind: "connected" }
  | { readonly kind: "disconnected" }
  | { readonly kind: "message"; readonly message: ToAgent }
  /** Program and input are on the node. */
  | { readonly kind: "fetched"; readonly run: string; readonly staging: Micros; readonly transferIn: Micros }
  | { readonly kind: "runtime"; readonly run: string; readonly event: RunEvent }
  | {
      readonly kind: "returned";
      readonly run: string;
      readonly result: ContentReference | null;
      readonly transferOut: Micros;
    }
  | { readonly kind: "transfer-failed"; readonly run: string; readonly detail: string }
  /** The owner's word: whether new tasks are taken. */
  | { readonly kind: "accepting"; readonly accepting: boolean }
  | { readonly kind: "prices"; readonly prices: PriceList }
  | { readonly kind: "described"; readonly description: NodeDescription };

export type AgentOutput =
  | { readonly kind: "send"; readonly message: FromAgent }
  | { readonly kind: "fetch"; readonly launch: Launch }
  | { readonly kind: "start"; readonly launch: Launch }
  | { readonly kind: "stop"; readonly run: string }
  | { readonly kind: "return"; readonly launch: Launch }
  /** Nobody asks for this run any more: its scratch space may go. */
  | { readonly kind: "forget"; readonly run: string }
  | { readonly kind: "gateways"; readonly gateways: readonly GatewayAddress[]; readonly dataToken: string }
  /** The manager has taken the node in: how it announces itself from now on. */
  | { readonly kind: "announce"; readonly terms: AnnouncementTerms }
  | ({ readonly kind: "neighbours" } & Neighbours)
  /** The manager will not have this node: the process stops and says why. */
  | { readonly kind: "rejected"; readonly refusal: Refusal };

export interface AgentIdentity {
  readonly signer: Signer;
  readonly cryptography: Cryptography;
  readonly joinToken: string | null;
  readonly gateway: Omit<GatewayAddress, "site"> | null;
  /** The key whose offers may lower the node's prices; none: its own list is its last word. */
  readonly owner?: PublicKey | null;
}

interface HeldRun {
  launch: Launch;
  /** The node's countersignature under the contract. */
  readonly signature: Signature;
  readonly startedAt: Instant;
  state: AgentRunState | "cancelled" | "done";
  spent: { staging: Micros; transferIn: Micros; compute: Micros; transferOut: Micros };
  finished: Extract<RunEvent, { kind: "finished" }> | null;
  outcome: Outcome | null;
}

const NONE = 0 as Micros;

export class AgentCore implements Machine<AgentInput, AgentOutput> {
  readonly wakeAt = NEVER;
  readonly #identity: AgentIdentity;
  readonly #runs = new Map<string, HeldRun>();
  #description: NodeDescription;
  /** The owner's list on this machine, and the offer of theirs that came by the manager. */
  #prices: PriceList;
  #offer: StandingOffer | null = null;
  #accepting = true;
  #welcome = false;
  #dataToken = "";
  #recorded = 0;

  constructor(identity: AgentIdentity, description: NodeDescription, prices: PriceList) {
    this.#identity = identity;
    this.#description = description;
    this.#prices = prices;
  }

  /** Runs that are not settled yet. */
  get holding(): readonly string[] {
    return [...this.#runs.keys()];
  }

  wake(): readonly AgentOutput[] {
    return [];
  }

  handle(now: Instant, input: AgentInput): readonly AgentOutput[] {
    const outputs = this.#step(now, input);
    if (this.#welcome) return outputs;
    // Nothing but the hello is said to a manager that has not said welcome: what was missed is repeated then.
    return outputs.filter((output) => output.kind !== "send" || output.message.kind === "hello");
  }

  #step(now: Instant, input: AgentInput): readonly AgentOutput[] {
    switch (input.kind) {
      case "connected":
      case "disconnected":
        this.#welcome = false; // the manager speaks first; runs go on without it
        return [];
      case "message":
        return this.#message(now, input.message);
      case "fetched":
        return this.#with(input.run, (held) => {
          held.spent = { ...held.spent, staging: input.staging, transferIn: input.transferIn };
          return [...this.#enter(held, "running"), { kind: "start", launch: held.launch }];
        });
      case "runtime":
        return this.#with(input.run, (held) => this.#runtime(now, held, input.event));
      case "returned":
        return this.#with(input.run, (held) => {
          held.spent = { ...held.spent, transferOut: input.transferOut };
          return this.#conclude(now, held, {
            kind: "finished",
            exitCode: held.finished?.exitCode ?? 0,
            result: input.result,
          });
        });
      case "transfer-failed":
        return this.#with(input.run, (held) =>
          this.#conclude(now, held, { kind: "failed", because: "transfer_failed", detail: input.detail }),
        );
      case "accepting":
        this.#accepting = input.accepting;
        return [];
      case "prices":
        this.#prices = input.prices;
        return [this.#priced()];
      case "described":
        this.#description = input.description;
        return [];
    }
  }

  /** Applies `step` to a run that is still wanted; whatever comes for another is late and changes nothing. */
  #with(run: string, step: (held: HeldRun) => readonly AgentOutput[]): readonly AgentOutput[] {
    const held = this.#runs.get(run);
    if (held === undefined || held.state === "done") return [];
    if (held.state === "cancelled") {
      this.#runs.delete(run);
      return [{ kind: "forget", run }];
    }
    return step(held);
  }

  #message(now: Instant, message: ToAgent): readonly AgentOutput[] {
    switch (message.kind) {
      case "challenge":
        return [{ kind: "send", message: this.#hello(now, message.manager, message.nonce) }];
      case "welcome":
        this.#welcome = true;
        this.#recorded = Math.max(this.#recorded, message.recorded);
        this.#dataToken = message.dataToken;
        return [
          this.#gateways(message.gateways),
          { kind: "announce", terms: message.announcement },
          ...this.#repeatOutcomes(),
        ];
      case "gateways":
        return [this.#gateways(message.gateways)];
      case "neighbours":
        return [message];
      case "admitted":
        return []; // the answer to a knock, which has a connection of its own
      case "rejected":
        return [{ kind: "rejected", refusal: message.refusal }];
      case "launch":
        return this.#launch(now, message.launch);
      case "offer":
        return this.#heed(message.offer);
      case "cancel":
        return this.#cancel(message.run);
      case "reroute": {
        const held = this.#runs.get(message.run);
        if (held !== undefined) held.launch = { ...held.launch, segments: message.segments };
        return [];
      }
      case "settled":
        this.#runs.delete(message.run);
        return [{ kind: "forget", run: message.run }];
    }
  }

  /** Takes an offer for its own where the owner signed it; of two the later. Anybody else's word changes nothing. */
  #heed(signed: SignedOffer | null): readonly AgentOutput[] {
    const { owner, cryptography } = this.#identity;
    if (signed === null) {
      if (this.#offer === null) return [];
      this.#offer = null;
      return [this.#priced()];
    }
    const known = owner != null && signed.key === owner && signed.offer.node === this.#description.id;
    const later = this.#offer === null || signed.offer.at >= this.#offer.at;
    if (!known || !later || !checkSignedOffer(signed, cryptography).ok) return [];
    this.#offer = signed.offer;
    return [this.#priced()];
  }

  /** The least it signs for. */
  get #floor(): PriceList {
    return this.#offer === null ? this.#prices : floorOf(this.#offer, this.#prices);
  }

  #priced(): AgentOutput {
    const prices = this.#offer?.prices ?? this.#prices;
    return { kind: "send", message: { kind: "prices", prices, floor: this.#floor } };
  }

  #gateways(gateways: readonly GatewayAddress[]): AgentOutput {
    return { kind: "gateways", gateways, dataToken: this.#dataToken };
  }

  #hello(now: Instant, manager: string, nonce: string): FromAgent {
    const { signer, joinToken, gateway } = this.#identity;
    return {
      kind: "hello",
      protocol: PROTOCOL_VERSION,
      at: now,
      key: signer.publicKey,
      proof: signer.sign(challengeText(manager, nonce)),
      joinToken,
      description: this.#description,
      prices: this.#prices,
      gateway,
      holding: this.holding,
    };
  }

  #repeatOutcomes(): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [run, held] of this.#runs) {
      if (held.outcome !== null)
        outputs.push({ kind: "send", message: { kind: "outcome", run, outcome: held.outcome } });
      else if (held.state !== "cancelled" && held.state !== "done") {
        outputs.push({ kind: "send", message: { kind: "accepted", run, signature: held.signature } });
        outputs.push({ kind: "send", message: { kind: "state", run, state: held.state } });
      }
    }
    return outputs;
  }

  #launch(now: Instant, launch: Launch): readonly AgentOutput[] {
    const { run } = launch;
    const held = this.#runs.get(run);
    if (held !== undefined) {
      if (held.outcome === null)
        return [{ kind: "send", message: { kind: "accepted", run, signature: held.signature } }];
      return [{ kind: "send", message: { kind: "outcome", run, outcome: held.outcome } }];
    }
    const refusal = this.#objection(now, launch);
    if (refusal !== null) return [{ kind: "send", message: { kind: "declined", run, refusal } }];
    const signature = signContract(launch.contract.terms, this.#identity.signer);
    this.#runs.set(run, {
      launch,
      signature,
      startedAt: now,
      state: "staging",
      spent: { staging: NONE, transferIn: NONE, compute: NONE, transferOut: NONE },
      finished: null,
      outcome: null,
    });
    return [
      { kind: "send", message: { kind: "accepted", run, signature } },
      { kind: "fetch", launch },
    ];
  }

  #objection(now: Instant, launch: Launch): Refusal | null {
    if (!this.#accepting)
      return refuse("node_paused", "the node's owner takes no new tasks now", {
        hint: "other nodes may take it, and this one again once it is let",
      }).refusal;
    const { signer, cryptography } = this.#identity;
    return objection(launch, this.#description, this.#floor, signer.publicKey, now, cryptography);
  }

  #cancel(run: string): readonly AgentOutput[] {
    const held = this.#runs.get(run);
    if (held === undefined || held.state === "done") {
      this.#runs.delete(run);
      return [{ kind: "forget", run }];
    }
    held.state = "cancelled";
    return [{ kind: "stop", run }];
  }

  #enter(held: HeldRun, state: AgentRunState): readonly AgentOutput[] {
    held.state = state;
    return [{ kind: "send", message: { kind: "state", run: held.launch.run, state } }];
  }

  #runtime(now: Instant, held: HeldRun, event: RunEvent): readonly AgentOutput[] {
    const { run } = held.launch;
    switch (event.kind) {
      case "started":
      case "progress":
        return [];
      case "log":
        return [
          { kind: "send", message: { kind: "log", run, at: now, stream: event.stream, text: event.text } },
        ];
      case "finished":
        held.finished = event;
        held.spent = { ...held.spent, compute: event.counters.wallTime };
        if (event.exitCode !== 0) {
          const detail = `exit code ${event.exitCode}`;
          return this.#conclude(now, held, { kind: "failed", because: "program_failed", detail });
        }
        if (event.counters.outputBytes === 0) {
          return this.#conclude(now, held, { kind: "finished", exitCode: 0, result: null });
        }
        return [...this.#enter(held, "returning"), { kind: "return", launch: held.launch }];
      case "failed":
        held.spent = { ...held.spent, compute: event.counters.wallTime };
        return this.#conclude(now, held, { kind: "failed", because: event.because, detail: event.detail });
    }
  }

  #conclude(now: Instant, held: HeldRun, end: Outcome["end"]): readonly AgentOutput[] {
    const { launch, signature } = held;
    held.state = "done";
    const counters = held.finished?.counters ?? null;
    let usage: SignedUsage | null = null;
    if (end.kind === "finished" && counters !== null) {
      const span = { startedAt: held.startedAt, endedAt: now, sequence: ++this.#recorded };
      const record = meter(launch, this.#description, counters, span, end.result?.digest ?? null);
      usage = signUsage(record, this.#identity.signer);
    }
    held.outcome = { end, spent: held.spent, counters, signature, usage };
    return [{ kind: "send", message: { kind: "outcome", run: launch.run, outcome: held.outcome } }];
  }
}
