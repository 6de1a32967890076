import type { Measured } from "@weft/infrastructure";
import type { OperationsPerSecond } from "@weft/kernel";
import { Crew } from "./crew.ts";
import { type Engine, loadEngine } from "./engine.ts";
import type { Figures, MeasureOrder, NetworkFigures, RatePair } from "./figures.ts";
import { measureMemory } from "./memory.ts";
import { matrixProduct, referenceNetworks } from "./networks.ts";
import { type RateSamples, rateFrom, type Subject, sampleRates, spreadOf, wallClock } from "./rates.ts";
import { measureStorage } from "./storage.ts";

/*
 * The process that measures: one of its own, so that its engines, their memory and their threads are gone when it is done, and
 * its CPU time is that of the measuring alone.
 */

/** Near the full rate, yet a run is over in milliseconds. */
const MATRIX_SIZE = 768;
const NO_ENGINE = "onnxruntime-node is not installed, or has no binaries for this platform";

interface Pair {
  readonly lane: Subject;
  readonly total: Subject;
}

async function measure({ cores, threads, dir, budget }: MeasureOrder): Promise<Figures> {
  const engine = await loadEngine();
  const integers = await Crew.start("integer", threads);
  const gemm = engine === null ? await Crew.start("gemm", threads) : null;
  const crewPair = (crew: Crew, name: string): Pair => ({
    lane: crew.subject(`${name}/lane`, 1),
    total: crew.subject(`${name}/total`, threads),
  });
  const logical = crewPair(integers, "logical");
  const parallel =
    gemm === null
      ? await modelPair(engine as Engine, matrixProduct(MATRIX_SIZE), threads)
      : crewPair(gemm, "parallel");
  const networks: { name: string; work: number; pair: Pair }[] = [];
  for (const network of engine === null ? [] : referenceNetworks()) {
    networks.push({
      name: network.name,
      work: network.work,
      pair: await modelPair(engine as Engine, network, threads),
    });
  }
  const all = [logical, parallel, ...networks.map(({ pair }) => pair)];
  // One thread alone is measured once: it is the lane and the total.
  const subjects = all.flatMap(({ lane, total }) => (threads === 1 ? [lane] : [lane, total]));
  const samples = await sampleRates(subjects, budget);
  await Promise.all([integers.close(), gemm?.close(), engine?.close()]);

  const at = wallClock();
  const rates = ({ lane, total }: Pair): RatePair => {
    const of = (subject: Subject): RateSamples => samples.get(subject.name) as RateSamples;
    const whole = threads === 1 ? lane : total;
    return {
      lane: rateFrom(lane, of(lane), Math.min(1, cores), at),
      total: rateFrom(whole, of(whole), cores, at),
    };
  };
  const got = (samples.get(threads === 1 ? logical.lane.name : logical.total.name) as RateSamples).coresGot;
  const network = networks.map(
    ({ name, work, pair }): NetworkFigures => ({
      name,
      work: work as NetworkFigures["work"],
      ...rates(pair),
    }),
  );
  return {
    engine: engine?.version ?? null,
    logical: rates(logical),
    parallel: rates(parallel),
    neural: {
      lane: geometricMean(network.map(({ lane }) => lane)),
      total: geometricMean(network.map(({ total }) => total)),
    },
    networks: network,
    coresGot: { best: Math.max(...got), spread: spreadOf(got) },
    memoryBandwidth: measureMemory(),
    storage: measureStorage(dir, 10 * budget.sliceMs),
  };
}

async function modelPair(
  engine: Engine,
  model: ReturnType<typeof matrixProduct>,
  threads: number,
): Promise<Pair> {
  const lane = await engine.subject(`${model.name}/lane`, model, 1);
  const total = threads === 1 ? lane : await engine.subject(`${model.name}/total`, model, threads);
  return { lane, total };
}

/** One figure for several networks: the geometric mean, since no network may weigh more for being easy. */
function geometricMean(figures: readonly Measured<OperationsPerSecond>[]): Measured<OperationsPerSecond> {
  const first = figures[0];
  if (first === undefined) {
    return {
      value: 0 as OperationsPerSecond,
      method: NO_ENGINE,
      spread: 0 as Measured<number>["spread"],
      took: 0 as Measured<number>["took"],
      at: wallClock(),
    };
  }
  const logs = figures.reduce((sum, { value }) => sum + Math.log(value), 0);
  return {
    value: Math.exp(logs / figures.length) as OperationsPerSecond,
    method: `geometric mean of ${figures.length} networks: ${figures.map(({ method }) => method).join(" | ")}`,
    spread: Math.max(...figures.map(({ spread }) => spread)) as Measured<number>["spread"],
    took: figures.reduce((sum, { took }) => sum + took, 0) as Measured<number>["took"],
    at: first.at,
  };
}

process.once("message", (order: MeasureOrder) => {
  measure(order).then(
    (figures) => process.send?.({ figures }, () => process.disconnect()),
    (error: Error) => process.send?.({ error: error.stack ?? error.message }, () => process.exit(1)),
  );
});
process.once("disconnect", () => process.exit(0));
