import { assert } from "@weft/kernel";
import type { LinearProgram, LinearSolution, LinearSolver } from "@weft/scheduling";
import highsModule, { type Highs, type ModelStatusCode } from "highs";

// Its types are declared as CommonJS while Node loads its ES module, where the default export is the loader itself.
const loadHighs = highsModule as unknown as typeof highsModule.default;

/**
 * Loads HiGHS (WebAssembly) once and returns the scheduling floor's solver port over it. Loading is asynchronous;
 * solving then runs on the calling thread and blocks it, so keep long whole-number programs off an event
 * loop that has other things to do.
 */
export async function loadLinearSolver(): Promise<LinearSolver> {
  const highs = await loadHighs();
  return { minimise: (program, limits) => minimise(highs, program, limits?.seconds) };
}

function minimise(highs: Highs, program: LinearProgram, seconds: number | undefined): LinearSolution {
  const columns = program.cost.length;
  const rows = program.rowLower.length;
  assert(program.start.length === columns + 1, "columns are sparse, one start each and the end");
  return highs.withModel((model) => {
    model.options.set({ output_flag: false, mip_rel_gap: 0 });
    if (seconds !== undefined) model.options.set("time_limit", seconds);
    model.passModel({
      numCols: columns,
      numRows: rows,
      colCost: program.cost,
      colLower: program.lower,
      colUpper: program.upper,
      rowLower: program.rowLower,
      rowUpper: program.rowUpper,
      matrix: {
        format: "csc",
        numRows: rows,
        numCols: columns,
        starts: program.start,
        indices: program.row,
        values: program.value,
      },
      ...(program.whole ? { integrality: new Int32Array(columns).fill(1) } : {}),
    });
    const { modelStatus } = model.run();
    const status = statusOf(highs, modelStatus);
    const feasible =
      Number(model.info.get("primal_solution_status")) === highs.constants.solutionStatus.feasible;
    const none = new Float64Array(0);
    const solution = feasible ? model.getSolution() : null;
    const objective = feasible
      ? Number(model.info.get("objective_function_value"))
      : Number.POSITIVE_INFINITY;
    return {
      status,
      values: solution?.colValue ?? none,
      objective,
      bound: boundOf(status, objective, program.whole ? Number(model.info.get("mip_dual_bound")) : null),
      rowPrice: program.whole ? none : (solution?.rowDual ?? none),
    };
  });
}

function boundOf(status: LinearSolution["status"], objective: number, branching: number | null): number {
  if (status === "infeasible") return Number.POSITIVE_INFINITY;
  if (branching !== null) return branching;
  return status === "optimal" ? objective : Number.NEGATIVE_INFINITY;
}

function statusOf(highs: Highs, status: ModelStatusCode): LinearSolution["status"] {
  const known = highs.constants.modelStatus;
  if (status === known.optimal || status === known.empty) return "optimal";
  if (status === known.infeasible) return "infeasible";
  if (status === known.unbounded || status === known.unboundedOrInfeasible) return "unbounded";
  return "stopped";
}
