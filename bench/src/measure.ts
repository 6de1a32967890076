import { availableParallelism } from "node:os";
import { type HostMeasurement, type MeasureOptions, measureHost } from "@weft/infrastructure-host";
import type { Bench, Figure } from "./bench.ts";
import { findOpenBlas, type OpenBlas } from "./openblas.ts";

const ROUGH: MeasureOptions["budget"] = { sliceMs: 5, rounds: 2, limitMs: 1 };
const MATRIX_SIZE = 768;
const TYPES = ["logical", "parallel", "neural"] as const;

/**
 * What `weft measure` finds, twice over: against native OpenBLAS where there is one, against the ten per cent
 * that two runs may differ by, and against the ten seconds one may take.
 */
export const measure: Bench = {
  name: "measure",
  async run(size, report) {
    const options: MeasureOptions = { fresh: true, ...(size === "smoke" ? { budget: ROUGH } : {}) };
    const openBlas = await findOpenBlas();
    const seconds = size === "smoke" ? 0.15 : 1.5;
    // In turns, so that what else the machine does falls on both alike.
    const first = await measureHost(options);
    const theirs = [await rateOf(openBlas, seconds)];
    const second = size === "smoke" ? first : await measureHost(options);
    if (size === "full") theirs.push(await rateOf(openBlas, seconds));
    openBlas?.close();

    const better = (pick: (run: HostMeasurement) => number): number => Math.max(pick(first), pick(second));
    const parallel = better((run) => run.parallel.total.value);
    report({
      name: "measure/logical",
      value: better((run) => run.logical.total.value),
      unit: "OPS",
      against: "nothing: no native peer counts these operations",
      ratio: null,
      note: first.logical.total.method,
    });
    report(parallelFigure(parallel, openBlas, Math.max(...theirs), first.parallel.total.method));
    report({
      name: "measure/neural",
      value: better((run) => run.neural.total.value),
      unit: "FLOPS",
      against: "measure/parallel: what real networks keep of the matrix product's rate",
      ratio: better((run) => run.neural.total.value) / parallel,
      note: first.networks.map(({ name, total }) => `${name} ${gigas(total.value)}`).join(", "),
    });
    for (const type of TYPES) {
      report({
        name: `measure/${type}-lane`,
        value: better((run) => run[type].lane.value),
        unit: type === "logical" ? "OPS" : "FLOPS",
        against: "all threads",
        ratio: better((run) => run[type].lane.value) / better((run) => run[type].total.value),
      });
    }
    if (size === "full") report(repeatFigure(first, second));
    const took = Math.max(first.took, second.took) / 1e6;
    report({ name: "measure/took", value: took, unit: "s", against: "the bound of 10 s", ratio: took / 10 });
  },
};

async function rateOf(openBlas: OpenBlas | null, seconds: number): Promise<number> {
  if (openBlas === null) return Number.NaN;
  return (await openBlas.rate(MATRIX_SIZE, availableParallelism(), seconds)).flops;
}

function parallelFigure(value: number, openBlas: OpenBlas | null, theirs: number, method: string): Figure {
  return {
    name: "measure/parallel",
    value,
    unit: "FLOPS",
    against: openBlas === null ? "native OpenBLAS: none was found on this machine" : openBlas.how,
    ratio: openBlas === null ? null : value / theirs,
    note: openBlas === null ? method : `${method}; OpenBLAS ${gigas(theirs)}`,
  };
}

function repeatFigure(first: HostMeasurement, second: HostMeasurement): Figure {
  const differences = TYPES.flatMap((type) =>
    (["lane", "total"] as const).map((which) => {
      const [a, b] = [first[type][which].value, second[type][which].value];
      return { what: `${type} ${which}`, by: Math.abs(a - b) / Math.min(a, b) };
    }),
  ).sort((a, b) => b.by - a.by);
  const worst = differences[0] as { what: string; by: number };
  return {
    name: "measure/repeat",
    value: worst.by,
    unit: "difference",
    against: "the 0.1 that two runs may differ by",
    ratio: worst.by / 0.1,
    note: `largest: ${worst.what}`,
  };
}

const gigas = (rate: number): string => `${(rate / 1e9).toFixed(1)}G`;
