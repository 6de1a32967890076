import { ARCHITECTURES } from "@weft/announcement";
import { type DomainId, type SiteId, TIERS, type Tier } from "@weft/infrastructure";
import type { Money } from "@weft/kernel";
import { readConfigFile } from "@weft/live";
import { type BillingPolicy, PLAIN_BILLING } from "@weft/service";
import { z } from "zod";

const role = z.enum(["consumer", "provider", "manager"]);

const amount = z
  .string()
  .regex(/^\d{1,30}$/)
  .transform((text) => BigInt(text) as Money);
const ppm = z.number().int().min(0).max(1_000_000);
const length = z.enum(["day", "week", "month"]);
const name = z.string().min(1).max(64);

/** Amounts in millionths, as digits; shares in millionths. */
const billing: z.ZodType<BillingPolicy> = z.strictObject({
  /** How long an invoice's period is. */
  every: length.default(PLAIN_BILLING.every),
  /** What is added to or taken off each invoice, in this order, each of what stands before it. */
  rules: z
    .array(
      z.discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("discount"), name, above: amount, ppm }),
        z.strictObject({ kind: z.literal("fee"), name, amount }),
        z.strictObject({ kind: z.literal("tax"), name, ppm }),
      ]),
    )
    .default([]),
  /** The least that is paid out, and the fee: a fixed part and a share. */
  payout: z.strictObject({ minimum: amount, fixed: amount, ppm }).default(PLAIN_BILLING.payout),
  /** A provider is paid at most once in each. */
  payoutEvery: length.default(PLAIN_BILLING.payoutEvery),
});

/** How one manager process is set up: a JSON file, written by `weft up` or by hand. */
const schema = z.strictObject({
  /** Name of the network, for people. */
  name: z.string().min(1).max(253),
  stateDir: z.string().min(1),
  listen: z.strictObject({ host: z.string().min(1), port: z.number().int().min(0).max(65535) }),
  site: z
    .string()
    .min(1)
    .transform((text) => text as SiteId),
  domain: z
    .string()
    .min(1)
    .transform((text) => text as DomainId),
  currency: z.string().length(3).default("CNY"),
  /** Millionths of every charge that the manager keeps. */
  /** Not all: what is asked of other domains is divided by what is left. */
  commissionPpm: z.number().int().min(0).max(999_999).default(50_000),
  /** Millionths of the charge that a provider gives back when its result comes after the task's deadline. */
  latePenaltyPpm: z.number().int().min(0).max(500_000).default(100_000),
  /** Invoices and payouts. */
  billing: billing.default(PLAIN_BILLING),
  /** An external PostgreSQL; absent: one of its own under `stateDir`. */
  databaseUrl: z.string().optional(),
  /** The most content its gateway keeps. */
  contentBytes: z.number().int().min(0).default(10e9),
  /** Seconds after which a node that does not speak has lost its runs. */
  silenceSeconds: z.number().min(0.1).default(3),
  /** Whether anybody may register an organisation. */
  registration: z.enum(["open", "closed"]).default("open"),
  /** Accounts, tokens and keys there are from the start; each is made once. */
  bootstrap: z
    .strictObject({
      accounts: z.array(
        z.strictObject({
          id: z.string().min(1),
          name: z.string(),
          role,
          /** Paid in when the account is made, millionths. */
          credit: z
            .string()
            .regex(/^\d{1,30}$/)
            .default("0"),
        }),
      ),
      tokens: z.array(
        z.strictObject({
          id: z.string().min(1),
          /** SHA-256 of the token; the token itself is never written here. */
          digest: z.string().regex(/^[0-9a-f]{64}$/),
          use: z.enum(["api", "join"]),
          account: z.string(),
          role,
          note: z.string().default(""),
        }),
      ),
      keys: z.array(
        z.strictObject({ account: z.string(), key: z.string().regex(/^[0-9a-f]{64}$/), note: z.string() }),
      ),
    })
    .default({ accounts: [], tokens: [], keys: [] }),
  /** How nodes of this domain announce themselves: its agents follow. */
  announcement: z.enum(ARCHITECTURES).default("centralised"),
  /** `nats://host:port` for a bus of more than one machine; null: the bus embedded in this manager. */
  bus: z
    .string()
    .regex(/^nats:\/\/[^\s/]+/, "such as nats://host:4222")
    .nullable()
    .default(null),
  /** Dealings with other domains' managers; without peers there are none. */
  federation: z
    .strictObject({
      peers: z
        .array(
          z.strictObject({
            domain: z
              .string()
              .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
              .transform((text) => text as DomainId),
            /** Its manager's public key: nobody else speaks for it. */
            key: z.string().regex(/^[0-9a-f]{64}$/),
            /** Where its manager is dialled; null: it dials us, or the bus is NATS. */
            url: z
              .string()
              .regex(/^https?:\/\/[^\s/]+$/)
              .nullable()
              .default(null),
            /** What it is to us: a peer's and a provider's routes are told only to customers. */
            relation: z.enum(["customer", "peer", "provider"]).default("peer"),
            /** How much it may owe us, millionths. */
            credit: z
              .string()
              .regex(/^\d{1,30}$/)
              .default("0"),
            /** Whether our tasks may go there, and its tasks come here. */
            send: z.boolean().default(true),
            take: z.boolean().default(true),
          }),
        )
        .max(256)
        .default([]),
      /** What of this domain is told and sold outside. */
      offer: z
        .strictObject({
          tiers: z
            .array(z.enum(TIERS as unknown as [Tier, ...Tier[]]))
            .nullable()
            .default(null),
          labels: z.record(z.string(), z.string()).default({}),
          /** Added to the nodes' prices, millionths. */
          markupPpm: z.number().int().min(0).max(10_000_000).default(0),
        })
        .default({ tiers: null, labels: {}, markupPpm: 0 }),
      /** Seconds after which a peer that is not heard has lost the runs it has of ours. */
      silenceSeconds: z.number().min(1).default(20),
    })
    .default({ peers: [], offer: { tiers: null, labels: {}, markupPpm: 0 }, silenceSeconds: 20 }),
  /** How this gateway reaches another: announced address -> address to dial. Absent: as announced. */
  via: z.record(z.string(), z.string()).default({}),
});

export type ManagerConfig = z.output<typeof schema>;

export type ManagerSettings = z.input<typeof schema>;

export const managerConfig = (settings: ManagerSettings): ManagerConfig => schema.parse(settings);

/** Reads a configuration file; WEFT_ANNOUNCEMENT and WEFT_BUS go before it. Throws with every problem named. */
export const readConfig = (file: string, env: NodeJS.ProcessEnv = process.env): ManagerConfig =>
  readConfigFile(file, schema, env);
