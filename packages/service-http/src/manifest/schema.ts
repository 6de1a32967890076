import { COMPUTE_TYPES, SECURITY_CLASSES, TIERS } from "@weft/infrastructure";
import { z } from "zod";
import {
  amount,
  argument,
  bitRate,
  byteRate,
  computingPower,
  content,
  environment,
  identifier,
  labels,
  line,
  moment,
  name,
  ratio,
  size,
  time,
  work,
} from "./fields.ts";

/*
 * A task as a person writes it: the five groups of what a task needs (survey, P1), what it runs, and what it may
 * cost. A field left out demands nothing; what has to have a value has its default in the description.
 */

export const API_VERSION = "weft.dev/v1";
/** More than this many characters in one file is no manifest. */
export const MANIFEST_CHARACTERS = 256 * 1024;

export const data = z.strictObject({
  input: size().optional().describe("Size of the input. Taken from `content` where that is given; else 0 B."),
  content: content()
    .optional()
    .describe("The input itself: a file, or the digest of what is already uploaded."),
  result: size().optional().describe("Greatest size of the result; more stops the run. Default 1MB."),
  type: line(127).optional().describe("Media type of the input, such as image/png."),
  at: identifier()
    .optional()
    .describe("Site where the input is and the result is wanted. Default: the network's."),
  mayLeave: z
    .array(identifier())
    .max(256, "at most 256 sites")
    .optional()
    .describe("Sites besides `at` that the data may reach, in passing too. Left out: any; empty: none."),
});

const sticky = z.strictObject({
  key: line(255).describe("Tasks of one key stay on one node unless moving gains enough."),
  for: time().describe("How long the choice is kept."),
});

const accelerator = z.strictObject({
  kind: z.enum(["gpu", "npu"]),
  memory: size().optional().describe("Memory on each. Default 0 B."),
  count: z
    .int("a whole number")
    .min(1, "1 or more")
    .max(64, "at most 64")
    .optional()
    .describe("How many at once. Default 1."),
});

export const compute = z.strictObject({
  type: z.enum(COMPUTE_TYPES).describe("Logical (CPU), parallel (uniform data) or neural (networks)."),
  work: work().describe(
    "Operations the task takes: whole-number ones (OP) if logical, else floating-point (FLOP).",
  ),
  atLeast: computingPower().optional().describe("Least rate it really gets. Default: any."),
  lanes: z
    .union([z.literal("all"), z.number().min(0.1, "0.1 or more").max(65536, "at most 65536")])
    .optional()
    .describe("Cores it uses at once; 0.1 is a tenth of one. Default 1 for WebAssembly, else all."),
  accelerator: accelerator.optional().describe("Only nodes with such an accelerator."),
});

export const storage = z.strictObject({
  capacity: size().optional().describe("Room on disk while it runs. Default 0 B."),
  throughput: byteRate().optional().describe("Least throughput of that room."),
  class: z
    .enum(["scratch", "durable"])
    .optional()
    .describe("Quality: may it be lost with the node? Default: any."),
});

export const algorithm = z.strictObject({
  function: line(127)
    .optional()
    .describe("What it computes, such as ocr: run times are learnt by it. Default: the program."),
  time: line(127).optional().describe("Time complexity, such as O(n); shown to people."),
  space: size().optional().describe("Working memory; more stops the run. Default 256MiB."),
});

export const network = z.strictObject({
  delay: time().optional().describe("Greatest one-way delay of the path."),
  bandwidth: bitRate().optional().describe("Least bandwidth, reserved on every link of the path."),
  jitter: time().optional().describe("Greatest variation of the delay."),
  loss: ratio().optional().describe("Greatest share of packets lost."),
  bitErrorRate: ratio().optional().describe("Greatest share of bits wrong."),
  security: z.enum(SECURITY_CLASSES).optional().describe("Least protection of path and node. Default open."),
});

