import type { NodeId } from "@weft/infrastructure";
import type { Bytes, Micros } from "@weft/kernel";
import type {
  Charge,
  Contract,
  ContractState,
  OrganisationAct,
  ServiceLevel,
  SignedMeasurement,
  SignedUsage,
  Transfer,
} from "@weft/market";
import { z } from "zod";
import type {
  AccountView,
  ContractView,
  DisputeView,
  KeyView,
  OfferView,
  TokenView,
  UsageView,
} from "../views.ts";
import { offerConditions, priceList } from "./offers.ts";
import { digest, digits, instant, money, named, publicKey, quantity, signature } from "./quantities.ts";

const node = () => named<NodeId>();
const micros = () => quantity<Micros>("Microseconds.");
const bytes = () => quantity<Bytes>("Bytes.");
export const role = z.enum(["consumer", "provider", "manager"]);

export const offerView: z.ZodType<OfferView> = z.looseObject({
  node: node(),
  provider: z.string(),
  prices: priceList,
  tier: z.enum(["cloud", "edge", "end"]),
  runs: z.array(z.enum(["wasm", "model", "process"])),
  accepting: z.boolean(),
  region: z.string(),
  grade: z.string(),
  reputation: z.number().describe("0 to 1."),
  conditions: offerConditions.nullable(),
});

export const signedOrder = z.strictObject({
  order: z.strictObject({
    id: z.string().min(1).max(128).describe("Chosen by the consumer, unique for ever."),
    consumer: publicKey(),
    taskDigest: digest().describe("SHA-256 of the manifest's text."),
    payAtMost: money(),
    notAfter: instant().describe("No contract under this order begins later."),
  }),
  signature: signature(),
});

const party = () => z.looseObject({ account: z.string(), key: publicKey() });

const ppm = () => z.int().describe("Millionths.");
const serviceLevel: z.ZodType<ServiceLevel> = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("completion"), by: instant(), penaltyPpm: ppm() }),
  z.looseObject({ kind: z.literal("delay"), atMost: micros(), sharePpm: ppm(), penaltyPpm: ppm() }),
  z.looseObject({ kind: z.literal("availability"), atLeastPpm: ppm(), penaltyPpm: ppm() }),
]);

export const contract: z.ZodType<Contract> = z.looseObject({
  terms: z.looseObject({
    id: z.string(),
    order: signedOrder,
    task: z.string(),
    attempt: z.int(),
    consumer: party(),
    provider: party(),
    manager: party(),
    node: z.looseObject({ id: z.string(), key: publicKey() }),
    compute: z.enum(["logical", "parallel", "neural"]),
    currency: z.string(),
    prices: priceList,
    ceiling: money(),
    completeBy: instant().nullable(),
    levels: z.array(serviceLevel).optional(),
    validFrom: instant(),
    validUntil: instant(),
  }),
  manager: signature().nullable(),
  provider: signature().nullable(),
});

const contractState = z.string() as unknown as z.ZodType<ContractState, string>;

const disputeView: z.ZodType<DisputeView> = z.looseObject({
  by: z.string(),
  claim: z.string(),
  at: instant(),
  ruling: z
    .looseObject({
      at: instant(),
      refund: money(),
      borneBy: z.enum(["provider", "manager"]),
      note: z.string(),
    })
    .nullable(),
});

const signedMeasurement: z.ZodType<SignedMeasurement> = z.looseObject({
  measurement: z.looseObject({
    contract: z.string(),
    observer: z.string(),
    from: instant(),
    to: instant(),
    up: micros(),
    deliveries: z.int(),
    withinDelay: z.int(),
  }),
  signature: signature(),
});

export const contractView: z.ZodType<ContractView> = z.looseObject({
  id: z.string(),
  task: z.string(),
  run: z.string(),
  node: node(),
  consumer: z.string(),
  provider: z.string(),
  state: contractState,
  ceiling: money().describe("The highest price."),
  charged: money().nullable(),
  openedAt: instant(),
  closedAt: instant().nullable(),
  closedBecause: z.string().nullable(),
  completeBy: instant().nullable().describe("When the result is promised."),
  penalty: money().nullable().describe("What of the charge was given back for missed promises."),
  steps: z.array(z.looseObject({ state: contractState, at: instant() })).describe("Its states so far."),
  dispute: disputeView.nullable(),
  measurements: z.array(signedMeasurement),
  document: contract.nullable().describe("The contract, enough to check it offline; null in lists."),
});

const charge: z.ZodType<Charge> = z.looseObject({
  lines: z.array(
    z.looseObject({
      what: z.string() as unknown as z.ZodType<Charge["lines"][number]["what"], string>,
      quantity: digits("In the unit of what is charged."),
      amount: money(),
    }),
  ),
  total: money(),
});

export const signedUsage: z.ZodType<SignedUsage> = z.looseObject({
  record: z.looseObject({
    id: z.string(),
    contract: z.string(),
    node: z.string(),
    sequence: z.int(),
    startedAt: instant(),
    endedAt: instant(),
    cpuTime: micros(),
    wallTime: micros(),
    operations: digits("Operations."),
    memoryTime: digits("Byte-microseconds of memory."),
    storageTime: digits("Byte-microseconds of storage."),
    inputBytes: bytes(),
    outputBytes: bytes(),
    reservedBits: digits("Bits that the reserved path could have carried."),
    outcome: z.enum(["completed", "failed"]),
    result: digest().nullable(),
  }),
  signature: signature(),
});

export const usageView: z.ZodType<UsageView> = z.looseObject({
  id: z.string(),
  task: z.string(),
  usage: signedUsage,
  charge,
  receivedAt: instant(),
});

export const accountView: z.ZodType<AccountView> = z.looseObject({
  id: z.string(),
  name: z.string(),
  role: z.enum(["consumer", "provider", "manager", "system"]),
  currency: z.string(),
  balance: z.looseObject({
    posted: money().describe("What the account has."),
    held: money().describe("What of it is set aside for open contracts."),
    available: money().nullable().describe("What may still be spent; null: without end."),
  }),
  runway: micros()
    .nullable()
    .describe(
      "How long that lasts at the rate of the last hour, in microseconds; null: nothing is being spent.",
    ),
  timeZone: z.string(),
});

export const transfer: z.ZodType<Transfer> = z.looseObject({
  id: z.string(),
  at: instant(),
  kind: z.enum(["deposit", "settlement", "payout", "refund", "penalty", "tax", "adjustment"]),
  reference: z.string(),
  postings: z.array(z.looseObject({ account: z.string(), amount: money() })).describe("They sum to zero."),
  closes: z.string().nullable().describe("The hold it uses up."),
});

export const keyView: z.ZodType<KeyView> = z.looseObject({
  key: publicKey(),
  account: z.string(),
  note: z.string(),
  addedAt: instant(),
  person: z.string().optional(),
});

const token = z.looseObject({
  id: z.string(),
  use: z.enum(["api", "join"]),
  account: z.string(),
  role,
  note: z.string(),
  createdAt: instant(),
  expiresAt: instant().nullable(),
  person: z.string().optional().describe("The member who bears it; absent: the account itself."),
  acts: z
    .array(z.string() as unknown as z.ZodType<OrganisationAct, string>)
    .optional()
    .describe("The most it opens; absent: all that the account's role may."),
}) satisfies z.ZodType<TokenView>;

export const tokenView: z.ZodType<TokenView> = token;
/** A new token, its secret told once. */
export const issuedToken: z.ZodType<TokenView & { readonly secret: string }> = token.extend({
  secret: z.string(),
});
