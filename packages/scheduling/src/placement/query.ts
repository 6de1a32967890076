import { COMPUTE_TYPES, type NodeId, SECURITY_CLASSES } from "@weft/infrastructure";
import { ACCELERATOR_KINDS, type Corrections, demandBits, KNOWN, type Pool } from "@weft/pool";
import { type Objective, type TaskNeeds, workClass } from "../task.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/**
 * A task's needs in the pool's own indexes and units, as plain numbers: what every check on the hot path reads. One
 * query object is filled again for every task, so placing allocates nothing for it.
 */
export class Query {
  /** Site index of the data; -1 when the pool knows no such site. */
  source = -1;
  type = 0;
  work = 0;
  atLeast = 0;
  lanes = 0;
  memory = 0;
  storage = 0;
  throughput = 0;
  deviceKind = -1;
  deviceMemory = 0;
  deviceCount = 0;
  service = "";
  /** What was learnt of this function, by node, else of its class of work; undefined where nothing was. */
  corrections: Corrections | undefined = undefined;
  /** Capability bits a node must have; `labels` has to be looked up besides when `checkLabels`. */
  capabilities = 0;
  labels: Readonly<Record<string, string>> = {};
  checkLabels = false;
  /** Domain index, -1 for any; -2 when the pool knows no such domain. */
  domain = -1;
  /** Stamps equal to `serial` mark nodes not to use, and sites the data may reach when `bounded`. */
  serial = 0;
  bounded = false;
  avoided: Int32Array = new Int32Array(16);
  allowed: Int32Array = new Int32Array(16);
  avoidsAny = false;

  inputBytes = 0;
  resultBytes = 0;
  /** Micros; Infinity: none. */
  deadline = NO_LIMIT;
  /** Limits of the path, each way. Loss and bit errors as -ln(1 - probability). */
  delay = NO_LIMIT;
  jitter = NO_LIMIT;
  loss = NO_LIMIT;
  bitErrors = NO_LIMIT;
  bandwidth = 0;
  security = 0;
  /** `KNOWN` figures that the stated demands need to be known. */
  mustKnow = 0;
  /** Micro-units of money; Infinity: any. */
  payAtMost = NO_LIMIT;

  /** The score is this sum; less is better. Time in micros. */
  perMoney = 0;
  perMicro = 0;
  perJoule = 0;
  perGram = 0;

  /** Reads a task against the pool's names of now. */
  fill(pool: Pool, needs: TaskNeeds, exclude: readonly NodeId[]): void {
    const { basic, compute, storage, algorithm, where } = needs;
    this.source = pool.links.sites.find(basic.dataAt);
    this.type = COMPUTE_TYPES.indexOf(compute.type);
    this.work = compute.work;
    this.atLeast = compute.atLeast;
    this.lanes = compute.lanes;
    this.memory = Math.ceil(algorithm.space);
    this.storage = Math.ceil(storage.capacity);
    this.throughput = Math.ceil(storage.throughput);
    this.deviceKind = compute.accelerator === null ? -1 : ACCELERATOR_KINDS.indexOf(compute.accelerator.kind);
    this.deviceMemory = compute.accelerator === null ? 0 : Math.ceil(compute.accelerator.memoryBytes);
    this.deviceCount = compute.accelerator === null ? 0 : (compute.accelerator.count ?? 1);
    this.service = algorithm.function;
    this.corrections = pool.corrections(algorithm.function) ?? pool.corrections(workClass(needs));
    this.#fillIdentity(pool, needs);
    this.serial = (this.serial + 1) | 0; // stamps are 32 bits
    this.#fillSites(pool, needs);
    this.#fillAvoided(pool, where.avoid, exclude);
    this.inputBytes = basic.inputBytes;
    this.resultBytes = basic.resultBytes;
    this.deadline = basic.deadline ?? NO_LIMIT;
    this.payAtMost = needs.payAtMost === null ? NO_LIMIT : Number(needs.payAtMost);
    this.#fillNetwork(needs);
    this.#fillObjective(needs.objective);
  }

  #fillIdentity(pool: Pool, needs: TaskNeeds): void {
    const { where, storage, compute, network } = needs;
    this.capabilities = demandBits({
      runs: where.runs,
      tier: where.tier,
      domain: where.domain,
      security: network.security,
      storageClass: storage.storageClass,
      accelerator: compute.accelerator === null ? null : compute.accelerator.kind,
      labels: where.labels,
    });
    this.labels = where.labels;
    this.checkLabels = false;
    for (const _ in where.labels) this.checkLabels = true;
    if (where.domain === null) this.domain = -1;
    else {
      const domain = pool.nodes.domains.find(where.domain);
      this.domain = domain < 0 ? -2 : domain;
    }
  }

  #fillSites(pool: Pool, needs: TaskNeeds): void {
    const { mayLeaveTo } = needs.basic;
    this.bounded = mayLeaveTo !== null;
    if (mayLeaveTo === null) return;
    const { sites } = pool.links;
    if (this.allowed.length < sites.bound) this.allowed = new Int32Array(sites.bound * 2);
    if (this.source >= 0) this.allowed[this.source] = this.serial;
    for (const id of mayLeaveTo) {
      const site = sites.find(id);
      if (site >= 0) this.allowed[site] = this.serial;
    }
  }

  #fillAvoided(pool: Pool, avoid: readonly NodeId[], exclude: readonly NodeId[]): void {
    this.avoidsAny = avoid.length + exclude.length > 0;
    if (!this.avoidsAny) return;
    const { slots } = pool.nodes;
    if (this.avoided.length < slots.bound) this.avoided = new Int32Array(slots.bound * 2);
    for (const list of [avoid, exclude]) {
      for (const id of list) {
        const node = slots.find(id);
        if (node >= 0) this.avoided[node] = this.serial;
      }
    }
  }

  #fillNetwork(needs: TaskNeeds): void {
    const { delay, jitter, loss, bitErrorRate, bandwidth, security } = needs.network;
    this.delay = delay ?? NO_LIMIT;
    this.jitter = jitter ?? NO_LIMIT;
    this.loss = loss === null ? NO_LIMIT : -Math.log1p(-loss);
    this.bitErrors = bitErrorRate === null ? NO_LIMIT : -Math.log1p(-bitErrorRate);
    this.bandwidth = Math.ceil(bandwidth);
    this.security = SECURITY_CLASSES.indexOf(security);
    this.mustKnow =
      (delay === null ? 0 : KNOWN.delay) |
      (jitter === null ? 0 : KNOWN.jitter) |
      (loss === null ? 0 : KNOWN.loss) |
      (bitErrorRate === null ? 0 : KNOWN.bitErrorRate) |
      (this.bandwidth === 0 ? 0 : KNOWN.capacity);
  }

  #fillObjective(objective: Objective): void {
    const { kind } = objective;
    this.perMoney = kind === "cost" || kind === "weighted" ? 1 : 0;
    this.perMicro = kind === "time" ? 1 : kind === "weighted" ? objective.perSecond / 1e6 : 0;
    this.perJoule = kind === "energy" ? 1 : kind === "weighted" ? objective.perJoule : 0;
    this.perGram = kind === "carbon" ? 1 : kind === "weighted" ? objective.perGram : 0;
  }
}
