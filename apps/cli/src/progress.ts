import type { Context } from "./context.ts";

const CELLS = 16;
const EVERY_MS = 100;

/**
 * One line of progress on stderr, redrawn in place on a terminal. Elsewhere nothing is drawn: a title once, when it
 * begins, is all a log file wants.
 */
export class ProgressLine {
  readonly #context: Context;
  readonly #title: string;
  readonly #suffix: string;
  #drawnAt = 0;
  #drawn = false;

  constructor(context: Context, title: string, suffix = "") {
    this.#context = context;
    this.#title = title;
    this.#suffix = suffix;
    if (!context.mayDraw) context.note(`${title}${suffix === "" ? "" : `   ${suffix}`}`);
  }

  /** Draws how far it is; a few times a second at most, and always at the end. */
  update({
    done,
    of,
    suffix,
  }: {
    readonly done: number;
    readonly of: number;
    readonly suffix?: string;
  }): void {
    const now = Date.now();
    if (!this.#context.mayDraw || (done < of && now - this.#drawnAt < EVERY_MS)) return;
    this.#drawnAt = now;
    const share = of === 0 ? 1 : done / of;
    const full = Math.round(share * CELLS);
    const bar = "\u2588".repeat(full) + "\u2591".repeat(CELLS - full);
    this.#draw(
      `${this.#title}  ${bar}  ${String(Math.floor(share * 100)).padStart(3)} %   ${suffix ?? this.#suffix}`,
    );
  }

  /** Draws a text in the place of the bar. */
  say(text: string): void {
    if (this.#context.mayDraw) this.#draw(text);
  }

  /** Leaves the last drawing standing. */
  end(): void {
    if (this.#drawn) this.#context.err.write("\n");
    this.#drawn = false;
  }

  #draw(text: string): void {
    const columns = this.#context.err.columns ?? 80;
    this.#context.err.write(`\r\u001b[2K${text.slice(0, columns - 1)}`);
    this.#drawn = true;
  }
}
