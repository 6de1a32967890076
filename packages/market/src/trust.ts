import { assert, type Digest, type Instant, type Micros, type Rng } from "@weft/kernel";

/*
 * Results from providers that nobody vouches for (C7). Three means, each with its cost: the same work done by several
 * (quorum), work whose answer is known mixed in (spot checks), and a memory of how it went (reputation).
 */

/** One provider's answer to one piece of work. */
export interface Answer {
  readonly provider: string;
  readonly result: Digest;
}

export type QuorumVerdict =
  /** So many agree: this is the result; who said otherwise is `dissent`. */
  | { readonly kind: "agreed"; readonly result: Digest; readonly dissent: readonly string[] }
  /** Not yet: at least so many more answers are needed. */
  | { readonly kind: "more"; readonly atLeast: number }
  /** As many as may be asked have answered, and too few agree. */
  | { readonly kind: "undecided" };

/**
 * Whether enough independent providers gave the same result. `need` of them must agree, `most` may be asked; an
 * answer of a provider already counted does not count again.
 */
export function quorum(answers: readonly Answer[], need: number, most: number): QuorumVerdict {
  assert(need >= 1 && need <= most, "a quorum is some of those asked");
  const first = new Map<string, Digest>();
  for (const { provider, result } of answers) if (!first.has(provider)) first.set(provider, result);
  const votes = new Map<Digest, number>();
  for (const result of first.values()) votes.set(result, (votes.get(result) ?? 0) + 1);
  const [result, count] = [...votes].reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
  if (count >= need) {
    const dissent = [...first].flatMap(([provider, given]) => (given === result ? [] : [provider]));
    return { kind: "agreed", result, dissent };
  }
  const missing = need - count;
  return first.size + missing <= most ? { kind: "more", atLeast: missing } : { kind: "undecided" };
}

export interface ReputationPolicy {
  /** How fast the past fades: what lies this far back counts a third. */
  readonly memory: Micros;
  /** Work a stranger is treated as having done, and how well. */
  readonly priorWeight: number;
  readonly priorScore: number;
}

/** What is remembered of one provider: plain data. */
export interface ReputationState {
  readonly good: number;
  readonly bad: number;
  readonly at: Instant;
}

export const NO_REPUTATION: ReputationState = { good: 0, bad: 0, at: 0 as Instant };

const fade = (state: ReputationState, now: Instant, { memory }: ReputationPolicy): number =>
  Math.exp(-Math.max(0, now - state.at) / memory);

/** Notes how one piece of work went. `weight` is what it counts: a proven lie more than a lateness. */
export function remember(
  state: ReputationState,
  now: Instant,
  outcome: "good" | "bad",
  weight: number,
  policy: ReputationPolicy,
): ReputationState {
  const kept = fade(state, now, policy);
  return {
    good: state.good * kept + (outcome === "good" ? weight : 0),
    bad: state.bad * kept + (outcome === "bad" ? weight : 0),
    at: now,
  };
}

/** Share of good work, between 0 and 1: the mean of a Beta distribution with the prior in it, drifting back to it. */
export function reputationOf(state: ReputationState, now: Instant, policy: ReputationPolicy): number {
  const kept = fade(state, now, policy);
  const good = state.good * kept + policy.priorWeight * policy.priorScore;
  const all = (state.good + state.bad) * kept + policy.priorWeight;
  return good / all;
}

/** How a manager guards against wrong results. */
export interface TrustPolicy {
  readonly name: string;
  /** Providers who must agree, and at most are asked; 1 and 1 is no redundancy. */
  readonly need: number;
  readonly most: number;
  /** Share of extra work whose answer is known beforehand. */
  readonly spotChecks: number;
  /** Providers below this get no more work; 0: all do. */
  readonly leastReputation: number;
  /** With this reputation one answer is enough; above 1: never. */
  readonly trustedFrom: number;
}

