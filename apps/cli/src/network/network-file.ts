import { readFileSync } from "node:fs";
import { ARCHITECTURES } from "@weft/announcement";
import type { SiteId, Tier } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  type Bytes,
  type Micros,
  type Money,
  parseBitRate,
  parseBytes,
  parseMoney,
  parseTime,
  type Result,
} from "@weft/kernel";
import { fields, formatProblem, readDocument } from "@weft/service-http/manifest";
import { z } from "zod";
import { Failure, unusable } from "../failure.ts";

/** A network to be set up on one machine (`kind: Network`): sites, distances, nodes and who they belong to. */
export type NetworkFile = z.output<typeof schema>;

const name = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "lower-case letters, digits and dashes");

/** Adds what was expected of a field to the problems; the reader of the file sets what was found beside it. */
const wrong = (context: z.core.$RefinementCtx, expected: string, trouble: fields.FieldTrouble): void =>
  context.addIssue({ code: "custom", message: expected, params: { trouble } });

/** A quantity in its human form, read by one of the kernel's parsers. */
const quantity = <T>(parse: (text: string) => Result<T>, expected: string) =>
  z.unknown().transform((found, context): T => {
    const read = parse(typeof found === "number" ? String(found) : typeof found === "string" ? found : "");
    if (read.ok) return read.value;
    const { hint } = read.refusal;
    wrong(context, expected, { code: "E_MANIFEST_UNIT", ...(hint === undefined ? {} : { hint }) });
    return z.NEVER;
  });

const time = quantity<Micros>(parseTime, "a time such as 20ms");
const bitRate = quantity<BitsPerSecond>(parseBitRate, "a bandwidth such as 50Mbps");
const bytes = quantity<Bytes>(parseBytes, "a size such as 2GiB");
const money = quantity<Money>(
  (text) => parseMoney(text, fields.CURRENCY),
  `an amount such as 10 ${fields.CURRENCY}`,
);
const price = money.transform((value, context): Money => {
  if (value >= 0n) return value;
  wrong(context, "a price of 0 or more", { code: "E_PRICE_NEGATIVE" });
  return z.NEVER;
});
const share = z.unknown().transform((found, context): number => {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(String(found))?.[1];
  const part = percent === undefined ? Number(found) : Number(percent) / 100;
  if (part >= 0 && part <= 1) return part;
  wrong(context, "a part such as 45%", { code: "E_MANIFEST_UNIT" });
  return z.NEVER;
});
const site = name.transform((text) => text as SiteId);

const spec = z.strictObject({
  domain: name,
  /** How its nodes announce themselves. */
  announcement: z.enum(ARCHITECTURES).default("centralised"),
  /** `nats://host:port`; null: the bus embedded in the manager. */
  bus: z.string().nullable().default(null),
  manager: z.strictObject({
    site,
    commission: share.default(0.05),
    /** What of the charge a provider gives back for a result after the task's deadline. */
    latePenalty: share.default(0.1),
    /** Invoices and payouts, as the manager's configuration has them. */
    billing: z.record(z.string(), z.unknown()).optional(),
  }),
  links: z
    .array(
      z.strictObject({
        between: z.tuple([site, site]),
        delay: time,
        rate: bitRate.nullable().default(null),
        jitter: time.optional(),
        loss: share.optional(),
      }),
    )
    .max(1000),
  consumers: z.array(z.strictObject({ name, credit: money })).min(1),
  nodes: z
    .array(
      z.strictObject({
        name,
        tier: z.enum(["cloud", "edge", "end"]).transform((text) => text as Tier),
        site,
        provider: name,
        /** Part of this machine it may use. */
        share: share.default(1),
        memory: bytes.nullable().default(null),
        /** Whether its site's gateway listens, to hold and relay data. */
        gateway: z.boolean().default(false),
        /** For a tera-operation; the rest of its price list follows from it. */
        price,
        labels: z.record(z.string(), z.string()).default({}),
        runs: z.array(z.enum(["wasm", "model", "process"])).default(["wasm", "model"]),
      }),
    )
    .min(1)
    .max(64)
    .superRefine((nodes, context) => {
      const taken = new Set(["manager"]); // a process of the network, as every node is
      for (const [i, { name }] of nodes.entries()) {
        if (taken.has(name)) {
          context.addIssue({ code: "custom", path: [i, "name"], message: "a name that is not taken yet" });
        }
        taken.add(name);
      }
    }),
});

const schema = z.strictObject({
  apiVersion: z.literal("weft.dev/v1"),
  kind: z.literal("Network"),
  metadata: z.strictObject({ name }),
  spec,
});

/** Several domains on one machine (`kind: Domains`): each a network of its own, and the distances between their managers. */
export type DomainsFile = z.output<typeof domainsSchema>;

const domainsSchema = z
  .strictObject({
    apiVersion: z.literal("weft.dev/v1"),
    kind: z.literal("Domains"),
    metadata: z.strictObject({ name }),
    spec: z.strictObject({
      /** Domains that deal with each other, and how far their managers are apart. */
      peers: z
        .array(
          z.strictObject({
            between: z.tuple([name, name]),
            delay: time,
            rate: bitRate.nullable().default(null),
            jitter: time.optional(),
            loss: share.optional(),
            /** What the first is to the second: a customer hears all that it knows, a peer only what is its own. */
            relation: z.enum(["customer", "peer", "provider"]).default("peer"),
            /** How much each may owe the other. */
            credit: money,
          }),
        )
        .max(100),
      domains: z
        .array(
          spec.extend({
            offer: z
              .strictObject({
                tiers: z
                  .array(z.enum(["cloud", "edge", "end"]).transform((text) => text as Tier))
                  .nullable()
                  .default(null),
                labels: z.record(z.string(), z.string()).default({}),
                markup: share.default(0),
              })
              .default({ tiers: null, labels: {}, markup: 0 }),
          }),
        )
        .min(2)
        .max(16),
    }),
  })
  .superRefine(({ spec: { peers, domains } }, context) => {
    const names = domains.map(({ domain }) => domain);
    for (const [i, one] of names.entries()) {
      if (names.indexOf(one) === i) continue;
      context.addIssue({
        code: "custom",
        path: ["spec", "domains", i, "domain"],
        message: "a domain that does not stand here twice",
      });
    }
    for (const [i, { between }] of peers.entries()) {
      for (const [j, one] of between.entries()) {
        if (names.includes(one)) continue;
        const path = ["spec", "peers", i, "between", j];
        context.addIssue({
          code: "custom",
          path,
          message: `one of ${names.join(", ")}`,
        });
      }
    }
  });

/** A file for `weft up`: one network, or several domains. */
export const readUpFile = (path: string): NetworkFile | DomainsFile => {
  const text = read(path);
  return /^kind:\s*Domains\b/m.test(text) ? parseDomainsFile(text, path) : parseNetworkFile(text, path);
};

/** Reads a network file from a path; see `parseNetworkFile`. */
export const readNetworkFile = (path: string): NetworkFile => parseNetworkFile(read(path), path);

/** Reads a network file's text; refused with line, path, what was found and what was expected. */
export const parseNetworkFile = (text: string, path: string): NetworkFile => parse(schema, text, path);

/** The same for a file of several domains. */
export const parseDomainsFile = (text: string, path: string): DomainsFile => parse(domainsSchema, text, path);

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unusable(path, error);
  }
}

function parse<T>(layout: z.ZodType<T>, text: string, path: string): T {
  const parsed = readDocument(text, path, layout);
  if (parsed.ok) return parsed.value;
  throw new Failure(parsed.problems.map(formatProblem).join("\n"), 2);
}
