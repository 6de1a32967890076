/** A commit that carried this many pushes shows that more come all the time: */
const BUSY_PUSHES = 6;
/** then the next one waits this long for company, since a commit costs nearly the same whatever it carries. */
const GATHER_MS = 4;

/**
 * Effects after durability: what is pushed together waits for one commit, everything that waits when a
 * commit ends goes into the next (group commit), and an effect is released only once every change pushed before
 * it is durable. Order is kept. A failed commit is final: nothing later is released.
 */
export class GroupCommit<Change, Effect> {
  readonly #commit: (changes: readonly Change[]) => Promise<void>;
  readonly #release: (effect: Effect) => void;
  readonly #failed: (error: unknown) => void;
  #changes: Change[] = [];
  #effects: Effect[] = [];
  #pushes = 0;
  #running = false;
  #broken = false;
  #idle: (() => void)[] = [];

  constructor(
    commit: (changes: readonly Change[]) => Promise<void>,
    release: (effect: Effect) => void,
    failed: (error: unknown) => void,
  ) {
    this.#commit = commit;
    this.#release = release;
    this.#failed = failed;
  }

  /** Takes changes and the effects that stand on them (and on all changes before). */
  push(changes: readonly Change[], effects: readonly Effect[]): void {
    if (this.#broken) return;
    if (changes.length === 0 && this.#changes.length === 0 && !this.#running) {
      for (const effect of effects) this.#release(effect);
      return;
    }
    for (const change of changes) this.#changes.push(change);
    for (const effect of effects) this.#effects.push(effect);
    this.#pushes++;
    if (!this.#running) void this.#run();
  }

  /** Resolves when all that was pushed so far is durable and released, or the commit has failed. */
  drained(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      // One turn of the event loop gathers what arrives together with the first change.
      await new Promise<void>((resolve) => setImmediate(resolve));
      while (this.#changes.length > 0 || this.#effects.length > 0) {
        const changes = this.#changes;
        const effects = this.#effects;
        this.#changes = [];
        this.#effects = [];
        const busy = this.#pushes >= BUSY_PUSHES;
        this.#pushes = 0;
        if (changes.length > 0) await this.#commit(changes);
        for (const effect of effects) this.#release(effect);
        if (busy) await new Promise<void>((resolve) => setTimeout(resolve, GATHER_MS));
      }
    } catch (error) {
      this.#broken = true;
      this.#failed(error);
    } finally {
      this.#running = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
