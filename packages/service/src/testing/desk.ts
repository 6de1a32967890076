import { Reporter } from "@weft/announcement";
import type { DomainId, NodeDescription, NodeId, SiteId } from "@weft/infrastructure";
import {
  assert,
  type BitsPerSecond,
  type Bytes,
  type BytesPerSecond,
  type Cryptography,
  canonicalText,
  HOUR,
  type Instant,
  MILLISECOND,
  type Micros,
  type Money,
  money,
  NEVER,
  type Operations,
  type OperationsPerSecond,
  type Ratio,
  type Result,
  SECOND,
  type Signer,
} from "@weft/kernel";
import { type PriceList, signOrder } from "@weft/market";
import type { RunFailure } from "@weft/orchestration";
import type { TaskNeeds } from "@weft/scheduling";
import { AgentCore, type AgentInput, type AgentOutput } from "../agent/agent.ts";
import type { Command, ManagerEvent, ManagerInput, ManagerOptions, ManagerOutput } from "../manager/core.ts";
import { Manager } from "../manager/manager.ts";
import { MemoryStore } from "../memory-store.ts";
import type { ApplicationSubmission, SignedOrder, StepRequest, TaskSubmission } from "../resources.ts";
import { decodeFromAgent, decodeToAgent, encodeMessage } from "../wire.ts";

/*
 * A whole network on a desk: one manager and its agents as machines, joined by messages that take a millisecond, with
 * runs that take as long as they are told. No clock, no socket; any part can be killed at any moment.
 */

const OPS = (n: number) => n as OperationsPerSecond;
export const YOU = "you" as SiteId;
export const START = 1_800_000_000_000_000 as Instant;

export const DESK_PRICES: PriceList = {
  petaOperation: { logical: money(40_000_000n), parallel: money(20_000_000n), neural: money(30_000_000n) },
  memoryGibHour: money(30_000n),
  storageGibHour: money(500n),
  transferGb: money(400_000n),
  bandwidthGbpsHour: money(2_000_000n),
  perTask: money(5n),
};

