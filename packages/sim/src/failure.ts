import { formatInstant, type Instant } from "@weft/kernel";
import type { LinkTable } from "./links.ts";

export interface FailureDetail {
  readonly seed: number;
  /** True time of the failure. */
  readonly at: Instant;
  readonly events: number;
  /** The command that runs the same world again. */
  readonly replay: string;
  /** The last events before it, oldest first. */
  readonly last: readonly string[];
}

/** An invariant broken or an actor stopped in a simulation; its message ends with the command that replays it. */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
  readonly detail: FailureDetail;

  constructor(message: string, detail: FailureDetail, cause?: unknown) {
    const last = detail.last.length === 0 ? "" : `\n  ${detail.last.join("\n  ")}`;
    super(
      `${message}\nat ${formatInstant(detail.at)}, after ${detail.events} events${last}\nreplay: ${detail.replay}`,
      cause === undefined ? undefined : { cause },
    );
    this.detail = detail;
  }
}

/** The last events of a run, kept in a ring and put into words only when something failed. */
export class Trace {
  readonly #at: Float64Array;
  readonly #what: string[];
  readonly #who: Int32Array;
  readonly #link: Int32Array;
  #next = 0;

  constructor(length: number) {
    this.#at = new Float64Array(length);
    this.#what = new Array<string>(length).fill("");
    this.#who = new Int32Array(length);
    this.#link = new Int32Array(length);
  }

  event(at: number, what: string, who: number, link: number): void {
    const length = this.#what.length;
    if (length === 0) return;
    const i = this.#next++ % length;
    this.#at[i] = at;
    this.#what[i] = what;
    this.#who[i] = who;
    this.#link[i] = link;
  }

  note(at: number, what: string, subject: number): void {
    this.event(at, what, subject, -1);
  }

  /** One line an event: `+12.345678 s deliver a -> b`. */
  lines(name: (actor: number) => string, links: LinkTable, start: number): readonly string[] {
    const length = this.#what.length;
    const lines: string[] = [];
    for (let n = Math.max(0, this.#next - length); n < this.#next; n++) {
      const i = n % length;
      const at = (((this.#at[i] as number) - start) / 1e6).toFixed(6);
      const link = this.#link[i] as number;
      const what = this.#what[i] as string;
      const who = this.#who[i] as number;
      const subject =
        link >= 0
          ? `${name(links.from[link] as number)} -> ${name(who)}`
          : what === "partition"
            ? `${who}`
            : name(who);
      lines.push(`+${at} s ${what} ${subject}`);
    }
    return lines;
  }
}
