import { COMPUTE_TYPES, type NodeId, type SiteId } from "@weft/infrastructure";
import { type Micros, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { Pool } from "@weft/pool";
import { type Offer, Offers } from "../batch/offers.ts";
import type { TaskNeeds } from "../task.ts";
import { cutPipeline, type Pipeline, type PipelineRefusal } from "./pipeline.ts";
import { pathsBetween } from "./pool-application.ts";

/** A layered model to be cut over the nodes of a pool. */
export interface PipelineNeeds {
  /** Where the input is and the result is wanted. */
  readonly at: SiteId;
  /** What one node that ran all of it would need: `work` and `space` are those of all layers. */
  readonly whole: TaskNeeds;
  readonly layers: readonly PipelineLayer[];
  /** Most stages. */
  readonly stages: number;
  /**
   * `throughput`: the longest turn of a stage (fetch, compute, the last one's bringing home) is least; `latency`: one item's
   * way through is shortest.
   */
  readonly objective: "throughput" | "latency";
}

export interface PipelineLayer {
  /** Operations. */
  readonly work: number;
  /** Bytes held where it runs. */
  readonly memory: number;
  /** Bytes handed on to the next layer, or the result. */
  readonly output: number;
}

export interface PipelineCut {
  readonly stages: readonly {
    readonly node: NodeId;
    /** Layers `from` up to, not including, `to`. */
    readonly from: number;
    readonly to: number;
    readonly compute: Micros;
    /** To receive what the stage before hands on, or the input. */
    readonly transfer: Micros;
  }[];
  /** The longest turn of a stage: when the pipeline is full, one item leaves every so many micros. */
  readonly bottleneck: Micros;
  readonly latency: Micros;
  /** All nodes that could serve were weighed, so that no cut is better. */
  readonly proven: boolean;
}

/** Kinds of node weighed at most: each more doubles the search, or worse. */
const KINDS = 12;
/** Nodes listed before they are sorted into kinds. */
const NODES_LISTED = 512;

/**
 * Cuts a model into contiguous stages over the nodes and paths of a pool as it is, each on a node of its own (`cutPipeline`:
 * optimal over the kinds of node weighed; nodes of one site, rate and memory are one kind). Reserves nothing.
 */
export function cutOverPool(
  pool: Pool,
  needs: PipelineNeeds,
): Result<PipelineCut, PipelineRefusal | Refusal<"no_capacity">> {
  const view = pool.snapshot();
  const { layers, whole } = needs;
  const memory = Math.min(...layers.map((layer) => layer.memory));
  // Whoever has room for the smallest layer may hold a stage; how fast it is does not depend on the layer.
  const least: TaskNeeds = {
    ...whole,
    algorithm: { ...whole.algorithm, space: memory as TaskNeeds["algorithm"]["space"] },
    basic: { ...whole.basic, deadline: null },
    objective: { kind: "time" },
    payAtMost: null,
  };
  const offers = new Offers(view).of(least, NODES_LISTED);
  if (offers.length === 0) {
    return refuse("no_capacity", "no node has room for even the smallest layer now");
  }
  const kinds = kindsOf(view, offers, needs);
  for (let weighed = Math.min(kinds.length, KINDS); ; weighed--) {
    const chosen = kinds.slice(0, weighed);
    const cut = fewestStages(
      problemOf(view, needs, chosen),
      needs.objective === "throughput" ? "bottleneck" : "latency",
    );
    if (!cut.ok && cut.refusal.code === "too_many_node_sets" && weighed > 1) continue;
    if (!cut.ok) return cut;
    const taken = chosen.map(() => 0);
    return ok({
      stages: cut.value.stages.map((stage) => ({
        node: view.nodes.slots.idOf(chosen[stage.class]!.nodes[taken[stage.class]!++]!),
        from: stage.from,
        to: stage.to,
        compute: micros(stage.seconds),
        transfer: micros(stage.transfer),
      })),
      bottleneck: micros(cut.value.bottleneck),
      latency: micros(cut.value.latency),
      proven: weighed === kinds.length && offers.length < NODES_LISTED,
    });
  }
}

/** The best cut, and of cuts as good the one of fewest stages: every hand-over is a contract and a transfer more. */
function fewestStages(
  problem: Pipeline,
  objective: "bottleneck" | "latency",
): ReturnType<typeof cutPipeline> {
  const best = cutPipeline(problem, objective);
  if (!best.ok) return best;
  for (let stages = 1; stages < best.value.stages.length; stages++) {
    const fewer = cutPipeline({ ...problem, stages }, objective);
    if (fewer.ok && fewer.value[objective] <= best.value[objective] * (1 + 1e-9)) return fewer;
  }
  return best;
}

const micros = (seconds: number): Micros => Math.ceil(seconds * 1e6 - 1e-3) as Micros;

/** Nodes alike: of one site, one rate and one memory. */
interface Kind {
  readonly nodes: number[];
  readonly site: number;
  /** Parts of the whole work done in a micro. */
  readonly rate: number;
  /** Micros a stage waits there before it begins. */
  readonly queue: number;
  readonly room: number;
}

/** The kinds of the nodes offered, the fastest first; of each no more nodes than there are stages. */
function kindsOf(
  { nodes }: Pool,
  offers: readonly Offer[],
  { stages, whole }: PipelineNeeds,
): readonly Kind[] {
  const type = COMPUTE_TYPES.indexOf(whole.compute.type);
  const kinds = new Map<string, Kind>();
  for (const { node, levels } of offers) {
    const { rate, compute } = levels[0]!;
    const [site, room] = [nodes.site[node]!, nodes.freeMemory[node]!];
    const queue = nodes.queue[type as 0 | 1 | 2][node]!;
    const key = `${site} ${rate} ${compute} ${room} ${queue}`;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { nodes: [node], site, rate: 1 / compute, room, queue });
    else if (known.nodes.length < stages) known.nodes.push(node);
  }
  return [...kinds.values()].sort((a, b) => b.rate - a.rate);
}

