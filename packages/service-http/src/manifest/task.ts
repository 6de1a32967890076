import type { DomainId, NodeId, SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Bytes, BytesPerSecond, OperationsPerSecond } from "@weft/kernel";
import type { Program } from "@weft/orchestration";
import type { Objective, TaskNeeds } from "@weft/scheduling";
import { type ContentReference, type ManifestRun, programOf } from "@weft/service";
import { contentsUnder } from "./content-places.ts";
import type { ContentName } from "./fields.ts";
import type { ManifestProblem } from "./problems.ts";
import { pathText } from "./problems.ts";
import type { TaskManifest } from "./schema.ts";

/** What a field stands for when it is left out. Shown in the schema's descriptions too. */
export const DEFAULT_RESULT = 1_000_000 as Bytes;
const DEFAULT_SPACE = (256 * 1024 * 1024) as Bytes;

/** A manifest as the floors below know it. */
export interface ManifestTask {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly needs: TaskNeeds;
  readonly program: Program;
  readonly input: ContentReference | null;
}

/**
 * What a manifest asks for, in base units, `site` standing in where it names none. Refused when a content is still
 * a local file: only what is named by digest means the same on every machine.
 */
export function taskOf(
  manifest: TaskManifest,
  site: SiteId,
):
  | { readonly ok: true; readonly value: ManifestTask }
  | { readonly ok: false; readonly problems: readonly Omit<ManifestProblem, "file" | "line">[] } {
  const problems = contentsUnder(["spec"], manifest.spec)
    .filter((place) => place.name.kind === "file")
    .map((place) => ({
      code: "E_MANIFEST_FILE" as const,
      message: "a file where only a digest will do",
      path: pathText(place.path),
      found: JSON.stringify(place.name.kind === "file" ? place.name.path : place.name.digest),
      expected: "sha256: and 64 hex digits",
      hint: "weft run uploads files and names them by digest",
    }));
  if (problems.length > 0) return { ok: false, problems };
  const { data } = manifest.spec;
  if (data?.content !== undefined && data.input === undefined) {
    const missing = {
      code: "E_MANIFEST_MISSING" as const,
      message: "the size of the content",
      path: "spec.data.input",
      found: "nothing",
      expected: "the content's size such as 50MB",
    };
    return { ok: false, problems: [missing] };
  }
  const program = programOf(runOf(manifest));
  return {
    ok: true,
    value: {
      name: manifest.metadata.name,
      labels: manifest.metadata.labels ?? {},
      needs: needsOf(manifest, program, site),
      program,
      input:
        data?.content === undefined ? null : { digest: digestOf(data.content), size: data.input as Bytes },
    },
  };
}

/** What is run, contents by their digests. */
function runOf({ spec: { run } }: TaskManifest): ManifestRun {
  if (run.wasm !== undefined) return { wasm: { ...run.wasm, module: digestOf(run.wasm.module) } };
  if (run.model !== undefined) return { model: { ...run.model, onnx: run.model.onnx.map(digestOf) } };
  return { process: run.process! };
}

const digestOf = (name: ContentName): string => (name.kind === "digest" ? name.digest : "");

/** Run times are learnt by function and node, so that two programs must not share one by chance. */
function functionOf(program: Program): string {
  switch (program.kind) {
    case "wasm":
      return `wasm/${program.module.slice(0, 12)}`;
    case "model":
      return `${program.pipeline}/${program.networks[0]!.slice(0, 12)}`;
    case "process":
      return `process/${program.command.split("/").at(-1)}`;
  }
}

function needsOf({ spec }: TaskManifest, program: Program, site: SiteId): TaskNeeds {
  const { data = {}, storage = {}, algorithm = {}, network = {}, where = {}, compute } = spec;
  const none = 0;
  return {
    basic: {
      inputBytes: data.input ?? (none as Bytes),
      resultBytes: data.result ?? DEFAULT_RESULT,
      dataType: data.type ?? null,
      dataAt: (data.at as SiteId | undefined) ?? site,
      mayLeaveTo: (data.mayLeave as SiteId[] | undefined) ?? null,
      deadline: spec.deadline ?? null,
      sticky: spec.sticky === undefined ? null : { key: spec.sticky.key, keepFor: spec.sticky.for },
    },
    compute: {
      type: compute.type,
      work: compute.work,
      atLeast: compute.atLeast ?? (none as OperationsPerSecond),
      lanes: lanesOf(compute.lanes, program),
      accelerator:
        compute.accelerator === undefined
          ? null
          : {
              kind: compute.accelerator.kind,
              memoryBytes: compute.accelerator.memory ?? (none as Bytes),
              ...(compute.accelerator.count === undefined ? {} : { count: compute.accelerator.count }),
            },
    },
    storage: {
      capacity: storage.capacity ?? (none as Bytes),
      throughput: storage.throughput ?? (none as BytesPerSecond),
      storageClass: storage.class ?? null,
    },
    algorithm: {
      function: algorithm.function ?? functionOf(program),
      timeComplexity: algorithm.time ?? null,
      space: algorithm.space ?? DEFAULT_SPACE,
    },
    network: {
      delay: network.delay ?? null,
      bandwidth: network.bandwidth ?? (none as BitsPerSecond),
      jitter: network.jitter ?? null,
      loss: network.loss ?? null,
      bitErrorRate: network.bitErrorRate ?? null,
      security: network.security ?? "open",
    },
    where: {
      runs: program.kind,
      tier: where.tier ?? null,
      domain: (where.domain as DomainId | undefined) ?? null,
      labels: where.labels ?? {},
      avoid: (where.avoid as NodeId[] | undefined) ?? [],
    },
    objective: objectiveOf(spec.objective),
    payAtMost: spec.pay?.atMost ?? null,
    ...(spec.priority === undefined ? {} : { priority: spec.priority }),
    ...(spec.startAt === undefined ? {} : { startAt: spec.startAt }),
  };
}

function lanesOf(lanes: number | "all" | undefined, program: Program): number {
  if (lanes === "all") return Number.POSITIVE_INFINITY;
  return lanes ?? (program.kind === "wasm" ? 1 : Number.POSITIVE_INFINITY);
}

function objectiveOf(objective: TaskManifest["spec"]["objective"]): Objective {
  if (objective === undefined) return { kind: "cost" };
  if (typeof objective === "string") return { kind: objective };
  const { perSecond = 0n, perJoule = 0n, perGram = 0n } = objective;
  return {
    kind: "weighted",
    perSecond: Number(perSecond),
    perJoule: Number(perJoule),
    perGram: Number(perGram),
  };
}
