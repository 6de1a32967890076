import type { Tier } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  type Bytes,
  type BytesPerSecond,
  type Micros,
  type Operations,
  type OperationsPerSecond,
  Rng,
} from "@weft/kernel";
import { Pool, type ReservationId } from "@weft/pool";
import { type Placed, Scheduler, type TaskNeeds } from "@weft/scheduling";
import { EventCalendar, thriftiestFrequency } from "@weft/sim";
import type { NetworkMap, Outcome } from "../study.ts";
import { linkState, SimulatedLinks, siteId, treeOf } from "./network.ts";
import { SimulatedNodes } from "./nodes.ts";
import { NetworkRecorder } from "./recorder.ts";
import type { NetworkScenario, Policy, Workload } from "./scenario.ts";
import { drawTasks, type TaskList } from "./tasks.ts";

const START = 0;
const DONE = 1;
const NODE_FAILS = 2;
const NODE_LOST = 3;
const NODE_BACK = 4;
const FAULT_BEGINS = 5;
const FAULT_ENDS = 6;
const GIVE_UP = 7;

/** A task that has a place. */
interface Run {
  readonly node: number;
  readonly reservation: ReservationId;
  readonly placed: Placed;
  /** Time of the event it waits for; an event at another time is of an earlier attempt. */
  next: number;
  started: number;
  /** Share of the node's full frequency it runs at. */
  frequency: number;
}

/**
 * The task-level simulation of a `NetworkScenario` under one policy. Placement, prices and reservations are the real
 * scheduler's and pool's; what is simulated is what they act on: arrivals, transfers, run times, failures, energy.
 *
 *   - A task that cannot meet its deadline anywhere is placed where it is done soonest; one that fits nowhere waits,
 *     first come first served, and is given up when its patience ends.
 *   - The input travels the planned path, the task runs at the rate reserved (times its misprediction), the result
 *     returns over the same path, and from there on to its user where the user has moved.
 *   - A failed node is noticed after `detection`; its tasks are then placed again from the start.
 */
export class NetworkSimulation {
  readonly #scenario: NetworkScenario;
  readonly #policy: Policy;
  readonly #pool = new Pool();
  readonly #scheduler: Scheduler;
  readonly #links: SimulatedLinks;
  readonly #nodes: SimulatedNodes;
  readonly #tasks: TaskList;
  readonly #recorder: NetworkRecorder;
  readonly #events = new EventCalendar(20_000, 8192);
  readonly #runs: (Run | undefined)[];
  readonly #running: Set<number>[];
  /** Tasks without a place: one queue, or one a site where sites do not help each other. */
  readonly #queues: number[][];
  readonly #state: Uint8Array;
  readonly #failures: Rng;
  #waiting = 0;

  constructor(scenario: NetworkScenario, policy: Policy, seed: number) {
    this.#scenario = scenario;
    this.#policy = policy;
    this.#links = new SimulatedLinks(scenario, this.#pool);
    this.#nodes = new SimulatedNodes(scenario, this.#pool);
    this.#scheduler = new Scheduler(this.#pool);
    this.#tasks = drawTasks(scenario, seed);
    this.#recorder = new NetworkRecorder(scenario);
    this.#runs = new Array<Run | undefined>(this.#tasks.count);
    this.#state = new Uint8Array(this.#tasks.count);
    this.#running = Array.from({ length: this.#nodes.count }, () => new Set<number>());
    this.#queues = Array.from({ length: policy.ownSite ? scenario.topology.sites.length : 1 }, () => []);
    this.#failures = new Rng(seed).fork("failures");
    this.#planFaults();
  }

  run(progress: (done: number) => void = () => {}): Outcome {
    const { count, at } = this.#tasks;
    let task = 0;
    while (task < count || this.#events.size > 0) {
      const arrival = task < count ? (at[task] as number) : Number.POSITIVE_INFINITY;
      if (arrival <= this.#events.nextAt) {
        this.#arrive(arrival, task++);
        if ((task & 255) === 0) progress(task / count);
      } else {
        const what = this.#events.pop();
        // After the last arrival only tasks are brought to their end; nodes need not fail any more.
        this.#handle(this.#events.at, what & 7, what >> 3, task < count);
      }
    }
    return this.#outcome();
  }

