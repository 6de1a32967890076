import { MILLISECOND, type Micros, NEVER, type Rng, SECOND } from "@weft/kernel";

/**
 * How to choose a node when what is known of the nodes is old. The exact best is best only while it is news: many
 * that hold the same old news all send their tasks to the same node (herding; Mitzenmacher 2000, Dahlin 2000).
 */
export type ChoiceRule =
  /** The least score. */
  | { readonly kind: "best" }
  /** The least score of a few drawn at random, the strong more often. */
  | { readonly kind: "best-of"; readonly sample: number }
  /** By chance, the likelier the less the score lies above the least: by a factor e for every `spread` of it. */
  | { readonly kind: "damped"; readonly spread: number };

/**
 * The default by age of the view, from `npm run bench -- stale`: the rule with the least mean response over both loads
 * measured there (docs/guides/scheduling.md shows the table), 100 nodes and about 100 tasks a second. What counts
 * is how many tasks others place between two reports: at ten times the arrivals, take a tenth of the ages.
 */
export const CHOICE_BY_AGE: readonly { readonly upTo: Micros; readonly rule: ChoiceRule }[] = [
  { upTo: MILLISECOND, rule: { kind: "best" } },
  { upTo: (200 * MILLISECOND) as Micros, rule: { kind: "damped", spread: 0.2 } },
  { upTo: (2 * SECOND) as Micros, rule: { kind: "best-of", sample: 8 } },
  { upTo: NEVER as number as Micros, rule: { kind: "damped", spread: 1 } },
];

/** The default rule for a view of the given age. */
export function choiceForAge(age: Micros): ChoiceRule {
  for (const { upTo, rule } of CHOICE_BY_AGE) if (age <= upTo) return rule;
  return CHOICE_BY_AGE[CHOICE_BY_AGE.length - 1]!.rule;
}

/**
 * The node that a rule chooses; -1 where no score is finite. `score[node]`: less is better, Infinity rules the node out.
 * `strength[node]`: how often it is drawn relative to others (its computing power). Ties go to the lower index.
 */
export function chooseByRule(
  rule: ChoiceRule,
  score: Float64Array,
  strength: Float64Array,
  rng: Rng,
): number {
  switch (rule.kind) {
    case "best":
      return leastOf(score);
    case "best-of":
      return bestOfDrawn(rule.sample, score, strength, rng);
    case "damped":
      return damped(rule.spread, score, strength, rng);
  }
}

function leastOf(score: Float64Array): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let j = 0; j < score.length; j++) {
    if (score[j]! >= least) continue;
    least = score[j]!;
    best = j;
  }
  return best;
}

function bestOfDrawn(sample: number, score: Float64Array, strength: Float64Array, rng: Rng): number {
  const sums = runningSums(score.length, (j) => (score[j]! < Number.POSITIVE_INFINITY ? strength[j]! : 0));
  let best = -1;
  for (let draw = 0; draw < sample; draw++) {
    const j = drawFrom(sums, rng);
    if (j < 0) return -1;
    if (best < 0 || score[j]! < score[best]! || (score[j] === score[best] && j < best)) best = j;
  }
  return best;
}

function damped(spread: number, score: Float64Array, strength: Float64Array, rng: Rng): number {
  const best = leastOf(score);
  if (best < 0) return -1;
  const least = score[best]!;
  const scale = Math.max(Math.abs(least) * spread, Number.MIN_VALUE);
  const sums = runningSums(score.length, (j) => strength[j]! * Math.exp((least - score[j]!) / scale));
  return drawFrom(sums, rng);
}

function runningSums(nodes: number, weight: (node: number) => number): Float64Array {
  const sums = new Float64Array(nodes);
  let total = 0;
  for (let j = 0; j < nodes; j++) {
    total += weight(j);
    sums[j] = total;
  }
  return sums;
}

/** A node with the chance of its weight; -1 where all weights are zero. */
function drawFrom(sums: Float64Array, rng: Rng): number {
  const total = sums[sums.length - 1] ?? 0;
  if (!(total > 0)) return -1;
  const mark = rng.float() * total;
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > mark) high = middle;
    else low = middle + 1;
  }
  return low;
}
