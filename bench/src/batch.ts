import {
  assignUnitTasks,
  BatchSearch,
  boundByRelaxation,
  dualValue,
  type LinearSolver,
  planByProgram,
  planGreedily,
  planTogether,
} from "@weft/scheduling";
import { loadLinearSolver } from "@weft/scheduling-highs";
import { type BatchInstance, batchInstance, poolBatch, unitInstance } from "./batch-instances.ts";
import { type Bench, cpuSeconds, type Figure } from "./bench.ts";

const WHOLE = { rounds: 150, states: 1e8 };

type Report = (figure: Figure) => void;

/** LEMON's NetworkSimplex on like instances and a like machine, in seconds. */
const LEMON: Readonly<Record<string, number>> = { "10000x1000": 0.028, "100000x10000": 0.86 };

/** Optimal assignment of unit tasks; every run is proven by its prices before it counts. */
function flow(tasks: number, nodes: number, slack: number, runs: number, report: Report): void {
  const seconds: number[] = [];
  let pivots = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const problem = unitInstance(tasks, nodes, slack, seed);
    let solved = assignUnitTasks(unitInstance(100, 10, 1, 1));
    seconds.push(
      cpuSeconds(() => {
        solved = assignUnitTasks(problem);
      }),
    );
    const proof = dualValue(problem, solved.price);
    if (Math.abs(proof - solved.cost) > 1e-9 * Math.abs(solved.cost)) throw new Error("not proven optimal");
    pivots += solved.pivots / runs;
  }
  const size = `${tasks}x${nodes}`;
  const value = seconds.sort((a, b) => a - b)[runs >> 1] as number;
  const peer = slack === 1 ? LEMON[size] : undefined;
  report({
    name: `batch/flow/${size}${slack === 1 ? "" : `/slack${slack}`}`,
    value,
    unit: "s",
    against: peer === undefined ? "nothing comparable" : `LEMON's ${peer} s on a like machine (C++)`,
    ratio: peer === undefined ? null : value / peer,
    note: `proven optimal, ${tasks * 10} arcs, ${Math.round(pivots)} pivots, median of ${runs}, ${(seconds[0] as number).toFixed(3)} .. ${(seconds[runs - 1] as number).toFixed(3)}`,
  });
}

interface Searched {
  readonly name: string;
  readonly problem: BatchInstance["problem"];
  readonly cost: number;
  readonly ownBound: number;
  readonly moves: number;
  /** The bound of whole tasks, and the CPU seconds it took, after those of the search. */
  readonly wholeBound: number;
  readonly wholeSeconds: number;
}

/** Anytime search for `seconds` of CPU, its preparation included. */
function searchFor({ name, problem }: BatchInstance, seconds: number): Searched {
  let search!: BatchSearch;
  let spent = cpuSeconds(() => {
    search = new BatchSearch(problem, 1);
  });
  let moves = 0;
  while (spent < seconds) {
    spent += cpuSeconds(() => search.search(10_000));
    moves += 10_000;
  }
  const [cost, ownBound] = [search.best.cost, search.bound];
  const wholeSeconds = cpuSeconds(() => search.tightenWhole(WHOLE));
  return { name, problem, cost, ownBound, moves, wholeBound: search.bound, wholeSeconds };
}

