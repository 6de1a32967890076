import { ARCHITECTURES } from "@weft/announcement";
import type { BitsPerSecond, Bytes, Instant, Micros, Money, OperationsPerSecond, Result } from "@weft/kernel";
import { ok, refuse } from "@weft/kernel";
import { z } from "zod";
import type { FromAgent, ToAgent } from "./protocol.ts";

/*
 * The control channel's messages as JSON, parsed and bounded once, on arrival. Amounts of money and other
 * bigints travel as strings of digits.
 */

export const MOST_ITEMS = 10_000;
export const TEXT = 65_536;
const MANIFEST = 1 << 18;
/** A stage of a pipeline has as many networks as the pipeline has layers. */
const MOST_CONTENTS = 64;

const brand = <T extends number>() =>
  z
    .number()
    .min(0)
    .transform((n) => n as T);
export const name = z.string().min(1).max(253);
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const key = hex(64);
const signature = hex(128);
const digest = hex(64);
const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const instant = whole.transform((n) => n as Instant);
export const micros = whole.transform((n) => n as Micros);
const bytes = whole.transform((n) => n as Bytes);
const digits = z
  .string()
  .regex(/^-?\d{1,38}$/)
  .transform((text) => BigInt(text));
export const money = digits.transform((n) => n as Money);
export const refusal = z.object({
  code: name,
  message: z.string().max(TEXT),
  path: z.string().max(TEXT).optional(),
  found: z.string().max(TEXT).optional(),
  expected: z.string().max(TEXT).optional(),
  hint: z.string().max(TEXT).optional(),
});

const power = z.object({
  logical: brand<OperationsPerSecond>(),
  parallel: brand<OperationsPerSecond>(),
  neural: brand<OperationsPerSecond>(),
});
const programKind = z.enum(["wasm", "model", "process"]);
const securityClass = z.enum(["open", "encrypted", "isolated"]);
const labels = z.record(z.string().max(253), z.string().max(253));

const description = z.object({
  id: name,
  tier: z.enum(["cloud", "edge", "end"]),
  site: name,
  domain: name,
  labels,
  power,
  laneRate: power,
  memoryBytes: bytes,
  storage: z.object({
    capacityBytes: bytes,
    throughput: z.number().min(0),
    storageClass: z.enum(["scratch", "durable"]),
  }),
  accelerators: z
    .array(z.object({ kind: z.enum(["gpu", "npu"]), model: z.string().max(253), memoryBytes: bytes }))
    .max(64),
  runs: z.array(programKind).max(3),
  security: securityClass,
  watts: z.object({ idle: z.number().min(0), full: z.number().min(0) }).nullable(),
  gramsPerKwh: z.number().min(0).nullable(),
});

export const prices = z.object({
  petaOperation: z.object({ logical: money, parallel: money, neural: money }),
  memoryGibHour: money,
  storageGibHour: money,
  transferGb: money,
  bandwidthGbpsHour: money,
  perTask: money,
});

export const url = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/]+/);
const gateway = z.object({ url, echo: z.string().max(253).nullable() });
const gateways = z.array(gateway.extend({ site: name })).max(MOST_ITEMS);

export const content = z.object({ digest, size: bytes });
const counters = z.object({
  cpuTime: micros,
  wallTime: micros,
  peakMemoryBytes: bytes,
  inputBytes: bytes,
  outputBytes: bytes,
});
const failure = z.enum([
  "cancelled",
  "memory_exceeded",
  "time_exceeded",
  "output_exceeded",
  "bad_program",
  "program_failed",
  "runtime_failed",
  "transfer_failed",
]);

const usage = z.object({
  record: z.object({
    id: name,
    contract: name,
    node: name,
    sequence: whole,
    startedAt: instant,
    endedAt: instant,
    cpuTime: micros,
    wallTime: micros,
    operations: digits,
    memoryTime: digits,
    storageTime: digits,
    inputBytes: bytes,
    outputBytes: bytes,
    reservedBits: digits,
    outcome: z.enum(["completed", "failed"]),
    result: digest.nullable(),
  }),
  signature,
});

