import type { Pool } from "@weft/pool";
import { lowestOf, WORD } from "./bit-planes.ts";
import { ROUNDING } from "./column.ts";
import type { Contest } from "./contest.ts";
import { KEY, type KeyOrder, MEMORY_KEY, NODE, SEAT, SITE } from "./key-order.ts";
import type { Query } from "./query.ts";
import type { Reach } from "./reach.ts";
import { EVERYWHERE, type SiteOffers } from "./site-offers.ts";
import { weightOfKey } from "./weights.ts";

/**
 * A walk over all nodes in ascending order of their keys, for objectives in which time has no weight, up to where the key
 * alone is worse than the best so far. Nodes that cannot serve are passed unseen, 32 at a time; of the others the cheap
 * questions are asked first.
 */
export class KeyWalk {
  readonly #pool: Pool;
  readonly #reach: Reach;
  readonly #contest: Contest;
  readonly #offers: SiteOffers;
  /** Planes a node has to be in: bands of power and memory, and a capability each. */
  readonly #planes = new Int32Array(2 + 32);
  #count = 0;
  /** Every row before it has no node that could serve the task. */
  #from = 0;

  constructor(pool: Pool, reach: Reach, contest: Contest, offers: SiteOffers) {
    this.#pool = pool;
    this.#reach = reach;
    this.#contest = contest;
    this.#offers = offers;
  }

  /** Takes up a task. `cell`: the one in which every node is that could do it in time. */
  begin(query: Query, order: KeyOrder, cell: number): void {
    this.#count = order.planesFor(cell, query.capabilities, this.#planes);
    this.#from = 0;
  }

  /** Goes through the nodes: once, and again as long as the best does not hold. */
  walk(query: Query, order: KeyOrder, learnt: number): void {
    const contest = this.#contest;
    const moving = this.#offers.moving(query, EVERYWHERE);
    const perKey = weightOfKey(query, learnt);
    const { filled, words, rows, spans } = order.planes;
    const { least } = order;
    const planes = this.#planes;
    const count = this.#count;
    const first = planes[0] as number;
    const from = this.#from;
    this.#from = -1;
    for (let span = Math.floor(from / WORD); span < spans; span++) {
      let occupied = filled[first * spans + span] as number;
      for (let i = 1; i < count; i++) occupied &= filled[(planes[i] as number) * spans + span] as number;
      while (occupied !== 0) {
        const row = span * WORD + lowestOf(occupied);
        occupied &= occupied - 1;
        if (moving + perKey * (least[row] as number) > contest.best.score) return;
        let seats = words[first * rows + row] as number;
        for (let i = 1; i < count && seats !== 0; i++)
          seats &= words[(planes[i] as number) * rows + row] as number;
        if (seats !== 0 && row >= from) this.#visit(query, order, row, seats, moving, perKey, learnt);
      }
    }
  }

  /** Looks at the nodes of some seats of a row. */
  #visit(
    query: Query,
    order: KeyOrder,
    row: number,
    seats: number,
    moving: number,
    perKey: number,
    learnt: number,
  ): void {
    const { type, work, lanes, memory, atLeast, deadline, perMoney } = query;
    const { nodes } = this.#pool;
    const reach = this.#reach;
    const contest = this.#contest;
    const { seats: figures, whole } = order;
    const free = nodes.free[type as 0 | 1 | 2];
    const space = memory > 0 ? memory : Number.NEGATIVE_INFINITY;
    const perMemory = (perMoney * memory * work * ROUNDING) / (lanes * learnt);
    for (let rest = seats; rest !== 0; rest &= rest - 1) {
      const at = (row * WORD + lowestOf(rest)) * SEAT;
      const key = moving + perKey * (figures[at + KEY] as number);
      if (key + perMemory * (figures[at + MEMORY_KEY] as number) > contest.best.score) continue;
      const n = whole[at + NODE] as number;
      if (space > (nodes.freeMemory[n] as number)) continue;
      const site = whole[at + SITE] as number;
      const transfer = reach.leastTo(query, site);
      if (transfer === Number.POSITIVE_INFINITY) continue;
      if (work > 0) {
        const lane = lanes * (nodes.lane[type as 0 | 1 | 2][n] as number);
        const rate = Math.min(free[n] as number, lane) * learnt;
        const compute = ((work * 1e6) / rate) * ROUNDING;
        if (rate < atLeast || transfer + compute > deadline) continue;
        const held = perMoney * memory * (nodes.pricePerByteSecondMemory[n] as number) * (compute / 1e6);
        if (key + held * ROUNDING > contest.best.score) continue;
      }
      if (this.#from < 0) this.#from = row;
      contest.tryOn(query, n, transfer, reach.hopsTo(query, site));
    }
  }
}
