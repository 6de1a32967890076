import type { Instant, Micros, Rng } from "@weft/kernel";
import type { ActorId } from "./actor.ts";
import { TRUE_CLOCK } from "./actor.ts";
import type { LinkModel } from "./links.ts";
import type { World } from "./world.ts";

/** One thing that goes wrong at `at` and is right again `lasts` later. */
export type Fault = { readonly at: Instant; readonly lasts: Micros } & (
  | { readonly kind: "crash"; readonly actor: ActorId }
  | { readonly kind: "pause"; readonly actor: ActorId }
  | { readonly kind: "slow"; readonly actor: ActorId; readonly inputTime: Micros }
  | { readonly kind: "clock"; readonly actor: ActorId; readonly skew: Micros; readonly drift: number }
  | { readonly kind: "cut"; readonly between: readonly [ActorId, ActorId] }
  /** Both directions get `worse`, and afterwards `healthy`. */
  | {
      readonly kind: "degrade";
      readonly between: readonly [ActorId, ActorId];
      readonly worse: LinkModel;
      readonly healthy: LinkModel;
    }
  | { readonly kind: "partition"; readonly groups: readonly (readonly ActorId[])[] }
);

/** Schedules every fault and its end. Partitions do not add up: a later one replaces an earlier one. */
export function inject(world: World, faults: readonly Fault[]): void {
  for (const fault of faults) {
    world.at(fault.at, () => begin(world, fault));
    world.at((fault.at + fault.lasts) as Instant, () => end(world, fault));
  }
}

function begin(world: World, fault: Fault): void {
  switch (fault.kind) {
    case "crash":
      world.crash(fault.actor);
      break;
    case "pause":
      world.pause(fault.actor, fault.lasts);
      break;
    case "slow":
      world.slow(fault.actor, fault.inputTime);
      break;
    case "clock":
      world.setClock(fault.actor, { skew: fault.skew, drift: fault.drift });
      break;
    case "cut":
      world.setUp(...fault.between, false);
      break;
    case "degrade":
      changeBoth(world, fault.between, fault.worse);
      break;
    case "partition":
      world.partition(fault.groups);
      break;
  }
}

function end(world: World, fault: Fault): void {
  switch (fault.kind) {
    case "crash":
      world.restart(fault.actor);
      break;
    case "pause":
      break;
    case "slow":
      world.slow(fault.actor, 0 as Micros);
      break;
    case "clock":
      world.setClock(fault.actor, TRUE_CLOCK);
      break;
    case "cut":
      world.setUp(...fault.between, true);
      break;
    case "degrade":
      changeBoth(world, fault.between, fault.healthy);
      break;
    case "partition":
      world.heal();
      break;
  }
}

function changeBoth(world: World, [a, b]: readonly [ActorId, ActorId], model: LinkModel): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const link = world.links.between(from, to);
    if (link >= 0) world.links.change(link, model);
  }
}

/** What random faults may hit, and how hard. */
export interface FaultPlan {
  /** Actors that may crash, pause, slow down or show a wrong time. */
  readonly actors: readonly ActorId[];
  /** Pairs that may be cut or degraded, with their healthy model. */
  readonly links: readonly { readonly between: readonly [ActorId, ActorId]; readonly model: LinkModel }[];
  readonly from: Instant;
  readonly until: Instant;
  /** How many faults. */
  readonly count: number;
  /** Longest one; it still ends before `until`. */
  readonly longest: Micros;
  /** Kinds to draw from; all where left out. */
  readonly kinds?: readonly Fault["kind"][];
}

const ALL_KINDS: readonly Fault["kind"][] = [
  "crash",
  "pause",
  "slow",
  "clock",
  "cut",
  "degrade",
  "partition",
];

/** Faults drawn from `rng`, all over by `plan.until`. A partition splits the actors into two random groups. */
export function randomFaults(rng: Rng, plan: FaultPlan): readonly Fault[] {
  const kinds = (plan.kinds ?? ALL_KINDS).filter(
    (kind) => (kind !== "cut" && kind !== "degrade") || plan.links.length > 0,
  );
  return Array.from({ length: plan.count }, () => randomFault(rng, plan, rng.pick(kinds)));
}

function randomFault(rng: Rng, plan: FaultPlan, kind: Fault["kind"]): Fault {
  const lasts = (1 + rng.below(Math.min(plan.longest, plan.until - plan.from - 1))) as Micros;
  const at = (plan.from + rng.below(plan.until - plan.from - lasts)) as Instant;
  const actor = rng.pick(plan.actors);
  switch (kind) {
    case "crash":
    case "pause":
      return { kind, at, lasts, actor };
    case "slow":
      return { kind, at, lasts, actor, inputTime: (1 + rng.below(50_000)) as Micros };
    case "clock":
      return {
        kind,
        at,
        lasts,
        actor,
        skew: (rng.below(4_000_000) - 2_000_000) as Micros,
        drift: (rng.float() - 0.5) * 4e-4,
      };
    case "cut":
      return { kind, at, lasts, between: rng.pick(plan.links).between };
    case "degrade": {
      const { between, model } = rng.pick(plan.links);
      return {
        kind,
        at,
        lasts,
        between,
        healthy: {
          jitter: 0 as Micros,
          loss: 0 as never,
          duplication: 0 as never,
          reordering: 0 as never,
          ...model,
        },
        worse: badly(rng),
      };
    }
    case "partition": {
      const left = plan.actors.filter(() => rng.chance(0.5));
      return { kind, at, lasts, groups: [left] };
    }
  }
}

const badly = (rng: Rng): LinkModel => ({
  jitter: rng.below(100_000) as Micros,
  loss: (rng.float() * 0.5) as never,
  duplication: (rng.float() * 0.3) as never,
  reordering: (rng.float() * 0.3) as never,
});