/** What a search reached, against the bound of the linear relaxation, one at a time, and the optimum where it is found. */
function gap(
  { name, problem, cost, ownBound, moves, wholeBound, wholeSeconds }: Searched,
  solver: LinearSolver,
  exactSeconds: number,
  report: Report,
): void {
  const relaxed = boundByRelaxation(problem, solver);
  if (relaxed === null) throw new Error(`${name} has no relaxation`);
  const over = (value: number): number => (100 * (value - relaxed.bound)) / relaxed.bound;
  const greedy = planGreedily(problem);
  const left = greedy.arc.filter((arc) => arc < 0).length;
  const notes = [
    `${cost} over ${relaxed.bound.toFixed(1)} (own bound ${ownBound.toFixed(1)}), ${moves} moves`,
    wholeBound >= cost
      ? `proven optimal by whole tasks in ${wholeSeconds.toFixed(2)} s`
      : `no plan is nearer than ${over(wholeBound).toFixed(2)} % by whole tasks in ${wholeSeconds.toFixed(2)} s, so this one is within ${(100 * (cost / wholeBound - 1)).toFixed(2)} % of the best`,
    left > 0 ? `one at a time leaves ${left} out` : `one at a time costs ${greedy.cost}`,
  ];
  if (exactSeconds > 0) {
    const exact = planByProgram(problem, solver, exactSeconds);
    const found = exact.plan === null ? "finds nothing" : `reaches ${exact.plan.cost}`;
    const least = `its bound is ${over(exact.bound).toFixed(2)} %`;
    notes.push(`HiGHS ${found}${exact.proven ? ", the optimum" : ` in ${exactSeconds} s: ${least}`}`);
  }
  report({
    name: `batch/gap/${name}`,
    value: over(cost),
    unit: "%",
    against: "the target of 1 % over the linear relaxation",
    ratio: over(cost),
    note: notes.join("; "),
  });
}

/** Tasks placed together on a pool, as `submit-batch` does, against one at a time on the same. */
function together(tasks: number, nodes: number, runs: number, report: Report): void {
  const seconds: number[] = [];
  const dearer: number[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    const { pool, needs } = poolBatch(tasks, nodes, seed);
    let plan = planTogether(pool, []);
    seconds.push(
      cpuSeconds(() => {
        plan = planTogether(pool, needs);
      }),
    );
    if (plan.placed !== tasks || plan.alone.placed !== tasks) throw new Error("not all are placed");
    dearer.push(plan.alone.score / plan.score);
  }
  const value = seconds.sort((a, b) => a - b)[runs >> 1] as number;
  const ratio = dearer.sort((a, b) => a - b)[runs >> 1] as number;
  report({
    name: `batch/together/${tasks}x${nodes}`,
    value,
    unit: "s",
    against: "what one at a time costs on the same pool, over what the plan costs",
    ratio,
    note: `median of ${runs}, ${(seconds[0] as number).toFixed(3)} .. ${(seconds[runs - 1] as number).toFixed(3)} s`,
  });
}

export const batch: Bench = {
  name: "batch",
  async run(size, report) {
    const full = size === "full";
    if (full) {
      for (let warm = 0; warm < 3; warm++) assignUnitTasks(unitInstance(10_000, 1_000, 1, warm));
      flow(10_000, 1_000, 1, 7, report);
      flow(10_000, 1_000, 1.1, 7, report);
      flow(100_000, 10_000, 1, 3, report);
      flow(100_000, 10_000, 1.1, 3, report);
      together(32, 16, 5, report);
      together(256, 256, 3, report);
    } else {
      flow(1_000, 100, 1, 1, report);
      together(8, 4, 1, report);
    }
    const instances: readonly (readonly ["like" | "unlike", number, number, number])[] = full
      ? [
          ["like", 40, 10, 20],
          ["like", 200, 20, 20],
          ["like", 200, 50, 0],
          ["like", 1000, 100, 0],
          ["unlike", 40, 10, 20],
          ["unlike", 200, 20, 0],
          ["unlike", 200, 50, 0],
          ["unlike", 1000, 100, 0],
        ]
      : [["like", 40, 10, 0]];
    // All searches before the solver is loaded: compiling it in the background would count as their CPU time.
    if (full) searchFor(batchInstance("like", 200, 20, 2), 0.5);
    const searched = instances.map(([kind, tasks, nodes]) =>
      searchFor(batchInstance(kind, tasks, nodes, 1), full ? 1 : 0.05),
    );
    const solver = await loadLinearSolver();
    searched.forEach((result, i) => {
      gap(result, solver, instances[i]?.[3] ?? 0, report);
    });
  },
};
