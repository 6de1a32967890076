import { canonicalText, type Digest, type Refusal, refuse } from "@weft/kernel";
import type { Program } from "@weft/orchestration";
import { z } from "zod";
import type { Launch } from "./protocol.ts";

/*
 * The work that a consumer signed for: what its manifest says is run, and on what. Of a manifest as sent nothing else is
 * read here, so that a manager that knows of more fields is understood by nodes that do not.
 */

type Texts = Readonly<Record<string, string>> | undefined;

/** The `run` of a manifest as sent, contents by their digests. */
export type ManifestRun =
  | {
      readonly wasm: {
        readonly module: Digest;
        readonly args?: readonly string[] | undefined;
        readonly env?: Texts;
      };
    }
  | {
      readonly model: {
        readonly onnx: readonly Digest[];
        readonly pipeline?: "tensor" | "ocr" | undefined;
        readonly options?: Texts;
      };
    }
  | {
      readonly process: {
        readonly command: string;
        readonly args?: readonly string[] | undefined;
        readonly env?: Texts;
      };
    };

/** The program that a manifest's `run` stands for: what is left out is empty, a model's pipeline `tensor`. */
export function programOf(run: ManifestRun): Program {
  if ("wasm" in run) {
    const { module, args = [], env = {} } = run.wasm;
    return { kind: "wasm", module, args, env };
  }
  if ("model" in run) {
    const { onnx, pipeline = "tensor", options = {} } = run.model;
    return { kind: "model", pipeline, networks: onnx, options };
  }
  const { command, args = [], env = {} } = run.process;
  return { kind: "process", command, args, env };
}

const content = z
  .string()
  .startsWith("sha256:")
  .transform((text) => text.slice("sha256:".length));
const args = z.array(z.string()).optional();
const texts = z.record(z.string(), z.string()).optional();
const run = z.union([
  z.object({ wasm: z.object({ module: content, args, env: texts }) }),
  z.object({
    model: z.object({
      onnx: z.array(content),
      pipeline: z.enum(["tensor", "ocr"]).optional(),
      options: texts,
    }),
  }),
  z.object({ process: z.object({ command: z.string(), args, env: texts }) }),
]);
const data = z.object({ content: content.optional() }).optional();
const stream = z
  .object({ content: content.optional(), inputs: z.array(z.object({ content })).optional() })
  .optional();
const step = z.object({ run, data, from: z.array(z.unknown()).optional() });

const signedManifest = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("Task"), spec: z.object({ run, data }) }),
  z.object({ kind: z.literal("Application"), spec: z.object({ steps: z.array(step) }) }),
  z.object({
    kind: z.literal("Pipeline"),
    spec: z.object({ data: stream, layers: z.array(z.object({ network: content })) }),
  }),
]);
type SignedManifest = z.output<typeof signedManifest>;

/** One piece of work under a manifest: its own input comes first, then at most so many results of other steps. */
interface Work {
  readonly program: Program;
  readonly input: Digest | null;
  readonly sources: number;
}

/**
 * Why what is to be launched is not the work of its manifest; null: it is. Results that a step takes from others are
 * nobody's signed word, so only how many there are is held against it.
 */
export function objectionToWork({
  manifest,
  program,
  input,
  parts = [],
}: Pick<Launch, "manifest" | "program" | "input" | "parts">): Refusal<"E_CONTRACT_TASK"> | null {
  const read = readSigned(manifest);
  if (read === null) return other("no manifest that is understood here", "manifest");
  const asked = canonicalText(program);
  const same = worksOf(read, program).filter((work) => canonicalText(work.program) === asked);
  if (same.length === 0) return other("another program than was signed for", "program");
  const handed = [...(input === null ? [] : [input]), ...parts.map((part) => part.content)];
  const fits = same.some(({ input: own, sources }) =>
    own === null ? handed.length <= sources : handed[0]?.digest === own && handed.length <= 1 + sources,
  );
  return fits ? null : other("other input than was signed for", "input");
}

const other = (message: string, path: string): Refusal<"E_CONTRACT_TASK"> =>
  refuse("E_CONTRACT_TASK", message, { path }).refusal;

function readSigned(manifest: string): SignedManifest | null {
  try {
    return signedManifest.safeParse(JSON.parse(manifest)).data ?? null;
  } catch {
    return null; // no JSON
  }
}

/** The work that is done under a manifest; of a pipeline the stages that have as many layers as the program. */
function worksOf(manifest: SignedManifest, program: Program): readonly Work[] {
  switch (manifest.kind) {
    case "Task":
      return [workOf(manifest.spec, 0)];
    case "Application":
      return manifest.spec.steps.map((one) => workOf(one, one.from?.length ?? 0));
    case "Pipeline":
      return stagesOf(manifest.spec, program.kind === "model" ? program.networks.length : 0);
  }
}

const workOf = ({ run, data }: Pick<z.output<typeof step>, "run" | "data">, sources: number): Work => ({
  program: programOf(run),
  input: data?.content ?? null,
  sources,
});

/** Wherever the model is cut, a stage is some layers in their order; the first takes an input, the others what the one before gave. */
function stagesOf(
  { data, layers }: Extract<SignedManifest, { kind: "Pipeline" }>["spec"],
  length: number,
): readonly Work[] {
  if (length === 0) return [];
  const networks = layers.map(({ network }) => network);
  const cut = (from: number): Program => ({
    kind: "model",
    pipeline: "tensor",
    networks: networks.slice(from, from + length),
    options: from === 0 ? {} : { feed: "order" },
  });
  const inputs = data?.inputs?.map((one) => one.content) ?? [data?.content ?? null];
  const first = cut(0);
  return [
    ...inputs.map((input): Work => ({ program: first, input, sources: 0 })),
    ...Array.from(
      { length: Math.max(0, layers.length - length) },
      (_, i): Work => ({ program: cut(i + 1), input: null, sources: 1 }),
    ),
  ];
}
