import { ACCELERATOR_BITS, type NodeTable } from "@weft/pool";
import { ROUNDING } from "./column.ts";
import type { Query } from "./query.ts";

/**
 * A kind of task, as far as it orders nodes: its type of computing power and what the objective weighs. What one of its
 * operations adds to the score on a node at the least is the node's key; less is better.
 */
export class Weights {
  readonly type: 0 | 1 | 2;
  readonly #perMoney: number;
  readonly #perMicro: number;
  readonly #perJoule: number;
  readonly #perGram: number;
  readonly #lanes: number;

  constructor(query: Query) {
    this.type = query.type as 0 | 1 | 2;
    this.#perMoney = query.perMoney;
    this.#perMicro = query.perMicro;
    this.#perJoule = query.perJoule;
    this.#perGram = query.perGram;
    this.#lanes = rankedLanes(query);
  }

  /** Whether a task is of this kind. */
  holdFor(query: Query): boolean {
    return (
      this.type === query.type &&
      this.#perMoney === query.perMoney &&
      this.#perMicro === query.perMicro &&
      this.#perJoule === query.perJoule &&
      this.#perGram === query.perGram &&
      this.#lanes === rankedLanes(query)
    );
  }

  /** What one operation adds to the score on a node at the least; Infinity where a figure is unknown. */
  keyOf(nodes: NodeTable, n: number): number {
    const { type } = this;
    let key = this.#perMoney * (nodes.pricePerOperation[type][n] as number);
    if (this.#perMicro > 0) {
      const all = nodes.power[type][n] as number;
      const own = this.#lanes * (nodes.lane[type][n] as number);
      // Not Math.min: no lanes times endless many is not a number, and then the whole node counts.
      key += (this.#perMicro * 1e6) / (Number.isNaN(own) ? all : Math.min(own, all));
    }
    if (this.#perJoule === 0 && this.#perGram === 0) return key;
    const joules = nodes.joulesPerOperation[type][n] as number;
    const grams = nodes.gramsPerJoule[n] as number;
    if (joules < 0 || (this.#perGram > 0 && grams < 0)) return Number.POSITIVE_INFINITY;
    return key + this.#perJoule * joules + (this.#perGram > 0 ? this.#perGram * joules * grams : 0);
  }
}

/** The accelerators a task asks for, as capability bits. */
export const devicesOf = (query: Query): number => query.capabilities & ACCELERATOR_BITS;

/**
 * The lanes by which a task's nodes are ranked: 0 where time does not count. Where nothing but time does, the order of
 * nodes is the same for any number of lanes, so one ranking by a single lane serves all.
 */
function rankedLanes(query: Query): number {
  if (query.perMicro === 0) return 0;
  const onlyTime = query.perMoney === 0 && query.perJoule === 0 && query.perGram === 0;
  return onlyTime && query.lanes > 1 && query.lanes < Number.POSITIVE_INFINITY ? 1 : query.lanes;
}

/** What one unit of the key adds to a task's score at the least. `learnt`: the best correction there is. */
export function weightOfKey(query: Query, learnt: number): number {
  const { work, perMicro, perJoule, perGram } = query;
  const onlyMoney = perMicro === 0 && perJoule === 0 && perGram === 0;
  const ranked = rankedLanes(query);
  const more = ranked > 0 && ranked < query.lanes ? query.lanes : 1;
  return (work * ROUNDING) / (onlyMoney ? 1 : learnt) / more;
}
