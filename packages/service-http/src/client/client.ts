import type { IncomingMessage } from "node:http";
import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { pause } from "@weft/live";
import type { z } from "zod";
import type { Route } from "../route.ts";
import { ROUTES, type RouteAnswer, type RouteInput, type RouteName, splitRoute } from "../routes.ts";
import type { EventView, LogLine } from "../views.ts";
import { eventView } from "../wire/events.ts";
import { wireText } from "../wire/quantities.ts";
import { logLine } from "../wire/views.ts";
import { exchange, readLines, readText } from "./exchange.ts";

export interface ClientOptions {
  /** Such as http://127.0.0.1:7070. */
  readonly server: string;
  readonly token: string;
  /** How long to wait for an answer to begin; 30 s unless said otherwise. */
  readonly timeoutMs?: number;
  /** Further attempts at what may be repeated safely; 4 unless said otherwise. */
  readonly retries?: number;
  /** Wait before the second attempt, doubled each time; 100 ms unless said otherwise. */
  readonly backoffMs?: number;
  /** Told once when a stream of events waits for a server that is away; it goes on waiting. */
  readonly waiting?: (refusal: Refusal) => void;
}

/** A refusal from the server, the network or this client, with any others told beside it. */
export type ClientRefusal = Refusal & { readonly others?: readonly Refusal[] };
export type ClientResult<T> = Result<T, ClientRefusal>;

/** What a watcher gets: a change; or, first of all and after some were missed, word to list what there is now. */
export type Watched = EventView | { readonly subject: "list" };

type Given<N extends RouteName> = {
  readonly [K in "params" | "query" | "body" as (typeof ROUTES)[N] extends { readonly [k in K]: z.ZodType }
    ? K
    : never]: K extends "query" ? Partial<RouteInput<N, K>> : RouteInput<N, K>;
};

/** Routes that change something and must not be repeated by themselves. A submission is known by its order. */
const ONCE: ReadonlySet<RouteName> = new Set([
  "POST /v1/tokens",
  "POST /v1/tokens/{token}/rotate",
  "POST /v1/organisations",
  "POST /v1/organisations/{organisation}/members",
  "POST /v1/organisations/{organisation}/tokens",
]);
const MOST_BACKOFF_MS = 5_000;
/** A server says something on a stream at least every 15 s. */
const SILENCE_MS = 45_000;

/**
 * The API as functions: what goes in and out is checked and typed by the table of routes. Nothing throws but a bug:
 * what the server or the network refuses is a value.
 */
export class WeftClient {
  readonly server: URL;
  readonly #token: string;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #backoffMs: number;
  readonly #waiting: (refusal: Refusal) => void;

  constructor(options: ClientOptions) {
    this.server = new URL(options.server);
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#retries = options.retries ?? 4;
    this.#backoffMs = options.backoffMs ?? 100;
    this.#waiting = options.waiting ?? (() => {});
  }

