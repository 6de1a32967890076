/** Factors of one function by node index, and a bound on them. */
export interface Corrections {
  readonly factors: ReadonlyMap<number, number>;
  /** The factor of nodes that none was learnt on. */
  readonly elsewhere: number;
  /** No factor is or was greater; at least 1. */
  readonly greatest: number;
}

interface Learnt extends Corrections {
  readonly factors: Map<number, number>;
  elsewhere: number;
  greatest: number;
}

/**
 * What was learnt of functions (C1): their real rate over the one a node's measured power predicts; 1 is "as predicted".
 * Kept by function, and by class of work, for the nodes it was learnt on.
 */
export class CorrectionTable {
  readonly #learnt = new Map<string, Learnt>();

  /** What was learnt of one function; undefined where nothing was. */
  of(service: string): Corrections | undefined {
    return this.#learnt.get(service);
  }

  set(service: string, node: number, factor: number): void {
    this.#enter(service, factor).factors.set(node, factor);
  }

  /** For nodes that nothing was learnt on. */
  setElsewhere(service: string, factor: number): void {
    this.#enter(service, factor).elsewhere = factor;
  }

  forgetNode(node: number): void {
    for (const { factors } of this.#learnt.values()) factors.delete(node);
  }

  copy(): CorrectionTable {
    const twin = new CorrectionTable();
    for (const [service, learnt] of this.#learnt)
      twin.#learnt.set(service, { ...learnt, factors: new Map(learnt.factors) });
    return twin;
  }

  #enter(service: string, factor: number): Learnt {
    let learnt = this.#learnt.get(service);
    if (learnt === undefined) {
      learnt = { factors: new Map(), elsewhere: 1, greatest: 1 };
      this.#learnt.set(service, learnt);
    }
    learnt.greatest = Math.max(learnt.greatest, factor);
    return learnt;
  }
}
