import { ARCHITECTURES } from "@weft/announcement";
import { PROGRAM_KINDS, type SecurityClass, TIERS } from "@weft/infrastructure";
import type { Money } from "@weft/kernel";
import { readConfigFile } from "@weft/live";
import type { PriceList } from "@weft/market";
import { z } from "zod";

/** How one agent process is set up: a JSON file, written by `weft up`, or flags of `weft join`. */

const NOT_NEGATIVE = "expected 0 or more; leave it out where it is not known";

const digits = z
  .string()
  .regex(/^\d{1,30}$/, "expected digits of a price of 0 or more, in millionths")
  .transform((text) => BigInt(text) as Money);

const schema = z.strictObject({
  name: z.string().min(1).max(253),
  /** URLs of the manager, tried in turn. */
  managers: z.array(z.string()).min(1),
  stateDir: z.string().min(1),
  /** Where measurements are kept between runs; agents of one machine may share it. */
  cacheDir: z.string().optional(),
  /** A folder on the disk that it offers, to be measured; agents of one disk may name the same. Absent: `stateDir`. */
  storageDir: z.string().optional(),
  joinToken: z.string().nullable().default(null),
  site: z.string().min(1),
  domain: z.string().min(1),
  tier: z.enum(TIERS as [string, ...string[]]).transform((text) => text as "cloud" | "edge" | "end"),
  /** Part of the machine its owner gives. */
  share: z.number().gt(0).max(1).default(1),
  /** Most memory its tasks get together; null: what is free. */
  memoryBytes: z.number().int().positive().nullable().default(null),
  contentBytes: z.number().int().positive().default(4e9),
  /** Where its gateway listens; null: it only dials out. */
  listen: z
    .strictObject({ host: z.string(), port: z.number().int().min(0).max(65535) })
    .nullable()
    .default(null),
  /** How it reaches gateways: announced address -> address to dial. Absent: as announced. */
  via: z.record(z.string(), z.string()).default({}),
  labels: z.record(z.string(), z.string()).default({}),
  runs: z
    .array(z.enum(PROGRAM_KINDS as unknown as [string, ...string[]]))
    .transform((kinds) => kinds as ("wasm" | "model" | "process")[])
    .default(["wasm", "model"]),
  security: z
    .enum(["open", "encrypted", "isolated"])
    .transform((text) => text as SecurityClass)
    .default("encrypted"),
  watts: z
    .strictObject({ idle: z.number().min(0, NOT_NEGATIVE), full: z.number().min(0, NOT_NEGATIVE) })
    .nullable()
    .default(null),
  gramsPerKwh: z.number().min(0, NOT_NEGATIVE).nullable().default(null),
  prices: z.strictObject({
    petaOperation: z.strictObject({ logical: digits, parallel: digits, neural: digits }),
    memoryGibHour: digits,
    storageGibHour: digits,
    transferGb: digits,
    bandwidthGbpsHour: digits,
    perTask: digits,
  }),
  /** Local hours in which new tasks are taken, such as 22:00-07:00; null: always. */
  hours: z
    .string()
    .regex(/^\d\d:\d\d-\d\d:\d\d$/)
    .nullable()
    .default(null),
  /** Least charge of a battery at which new tasks are taken; 1: on mains power only. */
  batteryAtLeast: z.number().min(0).max(1).default(0.5),
  fresh: z.boolean().default(false),
  /** How it announces itself; null: as its manager says. Another than the manager's is refused. */
  announcement: z.enum(ARCHITECTURES).nullable().default(null),
  /** `nats://host:port`; null: the bus that its manager names. */
  bus: z.string().min(1).nullable().default(null),
  /** The key whose signed offers this node heeds, below its own prices too; null: nobody's. */
  owner: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .default(null),
});

export type AgentConfig = z.output<typeof schema>;
export type AgentSettings = z.input<typeof schema>;

export const agentConfig = (settings: AgentSettings): AgentConfig => schema.parse(settings);

/** Reads a configuration file; WEFT_ANNOUNCEMENT and WEFT_BUS go before it. Throws with every problem named. */
export const readConfig = (file: string, env: NodeJS.ProcessEnv = process.env): AgentConfig =>
  readConfigFile(file, schema, env);

/**
 * A whole price list from the price of one tera-operation: memory, storage and transfer at proportions that make a
 * typical task cost mostly its computing.
 */
export function priceListFor(
  perTeraOperation: Money,
): { [K in keyof PriceList]: unknown } & AgentSettings["prices"] {
  const peta = (perTeraOperation * 1000n).toString();
  const part = (numerator: bigint, denominator: bigint): string =>
    ((perTeraOperation * numerator) / denominator).toString();
  return {
    petaOperation: { logical: peta, parallel: peta, neural: peta },
    memoryGibHour: part(1n, 2n),
    storageGibHour: part(1n, 100n),
    transferGb: part(5n, 1n),
    bandwidthGbpsHour: part(20n, 1n),
    perTask: part(1n, 2000n),
  };
}
