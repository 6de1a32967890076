import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { assert } from "@weft/kernel";
import type { Caller } from "@weft/service";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { ManagerApi } from "../manager-api.ts";
import { applicationJsonSchema } from "../manifest/application.ts";
import { pipelineJsonSchema } from "../manifest/pipeline.ts";
import { taskJsonSchema } from "../manifest/schema.ts";
import type { Route } from "../route.ts";
import { ROUTES, type RouteName, splitRoute } from "../routes.ts";
import { serveTmForum } from "../tmforum/server.ts";
import type { EventView } from "../views.ts";
import { wireText } from "../wire/quantities.ts";
import { admit, isLoopback } from "./access.ts";
import { asCloudEvent, CLOUD_EVENT_BATCH, cloudEventForm } from "./cloud-events.ts";
import { type ApiError, errorBody, INTERNAL, NO_ROUTE, requestError, statusOf } from "./errors.ts";
import { OLDEST } from "./event-log.ts";
import type { Asked, PlainRoute, SpecialRoute } from "./handler.ts";
import { HANDLERS } from "./handlers.ts";
import { type ServerMetrics, serverMetrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { json } from "./reply.ts";
import { Streams } from "./streams.ts";

/** The largest body of the API itself: a manifest, its order, and room. Contents go to `/data/`. */
const BODY_BYTES = 1 << 20;
const BODY_MS = 15_000;
const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 75_000;
const CLOSE_MS = 5_000;
const MOST_CONNECTIONS = 8192;

export interface ApiServerOptions {
  readonly manager: ManagerApi;
  /** Answers what lies under `/data/`; false for anything else. */
  readonly data?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Takes over connections to be upgraded, such as agents' at `/v1/agents`; false, untouched, where there is none such. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  /** Takes requests and failures as JSON lines (pino's); nothing is written by default. Tokens are never in it. */
  readonly log?: { readonly level: string; readonly write: (line: string) => void };
}

export interface ApiServer {
  readonly http: Server;
  /** Resolves to the URL it answers at. Port 0: any free one. Rejects with the system's error, such as EADDRINUSE. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Ends the streams, lets requests under way finish, and closes. */
  close(): Promise<void>;
}

/** The `/v1` API, and what else is mounted beside it, on one HTTP server. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { manager } = options;
  let http: Server | undefined;
  /** Connections that were upgraded: no longer HTTP's, so not closed with it. */
  const taken = new Set<Duplex>();
  const fastify = Fastify({
    serverFactory: (handler) => (http = httpServer(handler, options, taken)),
    bodyLimit: BODY_BYTES,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 256 },
    logger: options.log === undefined ? false : { level: options.log.level, stream: options.log },
  });
  const streams = new Streams();
  const metrics = serverMetrics(manager, streams);
  const special = specialRoutes(manager, streams, metrics);
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const { method, path } = splitRoute(name);
    fastify.route({
      method,
      // Braces are OpenAPI's; a colon that is meant as one is written twice for Fastify.
      url: path.replaceAll(":", "::").replace(/\{(\w+)\}/g, ":$1"),
      exposeHeadRoute: false,
      handler: (request, reply) => answer(name, special, manager, request, reply),
    });
  }
  serveTmForum(fastify, manager);
  fastify.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url?.replaceAll("::", ":") ?? "none";
    metrics.observe(`${request.method} ${route}`, reply.statusCode, reply.elapsedTime / 1000);
  });
  fastify.setNotFoundHandler((_, reply) => say(reply, { refusal: NO_ROUTE }));
  fastify.setErrorHandler((error, request, reply) => say(reply, failure(error, request)));
  assert(http !== undefined, "Fastify makes its server at once");
  return {
    http,
    listen: (address) => listen(fastify, http as Server, address),
    close: () => closeAll(fastify, http as Server, streams, taken),
  };
}

function httpServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  { data, upgrade }: ApiServerOptions,
  taken: Set<Duplex>,
): Server {
  const server = createServer(
    // Uploads may take long, so no limit on whole requests: headers and the API's own bodies have theirs.
    {
      headersTimeout: HEADERS_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: 0,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      if (data?.(request, response)) return;
      const late = setTimeout(() => request.complete || request.destroy(), BODY_MS);
      response.once("close", () => clearTimeout(late));
      handler(request, response);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.on("upgrade", (request, socket, head) => {
    if (upgrade?.(request, socket, head)) {
      taken.add(socket);
      socket.once("close", () => taken.delete(socket));
      return;
    }
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  return server;
}

/** The way of every request: may it, is it understood, then the handler's answer. */
async function answer(
  name: RouteName,
  special: ReturnType<typeof specialRoutes>,
  manager: ManagerApi,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const route: Route = ROUTES[name];
  const admission = await admit(
    route.access,
    request.headers.authorization,
    isLoopback(request.socket.remoteAddress),
    (digest) => manager.authenticate(digest),
    route.act,
  );
  if (!admission.ok) return say(reply, admission);
  const read = readRequest(route, request);
  if (!read.ok) return say(reply, read.error);
  const asked = { ...read.parts, caller: admission.caller as Caller };
  if (name in special) return special[name as SpecialRoute](asked as never, request, reply);
  const handler = HANDLERS[name as PlainRoute] as (
    manager: ManagerApi,
    asked: unknown,
  ) => ReturnType<(typeof HANDLERS)[PlainRoute]>;
  const answered = await handler(manager, asked);
  if (!answered.ok) return say(reply, answered);
  return json(reply, route.status ?? 200, answered.value);
}

function readRequest(
  route: Route,
  request: FastifyRequest,
): { readonly ok: true; readonly parts: object } | { readonly ok: false; readonly error: ApiError } {
  const parts: Record<string, unknown> = {};
  for (const part of ["params", "query", "body"] as const) {
    const schema = route[part];
    if (schema === undefined) continue;
    const checked = schema.safeParse(request[part]);
    if (!checked.success)
      return { ok: false, error: requestError(part, schema, request[part], checked.error) };
    parts[part] = checked.data;
  }
  return { ok: true, parts };
}

type Special<N extends SpecialRoute> = (
  asked: Asked<N>,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

function specialRoutes(
  manager: ManagerApi,
  streams: Streams,
  metrics: ServerMetrics,
): { readonly [N in SpecialRoute]: Special<N> } {
  let description: string | undefined;
  /** A stream answers by itself unless it is refused. */
  const stream = async (
    reply: FastifyReply,
    start: (response: ServerResponse) => Promise<ApiError["refusal"] | null>,
  ) => {
    const refusal = await start(reply.raw);
    return refusal === null ? reply.hijack() : say(reply, { refusal });
  };
  return {
    "GET /v1/tasks/{task}/logs": async ({ caller, params, query }, _, reply) => {
      const task = await manager.task(caller, params.task);
      if (!task.ok) return say(reply, task);
      return stream(reply, (response) => streams.logs(response, manager, caller, task.value.id, query));
    },
    "GET /v1/events": ({ caller, query }, request, reply) => {
      const header = request.headers["last-event-id"];
      const after = (Array.isArray(header) ? header[0] : header) ?? query.after ?? null;
      const form = cloudEventForm(request.headers.accept);
      if (form === CLOUD_EVENT_BATCH)
        return batch(manager, streams, reply, caller, after ?? OLDEST, query.subjects);
      return stream(reply, (response) =>
        streams.events(response, manager, caller, after, query.subjects, form !== null),
      );
    },
    "GET /v1/schemas/task": async (_, __, reply) =>
      reply.type("application/schema+json").send(JSON.stringify(taskJsonSchema(), null, 2)),
    "GET /v1/schemas/application": async (_, __, reply) =>
      reply.type("application/schema+json").send(JSON.stringify(applicationJsonSchema(), null, 2)),
    "GET /v1/schemas/pipeline": async (_, __, reply) =>
      reply.type("application/schema+json").send(JSON.stringify(pipelineJsonSchema(), null, 2)),
    "GET /openapi.json": async (_, __, reply) => {
      description ??= JSON.stringify(openApi(manager.network().version));
      return reply.type("application/json").send(description);
    },
    "GET /healthz": async (_, __, reply) => json(reply, 200, manager.health()),
    "GET /readyz": async (_, __, reply) => {
      const health = manager.health();
      return json(reply, health.ready ? 200 : 503, health);
    },
    "GET /metrics": async (_, __, reply) =>
      reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics.text()),
  };
}

/** What happened after a cursor, as one JSON batch of CloudEvents. */
async function batch(
  manager: ManagerApi,
  streams: Streams,
  reply: FastifyReply,
  caller: Caller,
  after: string,
  subjects: readonly EventView["subject"][],
): Promise<FastifyReply> {
  const past = await streams.past(manager, caller, after, subjects);
  if (!past.ok) return say(reply, past);
  const events = past.value.map((event) => asCloudEvent(event, manager.network()));
  return reply
    .type(`${CLOUD_EVENT_BATCH}; charset=utf-8`)
    .header("cache-control", "no-store")
    .send(wireText(events));
}

function say(reply: FastifyReply, error: ApiError): FastifyReply {
  const status = statusOf(error.refusal.code);
  if (status === 401) reply.header("www-authenticate", "Bearer");
  return reply.code(status).type("application/json; charset=utf-8").send(errorBody(error));
}

/** What Fastify itself refuses, in our words; anything else is a failure of ours, told to the log alone. */
function failure(error: unknown, request: FastifyRequest): ApiError {
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return {
      refusal: {
        code: "E_TOO_LARGE",
        message: "the body is too large",
        expected: `at most ${BODY_BYTES} bytes`,
      },
    };
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return {
      refusal: { code: "E_MEDIA_TYPE", message: "not JSON", expected: "Content-Type: application/json" },
    };
  }
  if (statusCode !== undefined && statusCode < 500) {
    return { refusal: { code: "E_REQUEST", message: message ?? "not understood" } };
  }
  request.log.error(error);
  return { refusal: INTERNAL };
}

async function listen(
  fastify: FastifyInstance,
  http: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  await fastify.listen({ host, port });
  const address = http.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}

async function closeAll(
  fastify: FastifyInstance,
  http: Server,
  streams: Streams,
  taken: ReadonlySet<Duplex>,
) {
  streams.endAll();
  for (const socket of taken) socket.destroy();
  // A peer that neither finishes nor leaves must not keep the process alive.
  const late = setTimeout(() => http.closeAllConnections(), CLOSE_MS);
  await fastify.close();
  clearTimeout(late);
}