export const where = z.strictObject({
  tier: z.enum(TIERS).optional(),
  domain: identifier().optional().describe("Only nodes of this operator's domain."),
  labels: labels().optional().describe("Only nodes with all these labels."),
  avoid: z.array(identifier()).max(256, "at most 256 nodes").optional().describe("Nodes not to use."),
});

const args = () => z.array(argument()).max(1024, "at most 1024 arguments").optional();

const wasm = z.strictObject({
  module: content().describe("A WASI preview 1 command."),
  args: args(),
  env: environment().optional(),
});

const model = z.strictObject({
  onnx: z
    .array(content())
    .min(1, "at least one network")
    .max(16, "at most 16 networks")
    .describe("The networks, in the order the pipeline wants."),
  pipeline: z
    .enum(["tensor", "ocr"])
    .optional()
    .describe("What is done around the networks. Default tensor."),
  options: z.record(line(63), line(1023)).optional(),
});

const process = z.strictObject({
  command: argument().describe("A program of the node, where its owner allows that."),
  args: args(),
  env: environment().optional(),
});

const RUN_KINDS = ["wasm", "model", "process"] as const;
export const run = z
  .strictObject({ wasm: wasm.optional(), model: model.optional(), process: process.optional() })
  .refine(
    (kinds) => RUN_KINDS.filter((kind) => kinds[kind] !== undefined).length === 1,
    `exactly one of ${RUN_KINDS.join(", ")}`,
  )
  .meta({ oneOf: RUN_KINDS.map((kind) => ({ required: [kind] })) });

const weights = z.strictObject({
  perSecond: amount().optional().describe("What a second less is worth."),
  perJoule: amount().optional().describe("What a joule less is worth."),
  perGram: amount().optional().describe("What a gram of CO2 less is worth."),
});

export const pay = z.strictObject({ atMost: amount().optional().describe("The highest price of the task.") });

/** Above others, and how far. */
export const priority = () =>
  z
    .int("a whole number")
    .min(0, "0 or more")
    .max(1000, "at most 1000")
    .describe(
      "Goes before tasks of lower priority, and takes their place where nothing else fits. Default 0.",
    );

const spec = z.strictObject({
  data: data.optional(),
  deadline: time().optional().describe("From hand-over of the input to the result being back."),
  sticky: sticky.optional(),
  compute,
  storage: storage.optional(),
  algorithm: algorithm.optional(),
  network: network.optional(),
  where: where.optional().describe("Which nodes may run it."),
  run: run.describe("What is run."),
  objective: z
    .union([z.enum(["cost", "time", "energy", "carbon"]), weights])
    .optional()
    .describe("What the best placement is best at, within all the needs. Default cost."),
  pay: pay.optional(),
  priority: priority().optional(),
  startAt: moment()
    .optional()
    .describe(
      "Not before this moment; a place is promised for it, before all that is submitted later. Refused where what runs by then leaves no room.",
    ),
});

/** The schema of one manifest: takes human forms, gives base units. */
export const taskManifest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Task"),
  metadata: z.strictObject({
    name: name(),
    labels: labels().optional(),
  }),
  spec,
});

/** A manifest read: quantities in base units, contents still by file or digest. */
export type TaskManifest = z.output<typeof taskManifest>;

/** The JSON Schema (draft 2020-12) of a kind of manifest, as editors use it; published as docs/schema/KIND.schema.json. */
export function editorSchema(kind: string, description: string, manifest: z.ZodType): object {
  const { $schema, ...schema } = z.toJSONSchema(manifest, { io: "input", unrepresentable: "any" });
  return {
    $schema,
    $id: `https://weft.dev/schema/${kind}.schema.json`,
    title: `Weft ${kind}`,
    description,
    ...schema,
  };
}

export const taskJsonSchema = (): object =>
  editorSchema("task", "What a task needs, what it runs, and what it may cost.", taskManifest);
