import type { NodeId } from "@weft/infrastructure";
import { between, type Instant, MINUTE, type Micros } from "@weft/kernel";
import { classOf } from "@weft/scheduling";

/** Ratios remembered for one function on one node: enough for a steady median, few enough to follow change. */
const REMEMBERED = 9;
/** Functions that a class of work is judged by, the latest known ones. */
const FUNCTIONS_OF_A_CLASS = 32;
/** Tasks on a node that say what handling takes there, and how long their word holds: it follows the machine's load. */
const FEW = 3;
const FRESH = MINUTE;
/** A run of less work than this shows what starting costs, nothing of its class. */
const TELLING = 5_000 as Micros;

/**
 * Where nothing was run yet: real rate over measured rate, as the examples showed it on the machine they were
 * calibrated on (`npm run bench -- tasks` measures it again). Plain networks come near the reference set; those
 * that read text, of many small convolutions, reach a third of it.
 */
export const UNTRIED: readonly (readonly [workClass: string, factor: number])[] = [
  [classOf("model", "neural"), 0.35],
  [classOf("model", "parallel"), 0.8],
  [classOf("wasm", "logical"), 0.7],
];

/** One finished run. Times are of computing alone. */
export interface Tried {
  readonly algorithm: string;
  /** What its function is one of (`workClass`). */
  readonly workClass: string;
  readonly node: NodeId;
  /** What the node's measured rate promised. */
  readonly promised: Micros;
  readonly actual: Micros;
}

/** Real rate over measured rate. */
export interface Lesson {
  /** For the function on the node that ran it. */
  readonly here: number;
  /** For the function on nodes that have not run it. */
  readonly elsewhere: number;
  /** For functions of the class that nobody has run; null: no news. */
  readonly ofClass: number | null;
}

/**
 * Learns how fast a function really runs on a node, compared with what the node's measured rate promised (C1):
 * peak figures say little about one program. What is told of it is the median of the last ratios
 * promised / actual, so that one disturbed run moves nothing. A node that has not run a function is expected to do
 * as the others did, and a function that nobody has run to do as those of its class.
 */
export class Predictor {
  /** By node, then function, oldest first. */
  readonly #ratios = new Map<NodeId, Map<string, number[]>>();
  /** By function, on whatever node. */
  readonly #anywhere = new Map<string, number[]>();
  readonly #handling = new Map<NodeId, { readonly last: Micros[]; readonly at: Instant }>();
  /** By class, then function. */
  readonly #classes = new Map<string, Map<string, number>>();

  /** Takes one finished run; returns what is expected from now on. */
  learn({ algorithm, workClass, node, promised, actual }: Tried): Lesson {
    let functions = this.#ratios.get(node);
    if (functions === undefined) this.#ratios.set(node, (functions = new Map()));
    const ratio = Math.max(promised, 1) / Math.max(actual, 1);
    const here = remember(functions, algorithm, ratio);
    const elsewhere = remember(this.#anywhere, algorithm, ratio);
    return {
      here,
      elsewhere,
      ofClass: promised < TELLING ? null : this.#judge(workClass, algorithm, elsewhere),
    };
  }

  /** Takes what one task spent on a node besides moving and computing; returns what is expected from now on. */
  learnHandling(node: NodeId, spent: Micros, now: Instant): Micros {
    const before = this.#handling.get(node);
    const last = before === undefined || between(before.at, now) > FRESH ? [] : before.last;
    this.#handling.set(node, { last, at: now });
    last.push(spent);
    if (last.length > REMEMBERED) last.shift();
    return this.handling(node, now);
  }

  /**
   * What every task spends on a node besides moving and computing: the least of the last few, so that what waited in a
   * burst, or in a process just started, is not mistaken for it. Nothing where they are too few or too old to tell.
   */
  handling(node: NodeId, now: Instant): Micros {
    const known = this.#handling.get(node);
    if (known === undefined || known.last.length < FEW || between(known.at, now) > FRESH) return 0 as Micros;
    return Math.min(...known.last) as Micros;
  }

  /** Every function learnt on a node, with its correction. */
  *of(node: NodeId): Iterable<readonly [algorithm: string, correction: number]> {
    for (const [algorithm, ratios] of this.#ratios.get(node) ?? []) yield [algorithm, median(ratios)];
  }

  /** A function that has been run often is news to nobody. */
  #judge(workClass: string, algorithm: string, ratio: number): number | null {
    if ((this.#anywhere.get(algorithm)?.length ?? 0) >= REMEMBERED) return null;
    let functions = this.#classes.get(workClass);
    if (functions === undefined) this.#classes.set(workClass, (functions = new Map()));
    functions.delete(algorithm); // to the end: the oldest goes first
    functions.set(algorithm, ratio);
    if (functions.size > FUNCTIONS_OF_A_CLASS) functions.delete(functions.keys().next().value as string);
    return median([...functions.values()]);
  }
}

function remember(all: Map<string, number[]>, algorithm: string, ratio: number): number {
  const ratios = all.get(algorithm) ?? [];
  if (ratios.length === 0) all.set(algorithm, ratios);
  ratios.push(ratio);
  if (ratios.length > REMEMBERED) ratios.shift();
  return median(ratios);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
