import { type NodeId, SECURITY_CLASSES, type SiteId } from "@weft/infrastructure";
import { type Micros, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { Pool } from "@weft/pool";
import { type Offer, Offers } from "../batch/offers.ts";
import { planTogether } from "../batch/pool-batch.ts";
import type { Placed, RefusalCode } from "../placement/decision.ts";
import { Query } from "../placement/query.ts";
import { Network } from "../routing/network.ts";
import { QuickestPath } from "../routing/quickest.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import type { Application, ApplicationObjective } from "./application.ts";
import { placeApplication } from "./place-application.ts";

/** An application to be planned on a pool: what its steps need, and what they hand on. */
export interface ApplicationNeeds {
  /** Where first inputs are and last results are wanted. */
  readonly at: SiteId;
  readonly steps: readonly StepNeeds[];
  readonly objective: "cost" | "time";
  /** From the start to the last result's arrival. */
  readonly deadline: Micros | null;
  /** All steps hold their places at once, or the application has none. */
  readonly gang: boolean;
}

export interface StepNeeds {
  /** `basic.inputBytes`: what comes from `at` besides what other steps give. */
  readonly needs: TaskNeeds;
  readonly from: readonly { readonly step: number; readonly bytes: number }[];
  /** Where its result is, or will be: the step has started or ended and is not planned any more. */
  readonly settled?: SiteId;
}

export interface StepPlan {
  readonly node: NodeId;
  /** Micros after the application's start. */
  readonly start: Micros;
  readonly finish: Micros;
  /** Micro-units of money expected. */
  readonly cost: number;
}

export interface ApplicationDecision {
  /** By step; null for those settled before. */
  readonly steps: readonly (StepPlan | null)[];
  readonly makespan: Micros;
  /** Micro-units of money expected. */
  readonly cost: number;
  /** No choice of nodes has a smaller objective (cost, or micros); null where not all nodes were looked at. */
  readonly bound: number | null;
  readonly proven: boolean;
  /** Of a gang: what each step reserves; these hold together. null for the others. */
  readonly places: readonly Placed[] | null;
  readonly basedOn: number;
}

export type ApplicationPlanRefusal = Refusal<
  RefusalCode | "circular_steps" | "no_placement" | "search_exhausted" | "gang_does_not_fit"
>;

/** Nodes looked at for one step: beyond the best so many, only nearness to another step could favour one. */
const NODES_A_STEP = 12;

/**
 * Plans all steps jointly over the nodes and paths of a pool as it is: the cheapest end within the deadline, or the
 * earliest. Reserves nothing. Refuses with the code of the step that fits nowhere (`path` names it by index), of the
 * joint search, or `gang_does_not_fit`.
 */
export function planApplication(
  pool: Pool,
  app: ApplicationNeeds,
  seed = 1,
): Result<ApplicationDecision, ApplicationPlanRefusal> {
  // On a copy: whoever searches a pool follows its changes from then on.
  const view = pool.snapshot();
  const offers = new Offers(view);
  const leaves = leavesOf(app);
  const listed = app.steps.map((step, s) =>
    step.settled === undefined ? offers.of(alone(step.needs, app.at, leaves[s]!), NODES_A_STEP + 1) : [],
  );
  for (const [s, list] of listed.entries()) {
    if (list.length > 0 || app.steps[s]!.settled !== undefined) continue;
    const decision = new Scheduler(view).place(alone(app.steps[s]!.needs, app.at, leaves[s]!));
    const code = decision.outcome === "refused" ? decision.code : "no_capacity";
    const message = decision.outcome === "refused" ? decision.refusal.message : "nothing is left for it";
    return refuse(code, message, { path: `steps[${s}]` });
  }
  const whole = listed.every((list) => list.length <= NODES_A_STEP);
  const problem = problemOf(
    view,
    app,
    leaves,
    listed.map((list) => list.slice(0, NODES_A_STEP)),
  );
  const objective: ApplicationObjective =
    app.objective === "time"
      ? { kind: "time" }
      : { kind: "cost", deadline: app.deadline === null ? Number.POSITIVE_INFINITY : app.deadline / 1e6 };
  const plan = placeApplication(problem.application, objective);
  if (!plan.ok)
    return app.gang && plan.refusal.code === "no_placement" ? noRoomFor(view, app, leaves, seed) : plan;
  if (app.deadline !== null && plan.value.makespan * 1e6 > app.deadline) {
    return refuse("deadline_unreachable", "the steps one after the other take longer than the deadline");
  }
  const micros = (seconds: number): Micros => Math.ceil(seconds * 1e6 - 1e-3) as Micros;
  const steps = app.steps.map((step, s): StepPlan | null => {
    if (step.settled !== undefined) return null;
    const j = plan.value.node[s]!;
    return {
      node: pool.nodes.slots.idOf(problem.nodes[j]!),
      start: micros(plan.value.start[s]!),
      finish: micros(plan.value.finish[s]!),
      cost: problem.application.price[s * problem.application.nodes + j]!,
    };
  });
  const places = app.gang ? placesOf(pool, app, steps, leaves, seed) : null;
  if (places !== null && !places.ok) return places;
  return ok({
    steps: places === null ? steps : steps.map((step, s) => step && { ...step, node: places.value[s]!.node }),
    makespan: micros(plan.value.makespan),
    cost: plan.value.cost,
    bound: whole ? plan.value.bound * (app.objective === "time" ? 1e6 : 1) : null,
    proven: whole && plan.value.proven,
    places: places === null ? null : places.value,
    basedOn: pool.version,
  });
}

/** By step, whether its result is wanted at home: no other step takes it. */
function leavesOf({ steps }: ApplicationNeeds): readonly boolean[] {
  const taken = new Set(steps.flatMap(({ from }) => from.map(({ step }) => step)));
  return steps.map((_, s) => !taken.has(s));
}

/** A step as a task by itself: results that other steps take stay where they are made; the deadline is the whole's. */
const alone = (needs: TaskNeeds, at: SiteId, leaves: boolean): TaskNeeds => ({
  ...needs,
  basic: {
    ...needs.basic,
    dataAt: at,
    deadline: null,
    ...(leaves ? {} : { resultBytes: 0 as TaskNeeds["basic"]["resultBytes"] }),
  },
});

interface PoolApplication {
  readonly application: Application;
  /** By node of the application: its index in the pool; -1 for the place of a settled step. */
  readonly nodes: readonly number[];
}

/** Bytes in and out are metered wherever they come from, so that what a step's data costs depends on its node alone. */
function movedPrice({ nodes }: Pool, { needs, from }: StepNeeds, leaves: boolean, node: number): number {
  const bytesIn = from.reduce((sum, { bytes }) => sum + bytes, 0);
  const bytesOut = leaves ? 0 : needs.basic.resultBytes;
  return bytesIn * nodes.pricePerByteIn[node]! + bytesOut * nodes.pricePerByteOut[node]!;
}

function problemOf(
  pool: Pool,
  app: ApplicationNeeds,
  leaves: readonly boolean[],
  offers: readonly (readonly Offer[])[],
): PoolApplication {
  const { nodes: table, links } = pool;
  const nodes: number[] = [...new Set(offers.flatMap((list) => list.map(({ node }) => node)))].sort(
    (a, b) => a - b,
  );
  const sites: number[] = nodes.map((node) => table.site[node]!);
  const index = new Map(nodes.map((node, j) => [node, j]));
  const places = app.steps.map(({ settled }) => {
    if (settled === undefined) return -1;
    nodes.push(-1);
    return sites.push(links.sites.find(settled)) - 1;
  });
  const [n, k] = [nodes.length, app.steps.length];
  const time = new Float64Array(k * n).fill(Number.POSITIVE_INFINITY);
  const price = new Float64Array(k * n);
  app.steps.forEach((step, s) => {
    if (places[s]! >= 0) time[s * n + places[s]!] = 0;
    for (const { node, levels } of offers[s]!) {
      time[s * n + index.get(node)!] = levels[0]!.total / 1e6;
      price[s * n + index.get(node)!] = levels[0]!.cost + movedPrice(pool, step, leaves[s]!, node);
    }
  });
  const edges = app.steps.flatMap(({ from }, to) =>
    from.map(({ step, bytes }) => ({ from: step, to, bytes })),
  );
  return {
    nodes,
    application: {
      steps: k,
      nodes: n,
      time,
      price,
      edges,
      ...pathsBetween(pool, app, sites),
      space: Float64Array.from(app.steps, (step) =>
        // Steps that come one after the other share their node's memory; `lanes` sees to those side by side.
        app.gang && step.settled === undefined ? step.needs.algorithm.space : 0,
      ),
      room: Float64Array.from(nodes, (node) =>
        node < 0 ? Number.POSITIVE_INFINITY : table.freeMemory[node]!,
      ),
      lanes: Int32Array.from(nodes, (node) => (node < 0 ? k : lanesOf(pool, app, offers, node))),
    },
  };
}

/** How many of the steps a node runs at once, each at the rate it was offered and with the memory it needs. */
function lanesOf(
  pool: Pool,
  { steps }: ApplicationNeeds,
  offers: readonly (readonly Offer[])[],
  node: number,
): number {
  let [rate, space] = [0, 0];
  for (const [s, list] of offers.entries()) {
    const offer = list.find((one) => one.node === node);
    if (offer === undefined) continue;
    rate = Math.max(rate, offer.levels[0]!.rate);
    space = Math.max(space, steps[s]!.needs.algorithm.space);
  }
  const free = Math.max(...pool.nodes.free.map((column) => column[node]!));
  const byRate = rate === 0 ? offers.length : Math.floor(free / rate);
  const bySpace = space === 0 ? offers.length : Math.floor(pool.nodes.freeMemory[node]! / space);
  return Math.max(1, Math.min(offers.length, byRate, bySpace));
}

/** Delay and seconds a byte between any two nodes, over the quickest path for the data of a usual edge. */
export function pathsBetween(
  pool: Pool,
  app: ApplicationNeeds,
  sites: readonly number[],
): Pick<Application, "delay" | "secondsPerByte" | "pricePerByte"> {
  const n = sites.length;
  const flow = flowNeeds(app);
  const network = new Network(pool);
  network.refresh();
  const paths = new QuickestPath(pool, network);
  const query = new Query();
  const delay = new Float64Array(n * n).fill(Number.POSITIVE_INFINITY);
  const secondsPerByte = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    if (sites[i]! < 0) continue;
    query.fill(pool, { ...flow, basic: { ...flow.basic, dataAt: pool.links.sites.idOf(sites[i]!) } }, []);
    paths.begin(query);
    for (let j = 0; j < n; j++) {
      if (sites[j]! < 0 || !paths.find(sites[j]!, Number.MAX_VALUE)) continue;
      const perByte = 8 / paths.bandwidthIn;
      delay[i * n + j] = Math.max(0, paths.transferIn / 1e6 - query.inputBytes * perByte);
      secondsPerByte[i * n + j] = perByte;
    }
  }
  return { delay, secondsPerByte, pricePerByte: new Float64Array(n * n) };
}