export const fromAgent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("hello"),
    protocol: whole,
    at: instant,
    key,
    proof: signature,
    joinToken: z.string().max(256).nullable(),
    description,
    prices,
    gateway: gateway.nullable(),
    holding: z.array(name).max(MOST_ITEMS),
  }),
  z.object({
    kind: z.literal("knock"),
    protocol: whole,
    at: instant,
    key,
    proof: signature,
    joinToken: z.string().max(256).nullable(),
    node: name,
  }),
  z.object({ kind: z.literal("prices"), prices, floor: prices.nullable().default(null) }),
  z.object({ kind: z.literal("accepted"), run: name, signature }),
  z.object({ kind: z.literal("declined"), run: name, refusal }),
  z.object({
    kind: z.literal("state"),
    run: name,
    state: z.enum(["staging", "fetching", "running", "returning"]),
  }),
  z.object({
    kind: z.literal("log"),
    run: name,
    at: instant,
    stream: z.enum(["stdout", "stderr"]),
    text: z.string().max(TEXT),
  }),
  z.object({
    kind: z.literal("outcome"),
    run: name,
    outcome: z.object({
      end: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("finished"), exitCode: z.number().int(), result: content.nullable() }),
        z.object({ kind: z.literal("failed"), because: failure, detail: z.string().max(TEXT) }),
      ]),
      spent: z.object({ staging: micros, transferIn: micros, compute: micros, transferOut: micros }),
      counters: counters.nullable(),
      signature,
      usage: usage.nullable(),
    }),
  }),
]);

const program = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("wasm"),
    module: digest,
    args: z.array(z.string().max(TEXT)).max(1024),
    env: z.record(z.string(), z.string()),
  }),
  z.object({
    kind: z.literal("model"),
    pipeline: z.enum(["tensor", "ocr"]),
    networks: z.array(digest).max(MOST_CONTENTS),
    options: z.record(z.string(), z.string()),
  }),
  z.object({
    kind: z.literal("process"),
    command: z.string().max(4096),
    args: z.array(z.string().max(TEXT)).max(1024),
    env: z.record(z.string(), z.string()),
  }),
]);

export const order = z.object({
  order: z.object({ id: name, consumer: key, taskDigest: digest, payAtMost: money, notAfter: instant }),
  signature,
});
const party = z.object({ account: name, key });
const ppm = z.number().int().min(0).max(1_000_000);
const level = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("completion"), by: instant, penaltyPpm: ppm }),
  z.object({ kind: z.literal("delay"), atMost: micros, sharePpm: ppm, penaltyPpm: ppm }),
  z.object({ kind: z.literal("availability"), atLeastPpm: ppm, penaltyPpm: ppm }),
]);
const contract = z.object({
  terms: z.object({
    id: name,
    order,

    task: name,
    attempt: whole,
    consumer: party,
    provider: party,
    manager: party,
    node: z.object({ id: name, key }),
    compute: z.enum(["logical", "parallel", "neural"]),
    currency: z.string().max(3),
    prices,
    ceiling: money,
    completeBy: instant.nullable(),
    levels: z.array(level).max(16).optional(),
    validFrom: instant,
    validUntil: instant,
  }),
  manager: signature.nullable(),
  provider: signature.nullable(),
});

const signedOffer = z.object({
  offer: z.object({
    node: name,
    at: instant,
    prices: prices.nullable(),
    pricing: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("posted") }),
      z.object({
        kind: z.literal("time-of-use"),
        steps: z.array(z.object({ fromHour: whole, ppm: whole })).max(24),
      }),
      z.object({
        kind: z.literal("congestion"),
        target: z.number(),
        gain: z.number(),
        mostStep: z.number(),
        lowestPpm: whole,
        highestPpm: whole,
      }),
    ]),
    reserve: prices.nullable(),
    discounts: z.array(z.object({ grade: name.nullable(), fromVolume: money, ppm })).max(64),
    windows: z.array(z.object({ from: whole, to: whole, days: z.array(whole).max(7).nullable() })).max(64),
    shortest: micros,
    longest: micros.nullable(),
    validUntil: instant.nullable(),
  }),
  key,
  signature,
});

