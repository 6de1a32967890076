import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type GetOptions, getOptions, getResources } from "./get.ts";

/** Kinds that people ask for by name alone: `weft contracts` is `weft get contracts`. */
const SHORT = ["contracts", "usage"] as const;

export function register(program: Command, context: Context): void {
  for (const plural of SHORT) {
    getOptions(
      program.command(plural).summary(`the same as weft get ${plural}`).argument("[names...]", "only these"),
    ).action((names: string[], options: GetOptions) => getResources(context, plural, names, options));
  }
}
