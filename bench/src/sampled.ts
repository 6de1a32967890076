import { COMPUTE_TYPES, type NodeId } from "@weft/infrastructure";
import { demandBits, type Pool } from "@weft/pool";
import { LEAST_SHARE, type Scheduler, type TaskNeeds } from "@weft/scheduling";

/**
 * Filter and score over a sample of nodes, as kube-scheduler does it: filters run node by node from where the last
 * cycle ended until enough feasible nodes are found; the best score among them wins. Like it, it knows no paths, so
 * transfers are forecast over the way of least delay at the rate of the data's own links.
 */
export class SampledChoice {
  readonly #pool: Pool;
  readonly #scheduler: Scheduler;
  readonly #enough: number;
  #start = 0;

  constructor(pool: Pool, scheduler: Scheduler, enough: number) {
    this.#pool = pool;
    this.#scheduler = scheduler;
    this.#enough = enough;
  }

  /** The cheapest node of the sample; null when no node passes the filters. */
  choose(task: TaskNeeds): NodeId | null {
    const { nodes, links } = this.#pool;
    const source = links.sites.find(task.basic.dataAt);
    const distance = this.#scheduler.network.treeOf(source).distance;
    const rate = this.#rateAt(source);
    const sending = ((task.basic.inputBytes + task.basic.resultBytes) * 8e6) / rate;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    let feasible = 0;
    let n = this.#start;
    for (let looked = 0; looked < nodes.bound && feasible < this.#enough; looked++) {
      n = n + 1 < nodes.bound ? n + 1 : 0;
      const away = distance[nodes.site[n] as number] as number;
      const transfer = away === 0 ? 0 : away + sending;
      const compute = this.#compute(task, n);
      if (compute < 0 || !this.#passes(task, n)) continue;
      if (transfer + compute > (task.basic.deadline ?? Number.POSITIVE_INFINITY)) continue;
      if (away > 2 * (task.network.delay ?? Number.POSITIVE_INFINITY)) continue;
      feasible++;
      const cost = this.#cost(task, n, compute);
      if (cost < least) {
        least = cost;
        best = n;
      }
    }
    this.#start = n;
    return best < 0 ? null : nodes.slots.idOf(best);
  }

  #rateAt(source: number): number {
    const { graph, there } = this.#scheduler.network;
    let rate = 0;
    for (let hop = graph.start[source] as number; hop < (graph.start[source + 1] as number); hop++) {
      rate = Math.max(rate, this.#pool.links.residual[there[hop] as number] as number);
    }
    return rate;
  }

  #passes(task: TaskNeeds, n: number): boolean {
    const { nodes } = this.#pool;
    const demanded = demandBits({
      runs: task.where.runs,
      tier: task.where.tier,
      domain: task.where.domain,
      security: task.network.security,
      storageClass: task.storage.storageClass,
      accelerator: task.compute.accelerator?.kind ?? null,
      labels: task.where.labels,
    });
    return (
      nodes.accepting[n] === 1 &&
      ((nodes.capabilities[n] as number) & demanded) === demanded &&
      (nodes.freeMemory[n] as number) >= task.algorithm.space &&
      (nodes.freeStorage[n] as number) >= task.storage.capacity
    );
  }

  /** Micros; -1 where the node has too little free. */
  #compute(task: TaskNeeds, n: number): number {
    const { nodes } = this.#pool;
    const type = COMPUTE_TYPES.indexOf(task.compute.type) as 0 | 1 | 2;
    const lane = nodes.lane[type][n] as number;
    const rate = Math.min(nodes.free[type][n] as number, task.compute.lanes * lane);
    if (rate < LEAST_SHARE * lane || rate < 1 || rate < task.compute.atLeast) return -1;
    return (task.compute.work * 1e6) / rate;
  }

  #cost(task: TaskNeeds, n: number, compute: number): number {
    const { nodes } = this.#pool;
    const type = COMPUTE_TYPES.indexOf(task.compute.type) as 0 | 1 | 2;
    const cost =
      task.compute.work * (nodes.pricePerOperation[type][n] as number) +
      (compute / 1e6) * task.algorithm.space * (nodes.pricePerByteSecondMemory[n] as number) +
      (compute / 1e6) * task.storage.capacity * (nodes.pricePerByteSecondStorage[n] as number) +
      task.basic.inputBytes * (nodes.pricePerByteIn[n] as number) +
      task.basic.resultBytes * (nodes.pricePerByteOut[n] as number);
    return Math.max(cost, nodes.pricePerTask[n] as number);
  }
}