export const launchFields = z.object({
  run: name,
  task: name,
  contract,
  manifest: z.string().max(MANIFEST),
  program,
  input: content.nullable(),
  contents: z.array(content).max(MOST_CONTENTS),
  segments: z.array(name).max(64),
  parts: z
    .array(z.object({ content, segments: z.array(name).max(64) }))
    .max(65)
    .optional(),
  deliver: z.array(name).max(64).optional(),
  limits: z.object({
    memoryBytes: bytes,
    wallTime: micros,
    outputBytes: bytes,
    lanes: z.number().min(1),
  }),
  reserved: z.object({ storageBytes: bytes, bandwidth: brand<BitsPerSecond>() }),
});

const toAgent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("challenge"), manager: key, nonce: hex(64) }),
  z.object({
    kind: z.literal("welcome"),
    recorded: whole,
    dataToken: name,
    gateways,
    announcement: z.object({
      architecture: z.enum(ARCHITECTURES),
      domain: name,
      bus: z.string().max(2048).nullable(),
      busToken: z.string().max(253),
    }),
  }),
  z.object({ kind: z.literal("admitted") }),
  z.object({ kind: z.literal("rejected"), refusal }),
  z.object({ kind: z.literal("gateways"), gateways }),
  z.object({
    kind: z.literal("neighbours"),
    members: z.array(z.object({ node: name, key })).max(MOST_ITEMS),
    neighbours: z.array(name).max(MOST_ITEMS),
  }),
  z.object({
    kind: z.literal("launch"),
    launch: launchFields,
  }),
  z.object({ kind: z.literal("offer"), offer: signedOffer.nullable() }),
  z.object({ kind: z.literal("cancel"), run: name }),
  z.object({ kind: z.literal("reroute"), run: name, segments: z.array(name).max(64) }),
  z.object({ kind: z.literal("settled"), run: name }),
]);

/** A message as plain JSON data; the same for both directions. */
export const encodeMessage = (message: FromAgent | ToAgent): JsonData => plain(message);

export type JsonData =
  | null
  | boolean
  | number
  | string
  | readonly JsonData[]
  | { readonly [key: string]: JsonData };

/** Plain JSON data of a message. */
export function plain(value: unknown): JsonData {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return value as JsonData;
  if (Array.isArray(value)) return value.map(plain);
  const members: { [key: string]: JsonData } = {};
  for (const [key, member] of Object.entries(value)) if (member !== undefined) members[key] = plain(member);
  return members;
}

export function decode<T>(schema: z.ZodType, body: unknown): Result<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return ok(parsed.data as T);
  const { path, issue } = nearest(parsed.error.issues[0]!);
  return refuse("E_MESSAGE", `a message is malformed: ${issue.message}`, {
    path: path.join("."),
    found: shown(path.reduce(memberOf, body)),
    expected: expectedBy(issue),
    hint: "run the same version of weft on both, and look at what the sender was configured with",
  });
}

/** What is wrong by that one of several forms which the message comes nearest to. */
function nearest(
  issue: z.core.$ZodIssue,
  above: readonly PropertyKey[] = [],
): { readonly path: readonly PropertyKey[]; readonly issue: z.core.$ZodIssue } {
  const path = [...above, ...issue.path];
  if (issue.code !== "invalid_union") return { path, issue };
  const [branch] = [...issue.errors].sort((a, b) => a.length - b.length);
  return branch?.[0] === undefined ? { path, issue } : nearest(branch[0], path);
}

const memberOf = (value: unknown, key: PropertyKey): unknown =>
  value !== null && typeof value === "object" ? (value as Record<PropertyKey, unknown>)[key] : undefined;

/** Enough of a value to know it again. */
const shown = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? Array.isArray(value)
      ? `a list of ${value.length}`
      : "an object"
    : String(value).slice(0, 100);

/** What a schema would have taken where it found something else. */
function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "too_small":
      return `${issue.minimum}${issue.inclusive === false ? " excluded" : ""} or more`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "invalid_type":
      return issue.expected;
    case "invalid_value":
      return issue.values.join(" or ");
    case "invalid_format":
      return issue.pattern ?? issue.format;
    default:
      return "the form of this version";
  }
}

/** Reads what an agent sent. */
export const decodeFromAgent = (body: unknown): Result<FromAgent> => decode(fromAgent, body);
/** Reads what a manager sent. */
export const decodeToAgent = (body: unknown): Result<ToAgent> => decode(toAgent, body);
