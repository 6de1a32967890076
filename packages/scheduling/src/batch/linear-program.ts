import type { BatchPlan, BatchProblem } from "./batch-problem.ts";
import { costOf, holds } from "./batch-problem.ts";
import { boundOf, type LagrangianBound } from "./lagrangian.ts";

/**
 * Minimise `cost . x` under `rowLower <= A x <= rowUpper` and `lower <= x <= upper`. The columns of A are sparse:
 * column c has `value[e]` in `row[e]` for e in `start[c] .. start[c + 1]`. `whole`: every x is a whole number.
 */
export interface LinearProgram {
  readonly cost: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly rowLower: Float64Array;
  readonly rowUpper: Float64Array;
  readonly start: Int32Array;
  readonly row: Int32Array;
  readonly value: Float64Array;
  readonly whole: boolean;
}

export interface LinearSolution {
  /** `stopped`: the time limit came first; `values` may still hold the best found. */
  readonly status: "optimal" | "infeasible" | "unbounded" | "stopped";
  /** Empty where nothing was found. */
  readonly values: Float64Array;
  /** Objective of `values`; infinite where nothing was found. */
  readonly objective: number;
  /** No solution costs less, by the solver's own arithmetic. */
  readonly bound: number;
  /** By row, the change of the objective for one more unit of its bound; empty for whole-number programs. */
  readonly rowPrice: Float64Array;
}

/** Port: whatever solves linear and whole-number programs. An edge package implements it. */
export interface LinearSolver {
  minimise(program: LinearProgram, limits?: { readonly seconds: number }): LinearSolution;
}

/**
 * A batch as a program: one column an arc and one a task left out; one row a task (takes exactly one), then one a
 * node and resource (no more than there is). `whole: false` is its linear relaxation.
 */
export function programOf(problem: BatchProblem, whole: boolean): LinearProgram {
  const { tasks, nodes, resources, node, demand, capacity } = problem;
  const arcs = node.length;
  const columns = arcs + tasks;
  const rows = tasks + nodes * resources;
  const cost = new Float64Array(columns).fill(problem.leaveOut);
  cost.set(problem.cost);
  const start = new Int32Array(columns + 1);
  const row = new Int32Array(arcs * (1 + resources) + tasks);
  const value = new Float64Array(row.length);
  let e = 0;
  const entry = (at: number, amount: number): void => {
    row[e] = at;
    value[e++] = amount;
  };
  for (let t = 0; t < tasks; t++) {
    for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) {
      entry(t, 1);
      for (let k = 0; k < resources; k++) entry(tasks + node[a]! * resources + k, demand[a * resources + k]!);
      start[a + 1] = e;
    }
  }
  for (let t = 0; t < tasks; t++) {
    entry(t, 1);
    start[arcs + t + 1] = e;
  }
  const rowLower = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
  const rowUpper = new Float64Array(rows);
  rowLower.fill(1, 0, tasks);
  rowUpper.fill(1, 0, tasks);
  rowUpper.set(capacity, tasks);
  const lower = new Float64Array(columns);
  const upper = new Float64Array(columns).fill(1);
  return { cost, lower, upper, rowLower, rowUpper, start, row, value, whole };
}

/**
 * The bound of the linear relaxation. The solver's dual prices are put through `boundOf`, so the bound holds by our
 * own arithmetic whatever the solver's tolerances; null where it found no optimum.
 */
export function boundByRelaxation(problem: BatchProblem, solver: LinearSolver): LagrangianBound | null {
  const solution = solver.minimise(programOf(problem, false));
  if (solution.status !== "optimal") return null;
  const price = solution.rowPrice.slice(problem.tasks).map((worth) => Math.max(0, -worth));
  return { bound: boundOf(problem, price), price };
}

/** The batch solved as a whole-number program. `plan` is null where the solver found none that holds. */
export function planByProgram(
  problem: BatchProblem,
  solver: LinearSolver,
  seconds: number,
): { readonly plan: BatchPlan | null; readonly bound: number; readonly proven: boolean } {
  const solution = solver.minimise(programOf(problem, true), { seconds });
  const proven = solution.status === "optimal";
  if (solution.values.length === 0) return { plan: null, bound: solution.bound, proven };
  const arc = new Int32Array(problem.tasks).fill(-1);
  for (let t = 0; t < problem.tasks; t++) {
    for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) if (solution.values[a]! > 0.5) arc[t] = a;
  }
  const plan = holds(problem, arc) ? { arc, cost: costOf(problem, arc) } : null;
  return { plan, bound: solution.bound, proven };
}
