import type { Result } from "@weft/kernel";
import { z } from "zod";
import { fromStoredText, storedText } from "../stored-text.ts";
import {
  decode,
  fromAgent,
  type JsonData,
  launchFields,
  MOST_ITEMS,
  micros,
  money,
  name,
  order,
  plain,
  prices,
  refusal,
  TEXT,
  url,
} from "../wire.ts";
import type { PeerMessage } from "./messages.ts";

/*
 * Messages between managers as JSON, parsed and bounded once, on arrival. A task's needs travel as stored text, which
 * keeps what JSON lacks (amounts, an unbounded number of lanes).
 */

const amount = z.number().min(0);
const label = z.string().max(253);
const needs = z.object({
  basic: z.object({
    inputBytes: amount,
    resultBytes: amount,
    dataType: label.nullable(),
    dataAt: name,
    mayLeaveTo: z.array(name).max(MOST_ITEMS).nullable(),
    deadline: amount.nullable(),
    sticky: z.object({ key: label, keepFor: amount }).nullable(),
  }),
  compute: z.object({
    type: z.enum(["logical", "parallel", "neural"]),
    work: amount,
    atLeast: amount,
    lanes: z.union([z.number().gt(0), z.literal(Number.POSITIVE_INFINITY)]),
    accelerator: z
      .object({ kind: z.enum(["gpu", "npu"]), memoryBytes: amount, count: amount.optional() })
      .nullable(),
  }),
  storage: z.object({
    capacity: amount,
    throughput: amount,
    storageClass: z.enum(["scratch", "durable"]).nullable(),
  }),
  algorithm: z.object({ function: label, timeComplexity: label.nullable(), space: amount }),
  network: z.object({
    delay: amount.nullable(),
    bandwidth: amount,
    jitter: amount.nullable(),
    loss: amount.nullable(),
    bitErrorRate: amount.nullable(),
    security: z.enum(["open", "encrypted", "isolated"]),
  }),
  where: z.object({
    runs: z.enum(["wasm", "model", "process"]),
    tier: z.enum(["cloud", "edge", "end"]).nullable(),
    domain: name.nullable(),
    labels: z.record(label, label),
    avoid: z.array(name).max(MOST_ITEMS),
  }),
  objective: z.union([
    z.object({ kind: z.enum(["cost", "time", "energy", "carbon"]) }),
    z.object({ kind: z.literal("weighted"), perSecond: amount, perJoule: amount, perGram: amount }),
  ]),
  payAtMost: z.bigint().nullable(),
  priority: z.number().optional(),
  startAt: amount.optional(),
});
const needsText = z.string().max(TEXT).transform(parse).pipe(needs);

function parse(text: string): unknown {
  try {
    return fromStoredText(text);
  } catch {
    return null;
  }
}

const hexBytes = z
  .string()
  .max(1 << 18)
  .regex(/^(?:[0-9a-f]{2})*$/)
  .transform((text) =>
    Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)),
  );

const peerMessage = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("greet"),
    gateway: z.object({ url, echo: z.string().max(253).nullable() }),
    holding: z.array(name).max(MOST_ITEMS).nullable(),
  }),
  z.object({ kind: z.literal("announce"), bytes: hexBytes }),
  z.object({
    kind: z.literal("ask"),
    ask: z.object({ id: name, needs: needsText, commissionPpm: z.number().int().min(0).max(999_999) }),
  }),
  z.object({
    kind: z.literal("quote"),
    id: name,
    quote: z.union([z.object({ prices, price: money, takes: micros }), refusal]),
  }),
  z.object({
    kind: z.literal("forward"),
    forward: z.object({
      launch: launchFields,
      name: label,
      needs: needsText,
      order,
      commissionPpm: z.number().int().min(0).max(999_999),
      segments: z.array(z.string().max(300)).max(64),
    }),
  }),
  z.object({ kind: z.literal("cancel"), run: name }),
  z.object({ kind: z.literal("settled"), run: name, owed: money }),
  z.object({ kind: z.literal("agent"), message: fromAgent }),
]);

/** A message as plain JSON data. */
export function encodePeer(message: PeerMessage): JsonData {
  switch (message.kind) {
    case "announce": {
      const bytes = Array.from(message.bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return { kind: "announce", bytes };
    }
    case "ask":
      return plain({ kind: "ask", ask: { ...message.ask, needs: storedText(message.ask.needs) } });
    case "forward": {
      const { forward } = message;
      return plain({ kind: "forward", forward: { ...forward, needs: storedText(forward.needs) } });
    }
    default:
      return plain(message);
  }
}

export const decodePeer = (body: unknown): Result<PeerMessage> => decode(peerMessage, body);