export function describeNode(id: string, site: string, lanes = 2): NodeDescription {
  const lane = { logical: OPS(1e9), parallel: OPS(2e9), neural: OPS(2e9) };
  return {
    id: id as NodeId,
    tier: "edge",
    site: site as SiteId,
    domain: "home" as DomainId,
    labels: {},
    power: {
      logical: OPS(lane.logical * lanes),
      parallel: OPS(lane.parallel * lanes),
      neural: OPS(lane.neural * lanes),
    },
    laneRate: lane,
    memoryBytes: (2 * 2 ** 30) as Bytes,
    storage: { capacityBytes: 1e10 as Bytes, throughput: 1e8 as BytesPerSecond, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm"],
    security: "encrypted",
    watts: null,
    gramsPerKwh: null,
  };
}

/** A small logical task: a hundred milliseconds on one lane. */
export function deskNeeds(change: Partial<TaskNeeds["where"]> = {}): TaskNeeds {
  return {
    basic: {
      inputBytes: 0 as Bytes,
      resultBytes: 0 as Bytes,
      dataType: null,
      dataAt: YOU,
      mayLeaveTo: null,
      deadline: null,
      sticky: null,
    },
    compute: { type: "logical", work: 1e8 as Operations, atLeast: OPS(0), lanes: 1, accelerator: null },
    storage: { capacity: 0 as Bytes, throughput: 0 as BytesPerSecond, storageClass: null },
    algorithm: { function: "count", timeComplexity: null, space: 1e6 as Bytes },
    network: {
      delay: null,
      bandwidth: 0 as BitsPerSecond,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    },
    where: { runs: "wasm", tier: null, domain: null, labels: {}, avoid: [], ...change },
    objective: { kind: "cost" },
    payAtMost: null,
  };
}

/** How a desk's node behaves; `run` says how long and how a run ends. */
export interface Behaviour {
  readonly lasts: Micros;
  readonly ends: "finished" | RunFailure;
  /** Size of the result; none where absent. */
  readonly gives?: Bytes;
}

interface DeskNode {
  core: AgentCore;
  reporter: Reporter;
  readonly description: NodeDescription;
  readonly signer: Signer;
  readonly listens: boolean;
  behaviour: Behaviour;
  connection: string | null;
  alive: boolean;
  /** Grows with every start: what an earlier life scheduled is nobody's. */
  life: number;
}

export class Desk {
  readonly store = new MemoryStore();
  readonly answers = new Map<number, Result<string>>();
  readonly logs: string[] = [];
  readonly events: ManagerEvent[] = [];
  /** Sizes of the log's heads that may be shown. */
  readonly heads: number[] = [];
  onHead: (size: number) => void = () => {};
  readonly nodes = new Map<string, DeskNode>();
  manager: Manager;
  now: Instant = START;
  /** The key whose offers the nodes heed. */
  owner: string | null = null;
  readonly #cryptography: Cryptography;
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
    this.#cryptography = cryptography;
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
    return new Manager(
      {
        signer: this.#managerSigner,
        cryptography: this.#cryptography,
        account: "manager",
        currency: "CNY",
        fee: { commissionPpm: 50_000 },
        site: YOU,
        domain: "home" as DomainId,
        gateway: { site: YOU, url: "http://127.0.0.1:7070", echo: null },
        dataToken: "data-token",
        newId: (kind) => `${kind}-${++this.#ids}`,
        silence: (3 * SECOND) as Micros,
        ...this.#options,
      },
      this.store.state(),
      this.now,
    );
  }

  /** Kills the manager; nobody hears anything until it is started again. */
  killManager(): void {
    for (const node of this.nodes.values()) this.#lose(node);
    const nobody = { wakeAt: NEVER, wake: () => [], handle: () => [], core: this.manager.core };
    this.manager = nobody as unknown as Manager;
  }

  /** Kills the manager and starts it again from what is durable; its agents notice and dial again. */
  restartManager(): void {
    this.manager = this.#newManager();
    for (const node of this.nodes.values()) {
      const before = node.connection;
      this.#lose(node);
      if (before !== null && node.alive) this.#after(10 * MILLISECOND, () => this.#dial(node));
    }
  }

  /** `listens`: the node is its site's gateway. */
  join(description: NodeDescription, behaviour: Behaviour, listens = false): void {
    const signer = this.#newSigner();
    const node: DeskNode = {
      ...this.#newAgent(description, signer, listens),
      description,
      signer,
      listens,
      behaviour,
      connection: null,
      alive: true,
      life: 1,
    };
    this.nodes.set(description.id, node);
    this.#dial(node);
  }

  #newAgent(
    description: NodeDescription,
    signer: Signer,
    listens: boolean,
  ): { core: AgentCore; reporter: Reporter } {
    const gateway = listens ? { url: `http://${description.id}.test:7070`, echo: null } : null;
    const { owner } = this;
    const cryptography = this.#cryptography;
    const identity = { signer, cryptography, joinToken: "join-secret", gateway, owner };
    return {
      core: new AgentCore(identity, description, DESK_PRICES),
      reporter: new Reporter(description.id, signer, this.#cryptography),
    };
  }

  /** How a node's runs go from now on. */
  behave(id: string, behaviour: Behaviour): void {
    this.#node(id).behaviour = behaviour;
  }

  /** Kills a node's process; the manager sees the connection break. */
  kill(id: string): void {
    const node = this.#node(id);
    node.alive = false;
    node.life++;
    this.#drop(node);
  }

  /** Cuts a node off without telling it; both sides see the connection break. */
  cut(id: string): void {
    this.#drop(this.#node(id));
  }

  /** A node that was cut off dials again. */
  mend(id: string): void {
    this.#dial(this.#node(id));
  }

  /** A killed node starts anew, with the same key. */
  revive(id: string): void {
    const node = this.#node(id);
    Object.assign(node, this.#newAgent(node.description, node.signer, node.listens), { alive: true });
    this.#dial(node);
  }

  submit(name: string, needs: TaskNeeds, payAtMost = money(1_000n), account = "ann"): Result<string> {
    return this.command({
      kind: "submit",
      caller: { account, role: "consumer" },
      submission: this.submission(name, needs, payAtMost, account),
    });
  }

  /** An application of these steps, each with an order of its own. */
  application(
    name: string,
    steps: readonly (Pick<StepRequest, "name" | "needs"> & { readonly from?: readonly string[] })[],
    change: Partial<ApplicationSubmission> = {},
  ): ApplicationSubmission {
    return {
      name,
      labels: {},
      at: YOU,
      objective: "cost",
      deadline: null,
      gang: false,
      payAtMost: null,
      manifest: canonicalText({ name }),
      contents: [],
      orders: steps.map((step) => {
        const { order } = this.submission(`${name}/${step.name}`, step.needs, money(1_000n)).order;
        const taskDigest = this.#cryptography.digest(canonicalText({ name }));
        return signOrder({ ...order, taskDigest }, this.#signerOf("ann"));
      }),
      steps: steps.map(({ name, needs, from = [] }) => ({
        name,
        needs,
        from: from.map((step) => ({ step, bytes: 1000 as Bytes })),
        program: { kind: "wasm", module: "00".repeat(32), args: [], env: {} },
        input: null,
      })),
      ...change,
    };
  }

  submission(name: string, needs: TaskNeeds, payAtMost: Money, account = "ann"): TaskSubmission {
    const manifest = canonicalText({ name });
    return {
      name,
      labels: {},
      manifest,
      needs,
      program: { kind: "wasm", module: "00".repeat(32), args: [], env: {} },
      input: null,
      contents: [],
      order: this.orderFor(`order-${name}`, manifest, payAtMost, account),
    };
  }

  /** An order of a consumer's for a manifest, good for an hour. */
  orderFor(id: string, manifest: string, payAtMost: Money, account = "ann"): SignedOrder {
    const taskDigest = this.#cryptography.digest(manifest);
    const notAfter = (this.now + HOUR) as Instant;
    const signer = this.#signerOf(account);
    const consumer = signer.publicKey;
    return signOrder({ id, consumer, taskDigest, payAtMost, notAfter }, signer);
  }

  #signerOf(account: string): Signer {
    const signer = this.#consumers.get(account);
    assert(signer !== undefined, `no consumer ${account} on the desk`);
    return signer;
  }

  command(command: Command): Result<string> {
    const ticket = ++this.#tickets;
    this.#toManager({ kind: "command", ticket, command });
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
    for (const node of this.nodes.values()) {
      if (node.alive && node.reporter.wakeAt < at) at = node.reporter.wakeAt;
    }
    return at;
  }

  #wake(): void {
    if (this.manager.wakeAt <= this.now) this.#fromManager(this.manager.wake(this.now));
    for (const node of this.nodes.values()) {
      if (node.alive && node.reporter.wakeAt <= this.now) this.#report(node, node.reporter.wake(this.now));
    }
  }

  #toManager(input: ManagerInput): void {
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
          this.#after(MILLISECOND, () => {
            const node = this.#speaking(output.connection);
            const message = decodeToAgent(JSON.parse(text));
            assert(message.ok, `a manager's message does not parse: ${text}`);
            if (node !== undefined) this.#toAgent(node, { kind: "message", message: message.value });
          });
          break;
        }
        case "resync":
          this.#after(MILLISECOND, () => {
            const node = this.#speaking(output.connection);
            if (node === undefined) return;
            this.#report(node, node.reporter.handle(this.now, { kind: "message", message: output.message }));
          });
          break;
        case "hang-up": {
          const node = this.#speaking(output.connection);
          if (node === undefined) break;
          this.#lose(node);
          this.#after(10 * MILLISECOND, () => this.#dial(node));
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
        case "event":
          this.events.push(output.event);
          break;
      }
    }
  }

  #toAgent(node: DeskNode, input: AgentInput): void {
    for (const output of node.core.handle(this.now, input)) this.#perform(node, output);
  }

  #perform(node: DeskNode, output: AgentOutput): void {
    const { behaviour } = node;
    switch (output.kind) {
      case "send": {
        const connection = node.connection;
        const text = JSON.stringify(encodeMessage(output.message));
        if (connection === null) return;
        this.#after(MILLISECOND, () => {
          const message = decodeFromAgent(JSON.parse(text));
          assert(message.ok, `an agent's message does not parse: ${text}`);
          if (node.connection !== connection) return;
          this.#toManager({ kind: "control", connection, message: message.value });
        });
        break;
      }
      case "fetch": {
        const none = 0 as Micros;
        const fetched = { kind: "fetched", run: output.launch.run, staging: none, transferIn: none } as const;
        this.#inLife(node, MILLISECOND, () => this.#toAgent(node, fetched));
        break;
      }
      case "start": {
        const { run } = output.launch;
        this.#inLife(node, behaviour.lasts, () => {
          const counters = {
            cpuTime: behaviour.lasts,
            wallTime: behaviour.lasts,
            peakMemoryBytes: 1e6 as Bytes,
            inputBytes: 0 as Bytes,
            outputBytes: behaviour.gives ?? (0 as Bytes),
          };
          const event =
            behaviour.ends === "finished"
              ? ({ kind: "finished", exitCode: 0, counters } as const)
              : ({ kind: "failed", because: behaviour.ends, detail: "told to", counters } as const);
          this.#toAgent(node, { kind: "runtime", run, event });
        });
        break;
      }
      case "return": {
        const { run } = output.launch;
        const { gives } = behaviour;
        const returned = {
          kind: "returned",
          run,
          result: gives === undefined ? null : { digest: this.#cryptography.digest(run), size: gives },
          transferOut: 0 as Micros,
        } as const;
        this.#inLife(node, MILLISECOND, () => this.#toAgent(node, returned));
        break;
      }
      case "gateways": {
        const { id } = node.description;
        node.reporter.handle(this.now, { kind: "connected" });
        const free = { logical: OPS(0), parallel: OPS(0), neural: OPS(0) };
        const none = 0 as Micros;
        this.#report(
          node,
          node.reporter.handle(this.now, {
            kind: "publish",
            publication: {
              description: node.description,
              load: {
                node: id,
                othersUse: free,
                freeMemoryBytes: node.description.memoryBytes,
                freeStorageBytes: node.description.storage.capacityBytes,
                queue: { logical: none, parallel: none, neural: none },
                battery: null,
                accepting: true,
                at: this.now,
              },
              links: this.#linksOf(node),
            },
          }),
        );
        this.#report(node, node.reporter.handle(this.now, { kind: "connected" }));
        break;
      }
      case "rejected":
        throw new Error(`rejected: ${output.refusal.message}`);
      case "stop":
      case "forget":
        break;
    }
  }

  #linksOf(node: DeskNode) {
    if (node.description.site === YOU) return [];
    const { site } = node.description;
    return [
      { from: site, to: YOU },
      { from: YOU, to: site },
    ].map((ends) => ({
      ...ends,
      up: true,
      delay: (5 * MILLISECOND) as Micros,
      jitter: 100 as Micros,
      loss: 0 as Ratio,
      capacity: 1e8 as BitsPerSecond,
      bitErrorRate: null,
      security: "encrypted" as const,
      radio: null,
      at: this.now,
    }));
  }

  #report(node: DeskNode, outputs: ReturnType<Reporter["handle"]>): void {
    for (const { message } of outputs) {
      const connection = node.connection;
      if (connection === null) continue;
      this.#after(MILLISECOND, () => {
        if (node.connection === connection) this.#toManager({ kind: "report", connection, message });
      });
    }
  }

  #dial(node: DeskNode): void {
    if (!node.alive || node.connection !== null) return;
    const connection = `c${++this.#serial}`;
    node.connection = connection;
    this.#toManager({ kind: "opened", connection, nonce: this.#cryptography.digest(connection) });
  }

  #drop(node: DeskNode): void {
    const { connection } = node;
    this.#lose(node);
    if (connection !== null) this.#toManager({ kind: "closed", connection });
  }

  #speaking(connection: string): DeskNode | undefined {
    for (const node of this.nodes.values()) if (node.connection === connection) return node;
    return undefined;
  }

  #lose(node: DeskNode): void {
    node.connection = null;
    node.reporter.handle(this.now, { kind: "disconnected" });
    this.#toAgent(node, { kind: "disconnected" });
  }

  #node(id: string): DeskNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `no node ${id} on the desk`);
    return node;
  }

  #inLife(node: DeskNode, length: number, act: () => void): void {
    const { life } = node;
    this.#after(length, () => {
      if (node.life === life) act();
    });
  }

  #after(length: number, act: () => void): void {
    this.#queue.push({ at: (this.now + length) as Instant, serial: ++this.#serial, act });
  }
}
