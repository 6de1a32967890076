import type { DomainId, NodeDescription } from "@weft/infrastructure";
import {
  assert,
  type Cryptography,
  earliest,
  type Instant,
  MILLISECOND,
  type Micros,
  type Money,
  money,
  NEVER,
  type Result,
  type Signer,
} from "@weft/kernel";
import type { TaskNeeds } from "@weft/scheduling";
import type { PeerMessage } from "../federation/messages.ts";
import type { Command, ManagerEvent, ManagerInput, ManagerOptions, ManagerOutput } from "../manager/core.ts";
import { Manager } from "../manager/manager.ts";
import type { TaskEntry } from "../manager/tasks.ts";
import { MemoryStore } from "../memory-store.ts";
import type { ApplicationSubmission, SignedOrder, TaskPhase, TaskSubmission } from "../resources.ts";
import { decodeToAgent, encodeMessage } from "../wire.ts";
import { type Behaviour, DeskNode } from "./desk-node.ts";
import {
  applicationManifestOf,
  applicationOf,
  type DeskSteps,
  manifestOf,
  orderOf,
  submissionOf,
} from "./orders.ts";
import { deskNeeds, homeManager, START, YOU } from "./scenery.ts";

/*
 * A whole network on a desk: one manager and its agents as machines, joined by messages that take a millisecond, with
 * runs that take as long as they are told. No clock, no socket; any part can be killed at any moment.
 */

export class Desk {
  readonly store = new MemoryStore();
  readonly answers = new Map<number, Result<string>>();
  readonly logs: string[] = [];
  readonly events: ManagerEvent[] = [];
  /** Sizes of the log's heads that may be shown. */
  readonly heads: number[] = [];
  onHead: (size: number) => void = () => {};
  /** What the manager says to another domain's goes nowhere unless it is taken here. */
  onPeer: (domain: DomainId, message: PeerMessage) => void = () => {};
  readonly nodes = new Map<string, DeskNode>();
  manager: Manager;
  now: Instant = START;
  /** The key whose offers the nodes heed. */
  owner: string | null = null;
  readonly cryptography: Cryptography;
  readonly #options: Partial<ManagerOptions>;
  readonly #managerSigner: Signer;
  readonly #consumers = new Map<string, Signer>();
  readonly #newSigner: () => Signer;
  readonly #queue: { at: Instant; serial: number; act: () => void }[] = [];
  #serial = 0;
  #ids = 0;
  #tickets = 0;

  constructor(cryptography: Cryptography, newSigner: () => Signer, options: Partial<ManagerOptions> = {}) {
    this.#options = options;
    this.cryptography = cryptography;
    this.#newSigner = newSigner;
    this.#managerSigner = newSigner();
    this.manager = this.#newManager();
    this.consumer("ann");
    this.command({ kind: "open-account", id: "pat", name: "Pat", role: "provider", limit: 0n as Money });
    const digest = cryptography.digest("join-secret");
    this.command({
      kind: "create-token",
      token: { id: "j", digest, use: "join", account: "pat", role: "provider", note: "", expiresAt: null },
    });
  }

  /** A consumer with money and a key; "ann" is one from the beginning. */
  consumer(id: string): void {
    const signer = this.#newSigner();
    this.#consumers.set(id, signer);
    this.command({ kind: "open-account", id, name: id, role: "consumer", limit: 0n as Money });
    this.command({ kind: "deposit", id: `first-${id}`, account: id, amount: money(10_000_000n) });
    this.command({ kind: "add-key", account: id, key: signer.publicKey, note: "" });
  }

