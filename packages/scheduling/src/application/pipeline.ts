import { assert, ok, type Refusal, type Result, refuse } from "@weft/kernel";

/**
 * A layered model to be cut into contiguous stages, each on a node of its own. Nodes come in classes (equal speed,
 * memory and links); a class of one is a node like no other, so few nodes of any kind and many nodes of few kinds
 * are the same problem.
 */
export interface Pipeline {
  readonly layers: number;
  readonly classes: number;
  /** Nodes by class. */
  readonly count: Int32Array;
  /** `time[layer * classes + c]`: seconds the layer takes on a node of class c; Infinity: not there. */
  readonly time: Float64Array;
  /** By layer, bytes held where it runs: weights, and whatever training keeps. */
  readonly memory: Float64Array;
  /** By class, bytes a node has. */
  readonly room: Float64Array;
  /** By layer, bytes handed on to the next; the last entry is the result. */
  readonly output: Float64Array;
  /** Bytes of the first layer's input. */
  readonly input: number;
  /** `delay[from * classes + to]` seconds between two nodes of these classes; Infinity: no path. */
  readonly delay: Float64Array;
  readonly secondsPerByte: Float64Array;
  /** By class: getting the input there from where it is, and the result to where it is wanted. */
  readonly entry: { readonly delay: Float64Array; readonly secondsPerByte: Float64Array } | null;
  readonly exit: { readonly delay: Float64Array; readonly secondsPerByte: Float64Array } | null;
  /** Most stages; at most one a node in any case. */
  readonly stages: number;
}

export interface Stage {
  readonly class: number;
  /** Layers `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  /** Seconds to receive what the stage before hands on (or the input). */
  readonly transfer: number;
}

export interface PipelinePlan {
  readonly stages: readonly Stage[];
  /** The longest turn of a stage: one item leaves every so many seconds when the pipeline is full. */
  readonly bottleneck: number;
  /** From the input's leaving to the result's arrival, for one item. */
  readonly latency: number;
}

export type PipelineRefusal = Refusal<"no_cut" | "too_many_node_sets">;

/** States (sets of nodes used x last class x layers done) beyond which the exact search is refused. */
export const MOST_PIPELINE_STATES = 20_000_000;

/**
 * Cuts the model so that the longest turn is least (a stage fetches an item and computes on it, the last one brings the
 * result home too, and only then takes the next), or so that one item's way through is shortest; optimal by dynamic
 * programming over (how many nodes of each class are used, last class, layers done).
 * Among cuts of equal worth the first in order of fewer layers done, then of lower class, is taken.
 *
 * Refuses `no_cut` where no contiguous cut fits memory and paths, and `too_many_node_sets` above
 * `MOST_PIPELINE_STATES`: put like nodes into one class.
 */
export function cutPipeline(
  pipeline: Pipeline,
  objective: "bottleneck" | "latency",
): Result<PipelinePlan, PipelineRefusal> {
  assert(pipeline.time.length === pipeline.layers * pipeline.classes, "one time a layer and class");
  assert(pipeline.layers > 0 && pipeline.stages > 0, "at least one layer and one stage");
  const cutter = new PipelineCutter(pipeline, objective === "bottleneck");
  if (cutter.states > MOST_PIPELINE_STATES) {
    return refuse(
      "too_many_node_sets",
      `${cutter.states} states, at most ${MOST_PIPELINE_STATES} are searched`,
      {
        hint: "put nodes of equal speed, memory and links into one class",
      },
    );
  }
  const stages = cutter.cut();
  if (stages === null) return refuse("no_cut", "no contiguous cut fits the nodes' memory and paths");
  return ok(planOf(pipeline, stages));
}

function planOf(pipeline: Pipeline, stages: readonly Stage[]): PipelinePlan {
  const last = stages[stages.length - 1]!;
  const out = linkTime(pipeline.exit, last.class, pipeline.output[pipeline.layers - 1]!);
  let bottleneck = 0;
  let latency = 0;
  for (const stage of stages) {
    const turn = stage.transfer + stage.seconds + (stage === last ? out : 0);
    bottleneck = Math.max(bottleneck, turn);
    latency += turn;
  }
  return { stages, bottleneck, latency };
}

function linkTime(links: Pipeline["entry"], c: number, bytes: number): number {
  return links === null ? 0 : timeOver(links.delay[c]!, links.secondsPerByte[c]!, bytes);
}

function timeOver(delay: number, secondsPerByte: number, bytes: number): number {
  return delay === Number.POSITIVE_INFINITY || bytes === 0 ? delay : delay + bytes * secondsPerByte;
}

/**
 * State (u, c, l): the first l layers are done, u nodes of each class are used (mixed radix), the last stage ran on
 * class c. Worth is combined by max or by sum; both are monotone, so the best way to a state is all that counts.
 */
class PipelineCutter {
  readonly states: number;
  readonly #p: Pipeline;
  readonly #slowest: boolean;
  readonly #radix: Int32Array;
  readonly #sets: number;