/** What the data between steps demands of a path: the strictest security, and the sites that all steps allow. */
function flowNeeds({ steps, at }: ApplicationNeeds): TaskNeeds {
  const sizes = steps.flatMap(({ from }) => from.map(({ bytes }) => bytes)).sort((a, b) => a - b);
  const first = steps[0]!.needs;
  let security = 0;
  let allowed: readonly SiteId[] | null = null;
  for (const { needs } of steps) {
    security = Math.max(security, SECURITY_CLASSES.indexOf(needs.network.security));
    const { mayLeaveTo } = needs.basic;
    if (mayLeaveTo === null) continue;
    const sites = [at, ...mayLeaveTo];
    allowed = allowed === null ? sites : allowed.filter((site: SiteId) => sites.includes(site));
  }
  const none = 0 as TaskNeeds["basic"]["resultBytes"];
  return {
    ...first,
    basic: {
      ...first.basic,
      inputBytes: (sizes[sizes.length >> 1] ?? 0) as TaskNeeds["basic"]["inputBytes"],
      resultBytes: none,
      mayLeaveTo: allowed,
      deadline: null,
    },
    network: {
      ...first.network,
      delay: null,
      bandwidth: 0 as TaskNeeds["network"]["bandwidth"],
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: SECURITY_CLASSES[security]!,
    },
  };
}

