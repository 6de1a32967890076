import { ok, type Refusal, type Result, refuse } from "@weft/kernel";

const MOST = 100_000;

/** Reads `7`, `1..20` or `1,4,9..12` into the seeds it names, each once, in order. */
export function parseSeeds(text: string): Result<readonly number[], Refusal<"E_SEEDS">> {
  const seeds = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || to < from || to >= 2 ** 32 || to - from >= MOST) {
      return refuse("E_SEEDS", "not a list of seeds", {
        found: text,
        expected: "seeds such as 7, 1..20 or 1,4,9..12",
      });
    }
    for (let seed = from; seed <= to; seed++) seeds.add(seed);
  }
  return ok([...seeds].sort((a, b) => a - b));
}