  constructor(pipeline: Pipeline, slowest: boolean) {
    this.#p = pipeline;
    this.#slowest = slowest;
    const most = Math.min(pipeline.stages, pipeline.layers);
    this.#radix = new Int32Array(pipeline.classes + 1);
    this.#radix[0] = 1;
    let sets = 1;
    for (let c = 0; c < pipeline.classes; c++) {
      sets *= Math.min(pipeline.count[c]!, most) + 1;
      this.#radix[c + 1] = Math.min(sets, 0x7fffffff);
    }
    this.#sets = sets;
    this.states = sets * pipeline.classes * (pipeline.layers + 1);
  }

  cut(): Stage[] | null {
    const { layers, classes } = this.#p;
    const worth = new Float64Array(this.states).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(this.states).fill(-1);
    this.#first(worth, before);
    for (let set = 1; set < this.#sets; set++) {
      if (this.#used(set) >= this.#p.stages) continue;
      for (let c = 0; c < classes; c++) {
        for (let l = 1; l < layers; l++) {
          const state = (set * classes + c) * (layers + 1) + l;
          if (worth[state]! < Number.POSITIVE_INFINITY) this.#extend(worth, before, set, c, l, state);
        }
      }
    }
    return this.#readBack(worth, before);
  }

  #used(set: number): number {
    let used = 0;
    for (let c = 0; c < this.#p.classes; c++) used += this.#usedOf(set, c);
    return used;
  }

  #usedOf(set: number, c: number): number {
    return Math.floor((set % this.#radix[c + 1]!) / this.#radix[c]!);
  }

  #mayUse(set: number, c: number): boolean {
    const radix = this.#radix[c + 1]! / this.#radix[c]!;
    return this.#usedOf(set, c) + 1 < radix;
  }

  #first(worth: Float64Array, before: Int32Array): void {
    const { classes, layers } = this.#p;
    for (let c = 0; c < classes; c++) {
      if (!this.#mayUse(0, c)) continue;
      const reach = linkTime(this.#p.entry, c, this.#p.input);
      if (reach === Number.POSITIVE_INFINITY) continue;
      this.#stage(worth, before, (this.#radix[c]! * classes + c) * (layers + 1), c, 0, reach, 0, -2);
    }
  }

  #extend(worth: Float64Array, before: Int32Array, set: number, c: number, l: number, state: number): void {
    const { classes, layers, output } = this.#p;
    for (let d = 0; d < classes; d++) {
      if (!this.#mayUse(set, d)) continue;
      const pair = c * classes + d;
      const reach = timeOver(this.#p.delay[pair]!, this.#p.secondsPerByte[pair]!, output[l - 1]!);
      if (reach === Number.POSITIVE_INFINITY) continue;
      const next = ((set + this.#radix[d]!) * classes + d) * (layers + 1);
      this.#stage(worth, before, next, d, l, reach, worth[state]!, state);
    }
  }

  /** Every length of a stage on class c that starts at layer l and fits its memory. */
  #stage(
    worth: Float64Array,
    before: Int32Array,
    row: number,
    c: number,
    l: number,
    reach: number,
    soFar: number,
    from: number,
  ): void {
    const { layers, classes, time, memory, room } = this.#p;
    let seconds = 0;
    let held = 0;
    for (let end = l; end < layers; end++) {
      seconds += time[end * classes + c]!;
      held += memory[end]!;
      if (held > room[c]! || seconds === Number.POSITIVE_INFINITY) return;
      const out = end === layers - 1 ? linkTime(this.#p.exit, c, this.#p.output[end]!) : 0;
      const turn = reach + seconds + out;
      const value = this.#slowest ? Math.max(soFar, turn) : soFar + turn;
      const state = row + end + 1;
      if (value >= worth[state]!) continue;
      worth[state] = value;
      before[state] = from;
    }
  }

  #readBack(worth: Float64Array, before: Int32Array): Stage[] | null {
    const { layers, classes, time } = this.#p;
    let state = -1;
    let best = Number.POSITIVE_INFINITY;
    for (let at = layers; at < this.states; at += layers + 1) {
      if (worth[at]! >= best) continue;
      best = worth[at]!;
      state = at;
    }
    if (state < 0) return null;
    const stages: Stage[] = [];
    while (state >= 0) {
      const previous = before[state]!;
      const to = state % (layers + 1);
      const from = previous < 0 ? 0 : previous % (layers + 1);
      const c = Math.floor(state / (layers + 1)) % classes;
      let seconds = 0;
      for (let l = from; l < to; l++) seconds += time[l * classes + c]!;
      const last = previous < 0 ? -1 : Math.floor(previous / (layers + 1)) % classes;
      const pair = last * classes + c;
      const transfer =
        last < 0
          ? linkTime(this.#p.entry, c, this.#p.input)
          : timeOver(this.#p.delay[pair]!, this.#p.secondsPerByte[pair]!, this.#p.output[from - 1]!);
      stages.push({ class: c, from, to, seconds, transfer });
      state = previous;
    }
    return stages.reverse();
  }
}
