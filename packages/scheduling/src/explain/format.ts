import type { Placed, RefusalCode, Refused } from "../placement/decision.ts";
import { REFUSAL_MESSAGES } from "../placement/refusal.ts";
import { price, time } from "./constraints.ts";
import type { ConstraintCode, Explanation, Miss, RuledOut, RunnerUp } from "./explanation.ts";

/** Names for people; whatever prints can use its own. */
const TITLES: Readonly<Record<ConstraintCode, string>> = {
  avoided: "nodes not to use",
  offer: "offer",
  program_kind: "program kind",
  tier: "tier",
  domain: "domain",
  labels: "labels",
  node_security: "security of the node",
  storage_class: "storage class",
  accelerator: "accelerator",
  accepting: "taking tasks",
  memory: "memory",
  storage: "storage",
  storage_throughput: "storage throughput",
  instances: "instances of",
  computing_power: "computing power",
  residency: "residency",
  delay: "delay",
  jitter: "jitter",
  loss: "loss",
  bit_error_rate: "bit error rate",
  bandwidth: "bandwidth",
  path_security: "security of the path",
  path: "path",
  deadline: "deadline",
  price: "price",
};

const LOST_BY: Readonly<Record<string, (by: RunnerUp["lostBy"]) => string>> = {
  better_score: (by) =>
    by.chosen > 0
      ? `${Number((by.own / by.chosen).toPrecision(3))}x by the objective`
      : "worse by the objective",
  sooner: (by) => `${time(by.own - by.chosen)} later`,
  cheaper: (by) => `${price(by.own - by.chosen)} dearer`,
  fewer_hops: (by) => `${by.own - by.chosen} more hops`,
  lower_name: () => "equal; the lower name is taken",
};

/** What of a decision its explanation tells. */
export type ExplainedDecision =
  | Pick<Placed, "outcome" | "node" | "path" | "kept" | "explanation">
  | Pick<Refused, "outcome" | "code" | "explanation">;

/** The explanation of a decision as lines of text, as people read them. Without one, only the outcome. */
export function formatExplanation(decision: ExplainedDecision): string {
  const lines =
    decision.outcome === "placed"
      ? [
          `placed on ${decision.node}, path ${decision.path.join(" > ")}${decision.kept ? " (kept: a move would gain too little)" : ""}`,
        ]
      : [`refused: ${REFUSAL_MESSAGES[decision.code as RefusalCode]} [${decision.code}]`];
  const { explanation } = decision;
  return [...lines, ...(explanation === null ? [] : bodyOf(explanation))].join("\n");
}

/** A line for each constraint, of what fell to it. */
export function formatRuledOut(ruledOut: readonly RuledOut[]): string[] {
  const titles = ruledOut.map((rule) => `${TITLES[rule.constraint]} ${rule.asked}`);
  const width = Math.max(0, ...titles.map((title) => title.length));
  return ruledOut.map((rule, i) => `  ${(titles[i] as string).padEnd(width)}  ruled out ${fallen(rule)}`);
}

function bodyOf(explanation: Explanation): string[] {
  const { ruledOut, nearestMiss, runnersUp } = explanation;
  const lines = [
    `considered ${count(explanation.nodesConsidered, "node")}, ${count(explanation.pathsConsidered, "path")}`,
    ...formatRuledOut(ruledOut),
  ];
  for (const other of runnersUp) {
    lines.push(
      `runner-up: ${other.node} (${time(other.total)}, ${price(other.cost)}), ${LOST_BY[other.lostBy.criterion]?.(other.lostBy)}`,
    );
  }
  if (nearestMiss !== null) {
    lines.push(
      `nearest miss: ${nearestMiss.node} would fit with ${nearestMiss.misses.map(fixOf).join(", and with ")}`,
    );
  }
  return lines;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
const fixOf = (miss: Miss): string => miss.fixes.join(", or with ");

function fallen(rule: RuledOut): string {
  const shown = rule.examples.map(({ name, offers }) => `${name} (${offers})`).join(", ");
  const paths = rule.paths > 0 ? count(rule.paths, "path") : "";
  if (rule.nodes === 0) return paths;
  const nodes = rule.nodes > rule.examples.length ? `${count(rule.nodes, "node")}, such as ${shown}` : shown;
  return paths === "" ? nodes : `${nodes}; ${paths}`;
}