export interface CheatingStudy {
  readonly providers: number;
  /** Share of providers that cheat, and how often such a one does. */
  readonly cheaters: number;
  readonly cheatingRate: number;
  /** Share of cheaters that give the same wrong answer. */
  readonly colluding: number;
  readonly tasks: number;
  readonly secondsBetweenTasks: number;
  readonly reputation: ReputationPolicy;
}

export interface CheatingResult {
  /** Work done over work asked for. */
  readonly cost: number;
  /** Share of tasks whose accepted result is wrong. */
  readonly wrong: number;
  /** Share of wrong answers given that were noticed. */
  readonly detected: number;
  /** Share of cheaters shut out at the end, and of honest ones wrongly so. */
  readonly cheatersOut: number;
  readonly honestOut: number;
  /** Share of tasks without any result. */
  readonly undecided: number;
}

/** Plays a policy against cheating providers and counts what it costs and what it catches. */
export function studyCheating(study: CheatingStudy, policy: TrustPolicy, rng: Rng): CheatingResult {
  const cheaters = Math.round(study.providers * study.cheaters);
  const states = Array.from({ length: study.providers }, () => NO_REPUTATION);
  const score = (provider: number, now: Instant): number =>
    reputationOf(states[provider] as ReputationState, now, study.reputation);
  const note = (provider: number, now: Instant, outcome: "good" | "bad", weight: number): void => {
    states[provider] = remember(states[provider] as ReputationState, now, outcome, weight, study.reputation);
  };
  const count = { work: 0, wrong: 0, lies: 0, caught: 0, undecided: 0 };
  const answerOf = (provider: number): Digest => {
    count.work++;
    if (provider >= cheaters || !rng.chance(study.cheatingRate)) return "right";
    count.lies++;
    return rng.chance(study.colluding) ? "wrong" : `wrong by ${provider}`;
  };
  const admitted = (provider: number, now: Instant): boolean =>
    policy.leastReputation === 0 || score(provider, now) >= policy.leastReputation;
  for (let task = 0; task < study.tasks; task++) {
    const now = (task * study.secondsBetweenTasks * 1e6) as Instant;
    const order = rng
      .shuffle(Array.from({ length: study.providers }, (_, i) => i))
      .filter((p) => admitted(p, now));
    const answers: Answer[] = [];
    let verdict: QuorumVerdict = { kind: "more", atLeast: 1 };
    for (const provider of order) {
      if (rng.chance(policy.spotChecks)) {
        const right = answerOf(provider) === "right";
        if (!right) count.caught++;
        note(provider, now, right ? "good" : "bad", right ? 1 : 20);
        if (!right) continue;
      }
      answers.push({ provider: String(provider), result: answerOf(provider) });
      const enough = answers.length === 1 && score(provider, now) >= policy.trustedFrom;
      verdict = quorum(answers, enough ? 1 : policy.need, policy.most);
      if (verdict.kind !== "more") break;
    }
    if (verdict.kind !== "agreed") {
      count.undecided++;
      if (answers.length > 1) count.caught += answers.filter(({ result }) => result !== "right").length;
      continue;
    }
    if (verdict.result !== "right") count.wrong++;
    else count.caught += verdict.dissent.length;
    if (answers.length > 1) {
      for (const { provider } of answers) {
        const dissents = verdict.dissent.includes(provider);
        note(Number(provider), now, dissents ? "bad" : "good", dissents ? 5 : 1);
      }
    }
  }
  const end = (study.tasks * study.secondsBetweenTasks * 1e6) as Instant;
  const out = states.map((_, provider) => !admitted(provider, end));
  const share = (flags: readonly boolean[]): number =>
    flags.length === 0 ? 0 : flags.filter((flag) => flag).length / flags.length;
  return {
    cost: count.work / study.tasks,
    wrong: count.wrong / study.tasks,
    detected: count.lies === 0 ? 1 : count.caught / count.lies,
    cheatersOut: share(out.slice(0, cheaters)),
    honestOut: share(out.slice(cheaters)),
    undecided: count.undecided / study.tasks,
  };
}