/** What every member of a gang reserves, on its planned node where all fit there at once, else where they do. */
function placesOf(
  pool: Pool,
  app: ApplicationNeeds,
  plan: readonly (StepPlan | null)[],
  leaves: readonly boolean[],
  seed: number,
): Result<readonly Placed[], ApplicationPlanRefusal> {
  const tasks = app.steps.map((step, s) => alone(step.needs, app.at, leaves[s]!));
  const draft = pool.snapshot();
  const scheduler = new Scheduler(draft, { stickyMargin: 1 });
  const places: Placed[] = [];
  for (const [s, needs] of tasks.entries()) {
    const decision = scheduler.place(needs, { sticky: plan[s]?.node ?? null });
    if (decision.outcome === "refused") break;
    draft.reserve(decision.claim);
    places.push({ ...decision, claim: { ...decision.claim, basedOn: pool.version } });
  }
  if (places.length === tasks.length) return ok(places);
  return anywhere(pool, tasks, seed);
}

function anywhere(
  pool: Pool,
  tasks: readonly TaskNeeds[],
  seed: number,
): Result<readonly Placed[], ApplicationPlanRefusal> {
  const together = planTogether(pool, tasks, { seed });
  const found = together.decisions.filter((decision) => decision.outcome === "placed");
  if (found.length === tasks.length) return ok(found);
  return refuse("gang_does_not_fit", "not all of the gang fits at once", {
    found: `${together.placed} of ${tasks.length} steps, ${together.mostPlaced} at most`,
  });
}

/** A gang that no joint placement holds: how many of it would fit. */
function noRoomFor(
  pool: Pool,
  app: ApplicationNeeds,
  leaves: readonly boolean[],
  seed: number,
): Result<never, ApplicationPlanRefusal> {
  const places = anywhere(
    pool,
    app.steps.map((step, s) => alone(step.needs, app.at, leaves[s]!)),
    seed,
  );
  return places.ok ? refuse("no_placement", "no choice of nodes admits every step and path at once") : places;
}