  /** One request, repeated while the server is away or overloaded and it is safe to. */
  async call<N extends RouteName>(
    name: N,
    given: Given<N>,
    signal?: AbortSignal,
  ): Promise<ClientResult<RouteAnswer<N>>> {
    const route: Route = ROUTES[name];
    for (let attempt = 0; ; attempt++) {
      const answered = await this.#once(name, given, signal);
      // Who waited in vain for the whole timeout is told so rather than made to wait again.
      const again =
        !answered.ok &&
        PASSING.has(answered.refusal.code) &&
        answered.refusal.code !== "E_TIMEOUT" &&
        !ONCE.has(name);
      if (answered.ok) return decode(route, answered.value) as ClientResult<RouteAnswer<N>>;
      if (!again || attempt >= this.#retries || signal?.aborted) return answered;
      await pause(Math.min(MOST_BACKOFF_MS, this.#backoffMs * 2 ** attempt), signal);
    }
  }

  /** Every item of a paged list, pages fetched as they are needed. Ends early with the refusal of a page. */
  async *all<N extends PagedRoute>(
    name: N,
    query: Partial<RouteInput<N, "query">>,
    params: Readonly<Record<string, string>> = {},
  ): AsyncGenerator<ClientResult<PagedItem<N>>> {
    for (let cursor: string | null = null; ; ) {
      const asked = { ...query, ...(cursor === null ? {} : { cursor }) } as Partial<RouteInput<N, "query">>;
      const page = await this.call(name, { query: asked, params } as unknown as Given<N>);
      if (!page.ok) {
        yield page;
        return;
      }
      const { items, next } = page.value as {
        readonly items: readonly PagedItem<N>[];
        readonly next: string | null;
      };
      for (const item of items) yield ok(item);
      if (next === null) return;
      cursor = next;
    }
  }

  /**
   * Changes as they happen, from now or after `after`, across lost connections. Whoever lists when told to, and then
   * follows, misses nothing. Ends only by `signal`, or with a refusal that no waiting mends.
   */
  async *events(
    options: {
      readonly subjects?: readonly EventView["subject"][];
      readonly after?: string;
      readonly signal?: AbortSignal;
    } = {},
  ): AsyncGenerator<ClientResult<Watched>> {
    const { signal } = options;
    let after = options.after;
    let told = false;
    for (let failures = 0; !signal?.aborted; ) {
      const path = withQuery("/v1/events", {
        ...(options.subjects ? { subjects: options.subjects.join(",") } : {}),
      });
      const opened = await this.#open(
        "GET",
        path,
        after === undefined ? {} : { "last-event-id": after },
        undefined,
        signal,
      );
      if (opened.ok) {
        failures = 0;
        told = false;
        if (after === undefined) yield ok({ subject: "list" });
        try {
          for await (const event of serverSentEvents(opened.value)) {
            const read = eventView.parse(JSON.parse(event)) as EventView;
            after = read.cursor;
            yield ok(read);
          }
        } catch {
          // The connection broke; what came is told, the rest is asked for again.
        }
      } else if (opened.refusal.code === "E_EVENTS_GONE") {
        after = undefined;
        continue;
      } else if (!PASSING.has(opened.refusal.code)) {
        if (!signal?.aborted) yield opened;
        return;
      } else if (!told) {
        told = true;
        this.#waiting(opened.refusal);
      }
      await pause(Math.min(MOST_BACKOFF_MS, this.#backoffMs * 2 ** failures++), signal);
    }
  }

  /** What a task printed; with `follow` until it ends, across lost connections. */
  async *logs(
    task: string,
    options: { readonly follow?: boolean; readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ClientResult<LogLine>> {
    const { follow = false, signal } = options;
    let after = options.after ?? 0;
    for (let failures = 0; !signal?.aborted; ) {
      const path = withQuery(`/v1/tasks/${encodeURIComponent(task)}/logs`, {
        follow: String(follow),
        after: String(after),
      });
      const opened = await this.#open("GET", path, {}, undefined, signal);
      if (opened.ok) {
        try {
          for await (const line of readLines(opened.value)) {
            const read = logLine.parse(JSON.parse(line));
            after = read.serial;
            failures = 0;
            yield ok(read);
          }
          if (opened.value.complete) return;
        } catch {
          // The connection broke; go on after the last line that came whole.
        }
      } else if (!PASSING.has(opened.refusal.code) || failures >= this.#retries) {
        if (!signal?.aborted) yield opened;
        return;
      }
      await pause(Math.min(MOST_BACKOFF_MS, this.#backoffMs * 2 ** failures++), signal);
    }
  }

  async #once(
    name: RouteName,
    given: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown },
    signal: AbortSignal | undefined,
  ): Promise<ClientResult<unknown>> {
    const { method, path } = splitRoute(name);
    const params = (given.params ?? {}) as Record<string, string>;
    const filled = path.replace(/\{(\w+)\}/g, (_, param: string) =>
      encodeURIComponent(params[param] as string),
    );
    const body = given.body === undefined || method !== "POST" ? undefined : wireText(given.body);
    const opened = await this.#open(
      method,
      withQuery(filled, given.query as Record<string, unknown>),
      {},
      body,
      signal,
    );
    if (!opened.ok) return opened;
    try {
      const text = await readText(opened.value);
      return ok(JSON.parse(text));
    } catch (error) {
      return refuse("E_UNREACHABLE", `the answer broke off: ${(error as Error).message}`);
    }
  }

  async #open(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ClientResult<IncomingMessage>> {
    const sent = await exchange({
      method,
      url: new URL(path, this.server),
      headers: {
        accept: "application/json, */*",
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      signal,
      timeoutMs: this.#timeoutMs,
    });
    if (!sent.ok) return sent;
    sent.value.setTimeout(SILENCE_MS, () => sent.value.destroy());
    const status = sent.value.statusCode ?? 0;
    if (status >= 200 && status < 300) return ok(sent.value);
    return { ok: false, refusal: await readRefusal(sent.value, status) };
  }
}

/** Refusals that waiting may mend. */
const PASSING: ReadonlySet<string> = new Set(["E_UNREACHABLE", "E_TIMEOUT", "E_UNAVAILABLE", "E_TOO_MANY"]);

export type PagedRoute =
  | "GET /v1/tasks"
  | "GET /v1/contracts"
  | "GET /v1/usage"
  | "GET /v1/accounts/{account}/transfers";
export type PagedItem<N extends PagedRoute> = RouteAnswer<N>["items"][number];

function decode(route: Route, json: unknown): ClientResult<unknown> {
  if (typeof route.answer === "string") return ok(json);
  const read = route.answer.safeParse(json);
  if (read.success) return ok(read.data);
  const issue = read.error.issues[0];
  return refuse("E_ANSWER", "the server's answer is not understood", {
    path: issue?.path.join(".") ?? "",
    found: issue?.message ?? "",
    hint: "client and server may be of different versions: compare weft version and GET /v1/network",
  });
}

async function readRefusal(response: IncomingMessage, status: number): Promise<ClientRefusal> {
  try {
    const { error } = JSON.parse(await readText(response, 1 << 20));
    if (typeof error?.code === "string" && typeof error.message === "string") return error;
  } catch {
    // Not ours: a proxy's page, or cut off.
  }
  const code = status >= 502 && status <= 504 ? "E_UNAVAILABLE" : "E_ANSWER";
  return { code, message: `the server answered ${status}`, hint: "is this a Weft manager? see --server" };
}

function withQuery(path: string, query: Readonly<Record<string, unknown>> = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(
    pairs.map(([key, value]): [string, string] => [key, String(value)]),
  ).toString();
  return text === "" ? path : `${path}?${text}`;
}

/** The data of each event (WHATWG HTML, 9.2.6), as far as this server writes them. */
async function* serverSentEvents(response: IncomingMessage): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const line of readLines(response)) {
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
    else if (line === "" && data.length > 0) {
      yield data.join("\n");
      data = [];
    }
  }
}
