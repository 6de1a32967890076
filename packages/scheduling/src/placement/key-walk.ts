import { memoryBandOf, rateBandFor } from "./bands.ts";
import { lowestOf, WORD } from "./bit-planes.ts";
import { ROUNDING } from "./column.ts";
import type { Contest } from "./contest.ts";
import {
  FREE,
  KEY,
  type KeyOrder,
  LANE,
  MEMORY_KEY,
  MEMORY_PRICE,
  NODE,
  QUEUE,
  SEAT,
  SITE,
} from "./key-order.ts";
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
  readonly #reach: Reach;
  readonly #contest: Contest;
  readonly #offers: SiteOffers;
  /** Planes a node has to be in: bands of power, memory and lanes, and a capability each; at least three are named. */
  readonly #planes = new Int32Array(3 + 32);
  #count = 0;
  /** Where the words of each plane start. */
  readonly #starts = new Int32Array(3 + 32);
  /** What a task adds to the score anywhere, by the key, and by what memory costs on its lanes and while it computes. */
  #moving = 0;
  #perKey = 0;
  #perMemoryKey = 0;
  #perMemoryMicro = 0;
  #learnt = 1;
  /** Every row before it has no node that could serve the task. */
  #from = 0;

  constructor(reach: Reach, contest: Contest, offers: SiteOffers) {
    this.#reach = reach;
    this.#contest = contest;
    this.#offers = offers;
  }

  /** Takes up a task. `rate`: what it needs to keep its time; null: nothing. */
  begin(query: Query, order: KeyOrder, rate: number | null, learnt: number): void {
    const { perMoney, memory, work, lanes, capabilities } = query;
    const planes = this.#planes;
    const lane = ((rate ?? 0) / lanes) * ROUNDING;
    const memories = memoryBandOf(memory);
    this.#count = order.planesFor(rateBandFor(rate), memories, lane, capabilities, planes);
    while (this.#count < 3) planes[this.#count++] = planes[0] as number;
    for (let i = 0; i < this.#count; i++) this.#starts[i] = (planes[i] as number) * order.planes.rows;
    this.#moving = this.#offers.moving(query, EVERYWHERE);
    this.#perKey = weightOfKey(query, learnt);
    this.#perMemoryKey = (perMoney * memory * work * ROUNDING) / (lanes * learnt);
    this.#perMemoryMicro = ((perMoney * memory) / 1e6) * ROUNDING;
    this.#learnt = learnt;
    this.#from = 0;
  }

  /** Goes through the nodes: once, and again as long as the best does not hold. */
  walk(query: Query, order: KeyOrder): void {
    const { best } = this.#contest;
    const { words, spans } = order.planes;
    const { least, leastMemory } = order;
    const starts = this.#starts;
    const count = this.#count;
    const [moving, perKey, perMemoryKey, from] = [this.#moving, this.#perKey, this.#perMemoryKey, this.#from];
    // What any node adds at the least, whatever its key.
    const fixed = moving + perMemoryKey * order.leastMemoryAnywhere;
    const [first, second, third] = [starts[0] as number, starts[1] as number, starts[2] as number];
    this.#from = -1;
    for (let span = Math.floor(from / WORD); span < spans; span++) {
      if (fixed + perKey * (least[span * WORD] as number) > best.score) return;
      for (let rows = this.#rowsOf(order, span); rows !== 0; rows &= rows - 1) {
        const row = span * WORD + lowestOf(rows);
        let seats =
          (words[first + row] as number) & (words[second + row] as number) & (words[third + row] as number);
        for (let i = 3; i < count && seats !== 0; i++) seats &= words[(starts[i] as number) + row] as number;
        if (seats === 0 || row < from) continue;
        const score = perKey * (least[row] as number);
        if (fixed + score > best.score) return;
        if (moving + score + perMemoryKey * (leastMemory[row] as number) > best.score) continue;
        this.#visit(query, order, row, seats);
      }
    }
  }

  /** The rows of a span in which every plane has something. */
  #rowsOf({ planes: { filled, spans } }: KeyOrder, span: number): number {
    let rows = -1;
    for (let i = 0; i < this.#count; i++)
      rows &= filled[(this.#planes[i] as number) * spans + span] as number;
    return rows;
  }

  /** Looks at the nodes of some seats of a row. */
  #visit(query: Query, order: KeyOrder, row: number, seats: number): void {
    const { work, lanes, atLeast, deadline } = query;
    const reach = this.#reach;
    const contest = this.#contest;
    const { best } = contest;
    const { seats: figures, whole } = order;
    const [moving, perKey, perMemoryKey] = [this.#moving, this.#perKey, this.#perMemoryKey];
    let toBeat = best.score;
    for (let rest = seats; rest !== 0; rest &= rest - 1) {
      const at = (row * WORD + lowestOf(rest)) * SEAT;
      const score = moving + perKey * (figures[at + KEY] as number);
      if (score + perMemoryKey * (figures[at + MEMORY_KEY] as number) > toBeat) continue;
      const queue = figures[at + QUEUE] as number;
      let compute = 0;
      if (work > 0) {
        const own = lanes * (figures[at + LANE] as number);
        const rate = Math.min(figures[at + FREE] as number, own) * this.#learnt;
        compute = ((work * 1e6) / rate) * ROUNDING;
        if (rate < atLeast || queue + compute > deadline) continue;
        if (score + this.#perMemoryMicro * (figures[at + MEMORY_PRICE] as number) * compute > toBeat)
          continue;
      }
      const site = whole[at + SITE] as number;
      const transfer = reach.leastTo(query, site);
      if (transfer === Number.POSITIVE_INFINITY) continue;
      const total = transfer + queue + compute;
      if (total > deadline) continue;
      if (this.#from < 0) this.#from = row;
      const n = whole[at + NODE] as number;
      // Where nothing costs anything all scores are the same, and time decides.
      if (score === toBeat && best.node >= 0 && total > best.total) contest.putAside(n, total);
      else if (contest.tryOn(query, n, transfer, reach.hopsTo(query, site))) toBeat = best.score;
    }
  }
}
