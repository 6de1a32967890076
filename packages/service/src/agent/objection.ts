import type { NodeDescription } from "@weft/infrastructure";
import {
  type Cryptography,
  formatInstant,
  type Instant,
  type PublicKey,
  type Refusal,
  refuse,
} from "@weft/kernel";
import {
  CLOCK_TOLERANCE,
  contractText,
  type PriceList,
  reaches,
  verifyTaskOf,
  verifyTerms,
} from "@weft/market";
import type { Launch } from "../protocol.ts";
import { objectionToWork } from "../signed-work.ts";

/** What of its pay a node puts at risk for a contract's promises, in millionths. */
const MOST_PENALTY_PPM = 500_000;

/**
 * Why this node will not sign a contract, null when it will: the owner does not allow the program, the contract is
 * not for this node, below its prices, not within the consumer's order, not the manager's, or not for now, or the work
 * is not what the consumer signed for [K2.7].
 */
export function objection(
  launch: Launch,
  description: NodeDescription,
  floor: PriceList,
  key: PublicKey,
  now: Instant,
  cryptography: Cryptography,
): Refusal | null {
  const { terms, manager } = launch.contract;
  if (!description.runs.includes(launch.program.kind)) {
    return refuse("program_not_allowed", `the node's owner does not allow a ${launch.program.kind}`, {
      path: "program",
      found: launch.program.kind,
      expected: description.runs.join(" or "),
    }).refusal;
  }
  if (terms.node.id !== description.id || terms.node.key !== key || terms.provider.key !== key) {
    return refuse("E_CONTRACT_PARTY", "the contract is another node's", {
      path: "node",
      found: terms.node.id,
      expected: description.id,
    }).refusal;
  }
  if (!reaches(terms.prices, floor)) {
    return refuse("price_changed", "the contract is below the node's prices", {
      path: "prices",
      expected: "no price below the node's own, or below its owner's floor",
      hint: "plan again: prices move",
    }).refusal;
  }
  if (now > terms.validUntil + CLOCK_TOLERANCE || now < terms.validFrom - CLOCK_TOLERANCE) {
    return refuse("E_CONTRACT_TIME", "the contract is not for now", {
      path: "validFrom",
      found: formatInstant(now),
      expected: `${formatInstant(terms.validFrom)} to ${formatInstant(terms.validUntil)}`,
      hint: "compare the clocks of node and manager",
    }).refusal;
  }
  if (manager === null || !cryptography.verify(terms.manager.key, contractText(terms), manager)) {
    return refuse("E_CONTRACT_SIGNATURE", "the manager did not sign these terms", {
      path: "manager",
      found: manager ?? "no signature",
      expected: `a signature of ${terms.manager.key}`,
    }).refusal;
  }
  const atRisk = (terms.levels ?? []).reduce((sum, level) => sum + level.penaltyPpm, 0);
  if (atRisk > MOST_PENALTY_PPM) {
    return refuse("E_CONTRACT_LEVELS", "the contract may cost the node more of its pay than it accepts", {
      path: "levels",
      found: `${atRisk} millionths`,
      expected: `at most ${MOST_PENALTY_PPM} millionths`,
      hint: "promise less, or at a smaller penalty",
    }).refusal;
  }
  return (
    verifyTerms(terms, cryptography) ??
    verifyTaskOf(launch.contract, cryptography.digest(launch.manifest)) ??
    objectionToWork(launch)
  );
}
