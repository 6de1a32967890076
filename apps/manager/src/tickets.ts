import type { Result } from "@weft/kernel";
import type { Command } from "@weft/service";

/** Pairs each command with its answer. */
export class Tickets {
  readonly #open = new Map<number, (result: Result<string>) => void>();
  readonly #hand: (ticket: number, command: Command) => void;
  #last = 0;

  constructor(hand: (ticket: number, command: Command) => void) {
    this.#hand = hand;
  }

  command(command: Command): Promise<Result<string>> {
    return new Promise((resolve) => {
      const ticket = ++this.#last;
      this.#open.set(ticket, resolve);
      this.#hand(ticket, command);
    });
  }

  answer(ticket: number, result: Result<string>): void {
    this.#open.get(ticket)?.(result);
    this.#open.delete(ticket);
  }
}