  #handle(now: number, kind: number, id: number, arriving: boolean): void {
    if (kind === START) this.#start(now, id);
    else if (kind === DONE) this.#done(now, id);
    else if (kind === GIVE_UP) this.#giveUp(id);
    else if (kind === NODE_FAILS && arriving) this.#nodeFails(now, id, true);
    else if (kind === NODE_LOST) this.#nodeLost(now, id);
    else if (kind === NODE_BACK) this.#nodeBack(now, id);
    else if (kind === FAULT_BEGINS || kind === FAULT_ENDS) this.#fault(now, id, kind === FAULT_BEGINS);
  }

  // ---- the life of a task

  #arrive(now: number, task: number): void {
    if (this.#place(now, task)) return;
    this.#queueOf(task).push(task);
    this.#waiting++;
    this.#recorder.waiting(now, this.#waiting);
    this.#events.push(
      (this.#tasks.at[task] as number) + this.#workload(task).patience,
      (task << 3) | GIVE_UP,
    );
  }

  #workload(task: number): Workload {
    return this.#scenario.workloads[this.#tasks.workload[task] as number] as Workload;
  }

  #queueOf(task: number): number[] {
    return this.#queues[this.#policy.ownSite ? (this.#tasks.site[task] as number) : 0] as number[];
  }

  /** Places a task and sends its input; false where it has to wait. */
  #place(now: number, task: number): boolean {
    const passed = now - (this.#tasks.at[task] as number);
    const { deadline } = this.#workload(task);
    const left = deadline === null ? null : ((deadline - passed) as Micros);
    let decision = this.#scheduler.place(
      this.#needs(task, left === null || left > 0 ? left : null, this.#policy.objective),
    );
    if (decision.outcome === "refused" && left !== null) {
      decision = this.#scheduler.place(this.#needs(task, null, "time"));
    }
    if (decision.outcome === "refused") return false;
    const reserved = this.#pool.reserve(decision.claim);
    if (!reserved.ok) return false;
    const node = this.#nodes.find(decision.node);
    const next = this.#links.send(now, decision.claim.linksIn, this.#tasks.input[task] as number);
    this.#runs[task] = {
      node,
      reservation: reserved.value,
      placed: decision,
      next,
      started: 0,
      frequency: 1,
    };
    this.#state[task] = 1;
    this.#running[node]?.add(task);
    this.#events.push(next, (task << 3) | START);
    return true;
  }

  #start(now: number, task: number): void {
    const run = this.#runs[task];
    if (run === undefined || run.next !== now || !this.#nodes.isUp(run.node)) return;
    const rate = run.placed.effectiveRate * (this.#tasks.speed[task] as number);
    run.started = now;
    run.frequency = this.#frequency(now, task, run);
    run.next = now + Math.ceil(((this.#tasks.work[task] as number) * 1e6) / (rate * run.frequency));
    this.#events.push(run.next, (task << 3) | DONE);
  }

  /** The slowest share of full frequency at which the task, by its prediction, still meets its deadline. */
  #frequency(now: number, task: number, { node, placed }: Run): number {
    const { slowest } = this.#nodes.groupOf(node);
    const { deadline } = this.#workload(task);
    if (slowest >= 1 || deadline === null) return 1;
    const left = (this.#tasks.at[task] as number) + deadline - now - placed.timeline.transferOut;
    return left <= 0
      ? 1
      : (thriftiestFrequency(placed.timeline.compute as number as Operations, 1, left, [slowest, 1]) ?? 1);
  }

  #done(now: number, task: number): void {
    const run = this.#runs[task];
    if (run === undefined || run.next !== now || !this.#nodes.isUp(run.node)) return;
    this.#nodes.spend(run.node, now, run.placed.rate, now - run.started, run.frequency);
    this.#end(task, run);
    const tasks = this.#tasks;
    let back = this.#links.send(now, run.placed.claim.linksOut, tasks.result[task] as number);
    let hops = run.placed.claim.linksIn.length;
    if (back >= (tasks.leavesAt[task] as number)) {
      const onward = this.#pathBetween(tasks.site[task] as number, tasks.leavesTo[task] as number);
      back = this.#links.send(back, onward, tasks.result[task] as number);
      hops += onward.length;
    }
    const deadline = this.#workload(task).deadline ?? Number.POSITIVE_INFINITY;
    const site = this.#nodes.siteOf(run.node);
    this.#recorder.served(
      task,
      tasks.at[task] as number,
      back,
      deadline,
      run.placed.cost,
      hops,
      site,
      tasks.work[task] as number,
    );
    this.#retry(now, site);
  }

  #end(task: number, run: Run): void {
    this.#pool.release(run.reservation);
    this.#running[run.node]?.delete(task);
    this.#runs[task] = undefined;
    this.#state[task] = 2;
  }

  #giveUp(task: number): void {
    if (this.#state[task] !== 0) return;
    this.#state[task] = 2;
    this.#waiting--;
    const deadline = this.#workload(task).deadline ?? Number.POSITIVE_INFINITY;
    this.#recorder.unserved(task, this.#tasks.at[task] as number, deadline);
  }

  /** Places what waits, oldest first, until something still does not fit. */
  #retry(now: number, site: number): void {
    const queue = this.#queues[this.#policy.ownSite ? site : 0] as number[];
    let placed = 0;
    while (placed < queue.length) {
      const task = queue[placed] as number;
      if (this.#state[task] === 0) {
        if (!this.#place(now, task)) break;
        this.#waiting--;
      }
      placed++;
    }
    if (placed > 0) queue.splice(0, placed);
  }

  // ---- failures

  #planFaults(): void {
    const { faults, groups } = this.#scenario;
    faults.forEach((fault, i) => {
      this.#events.push(fault.at, (i << 3) | FAULT_BEGINS);
      this.#events.push(fault.at + fault.lasts, (i << 3) | FAULT_ENDS);
    });
    if (groups.every(({ failures }) => failures === null)) return;
    for (let node = 0; node < this.#nodes.count; node++) this.#planFailure(0, node);
  }

  #planFailure(now: number, node: number): void {
    const { failures } = this.#nodes.groupOf(node);
    if (failures === null) return;
    const at = now + Math.ceil(this.#failures.fork(`${node}/${now}`).exponential(failures.every));
    if (at < this.#scenario.duration) this.#events.push(at, (node << 3) | NODE_FAILS);
  }

  #nodeFails(now: number, node: number, recovers: boolean): void {
    if (!this.#nodes.isUp(node)) return;
    this.#nodes.fail(node, now);
    this.#events.push(now + this.#scenario.detection, (node << 3) | NODE_LOST);
    const { failures } = this.#nodes.groupOf(node);
    if (!recovers || failures === null) return;
    const lasts = Math.ceil(this.#failures.fork(`${node}/${now}/repair`).exponential(failures.lasts));
    this.#events.push(now + Math.max(lasts, this.#scenario.detection) + 1, (node << 3) | NODE_BACK);
  }

  #nodeLost(now: number, node: number): void {
    if (this.#nodes.isUp(node)) return;
    this.#nodes.leave(node);
    const lost = [...(this.#running[node] as Set<number>)];
    for (const task of lost) {
      this.#end(task, this.#runs[task] as Run);
      this.#state[task] = 0;
      this.#recorder.lost(this.#tasks.at[task] as number);
    }
    for (const task of lost) this.#arrive(now, task);
  }

  #nodeBack(now: number, node: number): void {
    this.#nodes.recover(node, now);
    this.#planFailure(now, node);
    this.#retry(now, this.#nodes.siteOf(node));
  }

  #fault(now: number, index: number, begins: boolean): void {
    const fault = this.#scenario.faults[index];
    if (fault === undefined) return;
    if (fault.kind === "link") {
      for (const [from, to] of [
        [fault.a, fault.b],
        [fault.b, fault.a],
      ] as const) {
        const state = this.#links.states.find(
          (one) => one.from === siteId(this.#scenario, from) && one.to === siteId(this.#scenario, to),
        );
        if (state === undefined) continue;
        this.#pool.setLink(
          linkState(state.from, state.to, !begins, state.delay as Micros, state.capacity as BitsPerSecond),
        );
      }
      if (!begins) for (let site = 0; site < this.#queues.length; site++) this.#retry(now, site);
      return;
    }
    for (let node = 0; node < this.#nodes.count; node++) {
      if (this.#nodes.siteOf(node) !== fault.site) continue;
      if (begins) this.#nodeFails(now, node, false);
      else if (!this.#nodes.isUp(node)) this.#nodeBack(now, node);
    }
  }

  // ---- asking the scheduler

  #needs(task: number, deadline: Micros | null, objective: Policy["objective"]): TaskNeeds {
    const workload = this.#workload(task);
    const tasks = this.#tasks;
    const dataAt = siteId(this.#scenario, tasks.site[task] as number);
    return {
      basic: {
        inputBytes: tasks.input[task] as Bytes,
        resultBytes: tasks.result[task] as Bytes,
        dataType: null,
        dataAt,
        mayLeaveTo: this.#policy.ownSite ? [] : null,
        deadline,
        sticky: null,
      },
      compute: {
        type: workload.type,
        work: tasks.work[task] as Operations,
        atLeast: 0 as OperationsPerSecond,
        lanes: workload.lanes,
        accelerator: null,
      },
      storage: { capacity: 0 as Bytes, throughput: 0 as BytesPerSecond, storageClass: null },
      algorithm: { function: workload.name, timeComplexity: null, space: workload.memory },
      network: {
        delay: null,
        bandwidth: 0 as BitsPerSecond,
        jitter: null,
        loss: null,
        bitErrorRate: null,
        security: "open",
      },
      where: { runs: "process", tier: this.#policy.tier as Tier | null, domain: null, labels: {}, avoid: [] },
      objective: { kind: objective },
      payAtMost: null,
    };
  }

  readonly #trees = new Map<number, Int32Array>();

  #pathBetween(from: number, to: number): number[] {
    let parent = this.#trees.get(from);
    if (parent === undefined) {
      parent = treeOf(this.#scenario, from).parent;
      this.#trees.set(from, parent);
    }
    const path: number[] = [];
    for (let at = to; at !== from; at = parent[at] as number)
      path.unshift(this.#links.between(parent[at] as number, at));
    return path;
  }

  // ---- the end

  #outcome(): Outcome {
    const { duration, joulesPerByte } = this.#scenario;
    const nodes = this.#nodes;
    nodes.settle(duration);
    const network = this.#links.byteHops * joulesPerByte;
    return this.#recorder.outcome({
      utilisation: nodes.utilisation(duration, null),
      edge: nodes.utilisation(duration, "edge"),
      cloud: nodes.utilisation(duration, "cloud"),
      joules: nodes.joules + network,
      grams: nodes.grams,
      map: (share) => this.#map(share),
    });
  }

  #map(share: (site: number) => number): NetworkMap | null {
    const { topology, groups, duration } = this.#scenario;
    if (topology.sites.some(({ latitude, longitude }) => latitude === null || longitude === null))
      return null;
    const tiers = ["cloud", "edge", "end"] as const;
    return {
      sites: topology.sites.map(({ name, latitude, longitude }, site) => ({
        name,
        latitude: latitude as number,
        longitude: longitude as number,
        tier:
          tiers.find((tier) => groups.some((group) => group.tier === tier && group.sites.includes(site))) ??
          null,
        share: share(site),
      })),
      links: topology.cables.map(({ a, b }) => ({
        a,
        b,
        load: Math.max(
          this.#links.load(this.#links.between(a, b), duration),
          this.#links.load(this.#links.between(b, a), duration),
        ),
      })),
    };
  }
}