  #newManager(): Manager {
    const newId = (kind: string) => `${kind}-${++this.#ids}`;
    const options = homeManager(YOU, this.#managerSigner, this.cryptography, newId);
    return new Manager({ ...options, ...this.#options }, this.store.state(), this.now);
  }

  /** Kills the manager; nobody hears anything until it is started again. */
  killManager(): void {
    for (const node of this.nodes.values()) node.lose();
    const nobody = { wakeAt: NEVER, wake: () => [], handle: () => [], core: this.manager.core };
    this.manager = nobody as unknown as Manager;
  }

  /** Kills the manager and starts it again from what is durable; its agents notice and dial again. */
  restartManager(): void {
    this.manager = this.#newManager();
    for (const node of this.nodes.values()) {
      const before = node.connection;
      node.lose();
      if (before !== null && node.alive) this.after(10 * MILLISECOND, () => node.dial());
    }
  }

  /** `listens`: the node is its site's gateway. */
  join(description: NodeDescription, behaviour: Behaviour, listens = false): void {
    const node = new DeskNode(this, description, this.#newSigner(), behaviour, listens);
    this.nodes.set(description.id, node);
    node.dial();
  }

  /** How a node's runs go from now on. */
  behave(id: string, behaviour: Behaviour): void {
    this.#node(id).behaviour = behaviour;
  }

  /** Kills a node's process; the manager sees the connection break. */
  kill(id: string): void {
    this.#node(id).kill();
  }

  /** Cuts a node off without telling it; both sides see the connection break. */
  cut(id: string): void {
    this.#node(id).cut();
  }

  /** A node that was cut off dials again. */
  mend(id: string): void {
    this.#node(id).dial();
  }

  /** A killed node starts anew, with the same key. */
  revive(id: string): void {
    this.#node(id).revive();
  }

  submit(name: string, needs: TaskNeeds, payAtMost = money(1_000n), account = "ann"): Result<string> {
    return this.command({
      kind: "submit",
      caller: { account, role: "consumer" },
      submission: this.submission(name, needs, payAtMost, account),
    });
  }

  /** The same, of what nothing speaks against: the task's id. */
  submitted(name: string, needs = deskNeeds(), account?: string, payAtMost?: Money): string {
    const answer = this.submit(name, needs, payAtMost, account);
    assert(answer.ok, answer.ok ? name : `${answer.refusal.code}: ${answer.refusal.message}`);
    return answer.value;
  }

  task(id: string): TaskEntry {
    const entry = this.manager.core.tasks.task(id);
    assert(entry !== undefined, `no task ${id} on the desk`);
    return entry;
  }

  phase(id: string): TaskPhase {
    return this.task(id).row.progress.phase;
  }

  /** An application of ann's of these steps, with an order a step. */
  application(
    name: string,
    steps: DeskSteps,
    change: Partial<ApplicationSubmission> = {},
  ): ApplicationSubmission {
    const manifest = change.manifest ?? applicationManifestOf(name, steps);
    const orders = steps.map((step) => this.orderFor(`order-${name}/${step.name}`, manifest, money(1_000n)));
    return { ...applicationOf(name, steps, orders), ...change };
  }

  submission(name: string, needs: TaskNeeds, payAtMost: Money, account = "ann"): TaskSubmission {
    const order = this.orderFor(`order-${name}`, manifestOf(name), payAtMost, account);
    return submissionOf(name, needs, order);
  }

  /** An order of a consumer's for a manifest, good for an hour. */
  orderFor(id: string, manifest: string, payAtMost: Money, account = "ann"): SignedOrder {
    const { cryptography, now } = this;
    return orderOf({ signer: this.#signerOf(account), cryptography, now }, id, manifest, payAtMost);
  }

  #signerOf(account: string): Signer {
    const signer = this.#consumers.get(account);
    assert(signer !== undefined, `no consumer ${account} on the desk`);
    return signer;
  }

  command(command: Command): Result<string> {
    const ticket = ++this.#tickets;
    this.toManager({ kind: "command", ticket, command });
    const answer = this.answers.get(ticket);
    assert(answer !== undefined, "a command is answered at once");
    return answer;
  }

  /** Lets `length` of time pass: messages arrive, machines wake. */
  pass(length: Micros): void {
    const until = (this.now + length) as Instant;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at || a.serial - b.serial);
      const next = Math.min(this.#queue[0]?.at ?? Number.MAX_SAFE_INTEGER, this.#earliestWake());
      if (next > until) break;
      this.now = Math.max(this.now, next) as Instant;
      const first = this.#queue[0];
      if (first !== undefined && first.at <= this.now) {
        this.#queue.shift();
        first.act();
      } else this.#wake();
    }
    this.now = until;
  }

  #earliestWake(): Instant {
    let at = this.manager.wakeAt;
    for (const node of this.nodes.values()) at = earliest(at, node.wakeAt);
    return at;
  }

  #wake(): void {
    if (this.manager.wakeAt <= this.now) this.#fromManager(this.manager.wake(this.now));
    for (const node of this.nodes.values()) node.wake();
  }

  toManager(input: ManagerInput): void {
    this.#fromManager(this.manager.handle(this.now, input));
  }

  #fromManager(outputs: readonly ManagerOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "store":
          this.store.apply(output.change);
          break;
        case "send": {
          const text = JSON.stringify(encodeMessage(output.message));
          this.after(MILLISECOND, () => {
            const node = this.#speaking(output.connection);
            const message = decodeToAgent(JSON.parse(text));
            assert(message.ok, `a manager's message does not parse: ${text}`);
            node?.take({ kind: "message", message: message.value });
          });
          break;
        }
        case "resync":
          this.after(MILLISECOND, () => {
            this.#speaking(output.connection)?.resync(output.message);
          });
          break;
        case "hang-up": {
          const node = this.#speaking(output.connection);
          if (node === undefined) break;
          node.lose();
          this.after(10 * MILLISECOND, () => node.dial());
          break;
        }
        case "answer":
          this.answers.set(output.ticket, output.result);
          break;
        case "log":
          this.logs.push(`${output.task} ${output.text}`);
          break;
        case "head":
          this.heads.push(output.size);
          this.onHead(output.size);
          break;
        case "to-peer":
          this.onPeer(output.domain, output.message);
          break;
        case "event":
          this.events.push(output.event);
          break;
      }
    }
  }

  newConnection(): string {
    return `c${++this.#serial}`;
  }

  #speaking(connection: string): DeskNode | undefined {
    for (const node of this.nodes.values()) if (node.connection === connection) return node;
    return undefined;
  }

  #node(id: string): DeskNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `no node ${id} on the desk`);
    return node;
  }

  after(length: number, act: () => void): void {
    this.#queue.push({ at: (this.now + length) as Instant, serial: ++this.#serial, act });
  }
}
