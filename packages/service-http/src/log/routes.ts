import type { SignedTreeHead } from "@weft/market";
import { z } from "zod";
import type { Route } from "../route.ts";
import { digest, instant, publicKey, signature } from "../wire/quantities.ts";
import type { ConsistencyView, InclusionView, LogEntryView } from "./api.ts";

const ALL = ["consumer", "provider", "manager"] as const;
const MOST_ENTRIES = 10_000;

const size = () => z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const list = <T>(item: z.ZodType<T>): z.ZodType<{ readonly items: readonly T[] }> =>
  z.looseObject({ items: z.array(item) });

/** What a manager said its log was at one moment, and who stands by it. */
export const signedHead: z.ZodType<SignedTreeHead> = z.looseObject({
  head: z.looseObject({
    log: publicKey().describe("Names the log: the manager's key."),
    size: z.int().min(0),
    root: digest(),
    at: instant(),
  }),
  signature: signature(),
  cosignatures: z.array(z.looseObject({ witness: publicKey(), signature: signature() })).default([]),
});

const entryView: z.ZodType<LogEntryView> = z.looseObject({ index: z.int().min(0), entry: z.string() });

const inclusionView: z.ZodType<InclusionView> = z.looseObject({
  index: z.int().min(0),
  entry: z.string(),
  proof: z.array(digest()),
  head: signedHead,
});

const consistencyView: z.ZodType<ConsistencyView> = z.looseObject({
  first: z.int().min(0),
  second: z.int().min(0),
  proof: z.array(digest()),
});

/** The transparency log; part of the one table of routes. */
export const LOG_ROUTES = {
  "GET /v1/log/head": { access: ALL, summary: "The log's latest signed head", answer: signedHead },
  "GET /v1/log/heads": {
    access: ALL,
    summary: "The log's latest heads and their witnesses, newest first",
    answer: list(signedHead),
  },
  "GET /v1/log/entries": {
    access: ALL,
    summary: "Lines of the log in order",
    query: z.strictObject({
      first: size().default(0),
      limit: z.coerce.number().int().min(1).max(MOST_ENTRIES).default(1000),
    }),
    answer: list(entryView),
  },
  "GET /v1/log/proof": {
    access: ALL,
    summary: "That a line, or a contract's line, stands in the log",
    query: z.strictObject({
      index: size().optional(),
      contract: z.string().min(1).max(128).optional().describe("Instead of the index."),
    }),
    answer: inclusionView,
  },
  "GET /v1/log/consistency": {
    access: ALL,
    summary: "That the log of `second` lines begins with that of `first`",
    query: z.strictObject({ first: size(), second: size() }),
    answer: consistencyView,
  },
  "POST /v1/log/cosignatures": {
    access: ALL,
    summary: "Stand by a head as a witness",
    body: z.strictObject({
      size: z.int().min(0),
      witness: publicKey(),
      signature: signature().describe(
        'By the witness, of the canonical text {"at":AT,"kind":"weft/cosign/1","log":LOG,"root":ROOT,"size":SIZE}.',
      ),
    }),
    answer: signedHead,
    status: 201,
  },
} as const satisfies Readonly<Record<string, Route>>;