function problemOf(
  pool: Pool,
  { at, whole, layers, stages }: PipelineNeeds,
  kinds: readonly Kind[],
): Pipeline {
  const classes = kinds.length;
  const home = pool.links.sites.find(at);
  // One path a pair of sites: the one that serves the most that may be handed on.
  const handed = Math.max(whole.basic.inputBytes, ...layers.map(({ output }) => output));
  const { delay, secondsPerByte } = pathsBetween(
    pool,
    {
      at,
      steps: [{ needs: whole, from: [{ step: 0, bytes: handed }] }],
      objective: "time",
      deadline: null,
      gang: false,
    },
    [...kinds.map(({ site }) => site), home],
  );
  const size = classes + 1;
  const part = (table: Float64Array, pick: (c: number) => number): Float64Array =>
    Float64Array.from(kinds, (_, c) => table[pick(c)]!);
  const square = (table: Float64Array): Float64Array =>
    Float64Array.from({ length: classes * classes }, (_, i) => {
      return table[Math.floor(i / classes) * size + (i % classes)]!;
    });
  const between = (pick: (c: number) => number) => ({
    delay: part(delay, pick),
    secondsPerByte: part(secondsPerByte, pick),
  });
  for (let from = 0; from < size; from++) {
    for (let c = 0; c < classes; c++) delay[from * size + c]! += kinds[c]!.queue / 1e6;
  }
  const work = layers.reduce((sum, layer) => sum + layer.work, 0);
  return {
    layers: layers.length,
    classes,
    count: Int32Array.from(kinds, ({ nodes }) => nodes.length),
    time: Float64Array.from({ length: layers.length * classes }, (_, i) => {
      const layer = layers[Math.floor(i / classes)]!;
      return work === 0 ? 0 : layer.work / work / kinds[i % classes]!.rate / 1e6;
    }),
    memory: Float64Array.from(layers, (layer) => layer.memory),
    room: Float64Array.from(kinds, ({ room }) => room),
    output: Float64Array.from(layers, (layer) => layer.output),
    input: whole.basic.inputBytes,
    delay: square(delay),
    secondsPerByte: square(secondsPerByte),
    entry: between((c) => classes * size + c),
    exit: between((c) => c * size + classes),
    stages: Math.min(stages, layers.length),
  };
}
