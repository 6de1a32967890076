import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { cutPipeline, type Pipeline } from "./pipeline.ts";

function randomPipeline(rng: Rng): Pipeline {
  const layers = 1 + rng.below(5);
  const classes = 1 + rng.below(3);
  const table = (size: number, of: () => number) => Float64Array.from({ length: size }, of);
  const links = () => ({
    delay: table(classes, () => rng.below(3)),
    secondsPerByte: table(classes, () => rng.below(3)),
  });
  return {
    layers,
    classes,
    count: Int32Array.from({ length: classes }, () => rng.below(3)),
    time: table(layers * classes, () => (rng.chance(0.1) ? Number.POSITIVE_INFINITY : 1 + rng.below(9))),
    memory: table(layers, () => rng.below(5)),
    room: table(classes, () => 3 + rng.below(12)),
    output: table(layers, () => rng.below(5)),
    input: rng.below(5),
    delay: table(classes * classes, () => (rng.chance(0.1) ? Number.POSITIVE_INFINITY : rng.below(3))),
    secondsPerByte: table(classes * classes, () => rng.below(3)),
    entry: rng.chance(0.5) ? links() : null,
    exit: rng.chance(0.5) ? links() : null,
    stages: 1 + rng.below(4),
  };
}

/** Every cut, every class for every stage. */
function byTrying(p: Pipeline, slowest: boolean): number {
  const left = p.count.slice();
  const join = (a: number, b: number) => (slowest ? Math.max(a, b) : a + b);
  const over = (delay: number, perByte: number, bytes: number) => delay + (bytes === 0 ? 0 : bytes * perByte);
  const from = (l: number, last: number, stages: number, worth: number, turn: number): number => {
    if (l === p.layers) {
      const out =
        p.exit === null ? 0 : over(p.exit.delay[last]!, p.exit.secondsPerByte[last]!, p.output[l - 1]!);
      return join(worth, turn + out);
    }
    let best = Number.POSITIVE_INFINITY;
    if (stages === p.stages) return best;
    for (let c = 0; c < p.classes; c++) {
      if (left[c]! === 0) continue;
      const pair = last * p.classes + c;
      let reach = 0;
      if (last >= 0) reach = over(p.delay[pair]!, p.secondsPerByte[pair]!, p.output[l - 1]!);
      else if (p.entry !== null) reach = over(p.entry.delay[c]!, p.entry.secondsPerByte[c]!, p.input);
      left[c]!--;
      let seconds = 0;
      let held = 0;
      for (let end = l; end < p.layers; end++) {
        seconds += p.time[end * p.classes + c]!;
        held += p.memory[end]!;
        if (held > p.room[c]!) break;
        best = Math.min(best, from(end + 1, c, stages + 1, join(worth, turn), reach + seconds));
      }
      left[c]!++;
    }
    return best;
  };
  return from(0, -1, 0, 0, 0);
}

it("cuts as well as the best of all cuts, by longest turn and by latency", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const pipeline = randomPipeline(new Rng(seed));
      for (const objective of ["bottleneck", "latency"] as const) {
        const best = byTrying(pipeline, objective === "bottleneck");
        const cut = cutPipeline(pipeline, objective);
        expect(cut.ok).toBe(best < Number.POSITIVE_INFINITY);
        if (!cut.ok) {
          expect(cut.refusal.code).toBe("no_cut");
          continue;
        }
        expect(cut.value[objective]).toBeCloseTo(best, 9);
        const { stages } = cut.value;
        expect(stages[0]!.from).toBe(0);
        expect(stages[stages.length - 1]!.to).toBe(pipeline.layers);
        expect(stages.length).toBeLessThanOrEqual(pipeline.stages);
        const used = new Int32Array(pipeline.classes);
        stages.forEach((stage, i) => {
          if (i > 0) expect(stage.from).toBe(stages[i - 1]!.to);
          used[stage.class]!++;
          const held = pipeline.memory.subarray(stage.from, stage.to).reduce((a, b) => a + b, 0);
          expect(held).toBeLessThanOrEqual(pipeline.room[stage.class]!);
        });
        for (let c = 0; c < pipeline.classes; c++) expect(used[c]).toBeLessThanOrEqual(pipeline.count[c]!);
      }
    }),
    { numRuns: 500 },
  );
});

it("cuts fifty layers over ten different nodes", () => {
  const rng = new Rng(7);
  const classes = 10;
  const layers = 50;
  const cut = cutPipeline(
    {
      layers,
      classes,
      count: new Int32Array(classes).fill(1),
      time: Float64Array.from({ length: layers * classes }, () => 1 + rng.float()),
      memory: new Float64Array(layers).fill(1),
      room: new Float64Array(classes).fill(12),
      output: Float64Array.from({ length: layers }, () => rng.float()),
      input: 1,
      delay: new Float64Array(classes * classes).fill(0.01),
      secondsPerByte: new Float64Array(classes * classes).fill(0.1),
      entry: null,
      exit: null,
      stages: 6,
    },
    "bottleneck",
  );
  expect(cut.ok && cut.value.stages.length).toBe(6);
});

it("refuses more kinds of nodes than it can search", () => {
  const classes = 30;
  const pipeline = { ...randomPipeline(new Rng(1)), layers: 40, classes, stages: 40 };
  const cut = cutPipeline(
    { ...pipeline, count: new Int32Array(classes).fill(1), time: new Float64Array(40 * classes).fill(1) },
    "latency",
  );
  expect(cut.ok ? "" : cut.refusal.code).toBe("too_many_node_sets");
});
