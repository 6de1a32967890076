import { request } from "node:http";
import type { Instant, Money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { ROLE_ACTS, signOrder } from "@weft/market";
import type { Role } from "@weft/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { manifestText } from "../manifest/index.ts";
import { ROUTES, type Route, type RouteName, splitRoute } from "../routes.ts";
import { MemoryManager } from "../testing/memory-manager.ts";
import { TMF_RESOURCES } from "../tmforum/routes.ts";
import { wireText } from "../wire/quantities.ts";
import { keyProofText } from "../wire/requests.ts";
import { type ApiServer, createApiServer } from "./server.ts";

const ROLES: readonly Role[] = ["consumer", "provider", "manager"];
const consumer = createSigner();
const manager = new MemoryManager();
const tokens = {} as Record<Role | "stranger", string>;
let server: ApiServer;
let url: string;
const logged: string[] = [];

beforeAll(async () => {
  for (const role of ROLES) tokens[role] = manager.issue(role, `${role}-1`);
  tokens.stranger = manager.issue("consumer", "consumer-2");
  server = createApiServer({
    manager,
    data: (incoming, response) => {
      if (!incoming.url?.startsWith("/data/")) return false;
      response.end("data");
      return true;
    },
    upgrade: (request, socket) => {
      if (request.url !== "/v1/agents") return false;
      socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      return true;
    },
  });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => server.close());

const MANIFEST = manifestText({
  apiVersion: "weft.dev/v1",
  kind: "Task",
  metadata: { name: "count", labels: { team: "a" } },
  spec: {
    compute: { type: "logical", work: "1 GOP" },
    run: { wasm: { module: `sha256:${"c".repeat(64)}` } },
  },
});
const CONTENTS = [{ digest: "c".repeat(64), size: 1000 }];

function submission(id: string, manifest = MANIFEST) {
  const order = {
    id,
    consumer: consumer.publicKey,
    taskDigest: nodeCryptography.digest(manifest),
    payAtMost: 1000n as Money,
    notAfter: 9e15 as Instant,
  };
  return { manifest, contents: CONTENTS, order: signOrder(order, consumer) };
}

async function call(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : wireText(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}

/** What some routes have to be asked. */
const ASKED: { readonly [name in RouteName]?: string } = {
  "GET /v1/log/proof": "?index=0",
  "GET /v1/log/consistency": "?first=1&second=3",
};

describe("every route", () => {
  const names = Object.keys(ROUTES) as RouteName[];
  const concrete = (name: RouteName) => splitRoute(name).path.replace(/\{\w+\}/g, "none");
  const streaming = (route: Route) => route.answer === "text/event-stream";

  it.each(names)("%s refuses no token, a bad token, a join token", async (name) => {
    const { method } = splitRoute(name);
    const open = (ROUTES[name] as Route).access === "anyone" || (ROUTES[name] as Route).access === "local";
    const bad = [undefined, "wt_short", `wt_${"A".repeat(43)}`, `wj_${"A".repeat(43)}`, "x".repeat(9000)];
    for (const token of bad) {
      const { status, json } = await call(method, concrete(name), token);
      if (open) expect([401, 403, 404, 500]).not.toContain(status);
      else expect([status, json().error.code]).toEqual([401, "E_UNAUTHENTICATED"]);
    }
  });

  it.each(names.flatMap((name) => ROLES.map((role) => [name, role] as const)))(
    "%s for a %s",
    async (name, role) => {
      const route: Route = ROUTES[name];
      const { method } = splitRoute(name);
      const allowed = typeof route.access === "string" || route.access.includes(role);
      if (allowed && streaming(route)) return; // never ends by itself; tested below
      const { status, text } = await call(
        method,
        concrete(name),
        tokens[role],
        method === "POST" ? {} : undefined,
      );
      if (allowed) expect([200, 201, 400, 404]).toContain(status);
      else expect([status, JSON.parse(text).error.code]).toEqual([403, "E_FORBIDDEN"]);
    },
  );

  const acting = names.filter((name) => (ROUTES[name] as Route).act !== undefined);
  it.each(acting)("%s for a member who may, and for one who may not", async (name) => {
    const route: Route = ROUTES[name];
    const { method } = splitRoute(name);
    const role = (route.access as readonly Role[])[0] as Role;
    const others = ROLE_ACTS.owner.filter((act) => act !== route.act);
    const body = method === "POST" ? {} : undefined;
    const may = await call(method, concrete(name), manager.issue(role, "team", [route.act!]), body);
    const mayNot = await call(method, concrete(name), manager.issue(role, "team", others), body);
    expect([200, 201, 400, 404]).toContain(may.status);
    expect([mayNot.status, mayNot.json().error]).toEqual([
      403,
      expect.objectContaining({ code: "E_FORBIDDEN", expected: route.act }),
    ]);
  });

  it("answers what its schema says, once a task is there", async () => {
    const made = await call("POST", "/v1/tasks", tokens.consumer, submission("schema"));
    expect(made.status).toBe(201);
    manager.finish(made.json().id);
    for (const name of names) {
      const { answer, access }: Route = ROUTES[name];
      const { method, path } = splitRoute(name);
      if (method !== "GET" || typeof answer === "string") continue;
      const filled = path
        .replace("{task}", "count")
        .replace("{node}", "corner")
        .replace("{account}", "consumer-1");
      if (filled.includes("{")) continue;
      const { status, json } = await call(
        "GET",
        filled + (ASKED[name] ?? ""),
        access === "anyone" ? undefined : tokens.consumer,
      );
      expect([name, status]).toEqual([name, 200]);
      expect(answer.safeParse(json()).error, name).toBeUndefined();
    }
  });
});

describe("events as CloudEvents", () => {
  const told = {
    specversion: "1.0",
    id: expect.any(String),
    source: `urn:weft:manager:${"ab".repeat(32)}`,
    type: expect.stringMatching(/^dev\.weft\.task\.[a-z-]+$/),
    subject: expect.any(String),
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    datacontenttype: "application/json",
    data: expect.objectContaining({ name: "count" }),
  };
  it("come in batches, each going on where the last ended", async () => {
    await call("POST", "/v1/tasks", tokens.consumer, submission("cloud-1"));
    const accept = { accept: "application/cloudevents-batch+json" };
    const first = await call("GET", "/v1/events?subjects=task", tokens.consumer, undefined, accept);
    expect(first.headers.get("content-type")).toMatch("application/cloudevents-batch+json");
    const events = first.json();
    expect(events.at(-1)).toEqual(told);
    await call("POST", "/v1/tasks", tokens.consumer, submission("cloud-2"));
    const path = `/v1/events?subjects=task&after=${events.at(-1).id}`;
    const next = await call("GET", path, tokens.consumer, undefined, accept);
    expect(next.json().length).toBeGreaterThan(0);
    expect(next.json()).not.toContainEqual(events.at(-1));
    expect((await call("GET", path, tokens.stranger, undefined, accept)).json()).toEqual([]);
  });

  it("come as a stream, one by one", async () => {
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/events?after=oldest&subjects=task`, {
      headers: { authorization: `Bearer ${tokens.consumer}`, accept: "application/cloudevents+json" },
      signal: abort.signal,
    });
    let text = "";
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      if (/^data: .*\n\n/m.test(text)) break;
    }
    abort.abort();
    expect(JSON.parse(/^data: (.*)$/m.exec(text)![1]!)).toEqual(told);
  });
});

describe("tasks", () => {
  it("are read from the manifest, and the same order again is the same task", async () => {
    const body = submission("order-1");
    const first = await call("POST", "/v1/tasks", tokens.consumer, body);
    const again = await call("POST", "/v1/tasks", tokens.consumer, body);
    expect([first.status, again.json().id]).toEqual([201, first.json().id]);
    expect(manager.submissions.at(-1)).toMatchObject({
      name: "count",
      labels: { team: "a" },
      manifest: MANIFEST,
      program: { kind: "wasm", module: "c".repeat(64) },
      needs: { compute: { work: 1e9, lanes: 1 }, basic: { dataAt: "you" } },
      order: { order: { payAtMost: 1000n } },
    });
  });

  it("are the consumer's own: another's is as if it were not there", async () => {
    const { id } = (await call("POST", "/v1/tasks", tokens.consumer, submission("order-2"))).json();
    for (const [method, path] of [
      ["GET", `/v1/tasks/${id}`],
      ["GET", `/v1/tasks/${id}/logs`],
      ["GET", `/v1/tasks/${id}/explain`],
      ["DELETE", `/v1/tasks/${id}`],
    ] as const) {
      const foreign = await call(method, path, tokens.stranger);
      expect([foreign.status, foreign.json().error.code]).toEqual([404, "E_NOT_FOUND"]);
    }
    expect((await call("GET", "/v1/tasks", tokens.stranger)).json().items).toEqual([]);
    expect((await call("DELETE", `/v1/tasks/${id}`, tokens.manager)).json().phase).toBe("cancelled");
  });

  it("list by page, phase and label", async () => {
    const query = (text: string) => call("GET", `/v1/tasks?${text}`, tokens.manager);
    const all = (await query("limit=1000")).json().items.length;
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const page = (await query(`limit=2${cursor}`)).json();
      seen.push(...page.items.map((task: { id: string }) => task.id));
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(new Set(seen).size).toBe(all);
    expect((await query("labels=team=b")).json().items).toEqual([]);
    expect((await query("phase=cancelled")).json().items.length).toBeGreaterThan(0);
    for (const wrong of ["limit=0", "limit=100000", "phase=lost", "labels=a=b=c", "colour=red"]) {
      const { status, json } = await query(wrong);
      expect([wrong, status, json().error.code]).toEqual([wrong, 400, "E_REQUEST"]);
    }
  });

  it.each([
    ["no JSON", "{", 400, "E_REQUEST"],
    ["a field too many", { ...submission("x"), colour: "red" }, 400, "E_REQUEST"],
    ["a wrong manifest", submission("x", MANIFEST.replace("1 GOP", "1")), 422, "E_MANIFEST_UNIT"],
    [
      "a manifest with files",
      submission("x", MANIFEST.replace(/sha256:c+/, "a.wasm")),
      422,
      "E_MANIFEST_FILE",
    ],
    ["no sizes", { ...submission("x"), contents: [] }, 400, "E_REQUEST"],
    ["a number for money", wireText(submission("x")).replace('"1000"', "1000"), 400, "E_REQUEST"],
    ["a body too large", `{"manifest":"${"x".repeat(2 << 20)}"}`, 413, "E_TOO_LARGE"],
    ["a prototype", '{"__proto__":{"a":1}}', 400, "E_REQUEST"],
  ])("are refused with %s", async (_, body, status, code) => {
    const refused = await call("POST", "/v1/tasks", tokens.consumer, body);
    expect([refused.status, refused.json().error.code]).toEqual([status, code]);
  });

  it("may be planned without any being made", async () => {
    const before = manager.submissions.length;
    const plan = await call("POST", "/v1/tasks:plan", tokens.consumer, {
      manifest: MANIFEST,
      contents: CONTENTS,
    });
    expect([plan.status, plan.json().placement.node]).toEqual([200, "corner"]);
    expect(manager.submissions.length).toBe(before);
  });
});

describe("tokens and keys", () => {
  it("a token's secret is told once and opens what its role may; revoked it opens nothing", async () => {
    const made = await call("POST", "/v1/tokens", tokens.manager, {
      use: "api",
      account: "c",
      role: "consumer",
    });
    const { secret, id } = made.json();
    expect((await call("GET", "/v1/whoami", secret)).json()).toEqual({ account: "c", role: "consumer" });
    expect((await call("GET", "/v1/tokens", tokens.manager)).text).not.toContain(secret);
    expect((await call("DELETE", `/v1/tokens/${id}`, tokens.manager)).status).toBe(200);
    expect((await call("GET", "/v1/whoami", secret)).status).toBe(401);
  });

  it("nobody but a manager makes tokens for others", async () => {
    for (const [role, body] of [
      ["consumer", { use: "api", role: "manager" }],
      ["consumer", { use: "api", account: "consumer-2" }],
      ["consumer", { use: "join" }],
      ["provider", { use: "api", role: "consumer" }],
      ["manager", { use: "join", role: "consumer" }],
    ] as const) {
      expect((await call("POST", "/v1/tokens", tokens[role], body)).status).toBe(403);
    }
    const join = await call("POST", "/v1/tokens", tokens.provider, { use: "join" });
    expect([join.status, join.json().secret.slice(0, 3)]).toEqual([201, "wj_"]);
  });

  it("a key is taken only from who holds it", async () => {
    const key = consumer.publicKey;
    const proof = consumer.sign(keyProofText("consumer-1", key));
    expect((await call("POST", "/v1/keys", tokens.stranger, { key, proof })).json().error.code).toBe(
      "E_KEY_PROOF",
    );
    expect((await call("POST", "/v1/keys", tokens.consumer, { key, proof })).status).toBe(201);
    expect((await call("GET", "/v1/keys", tokens.consumer)).json().items[0].key).toBe(key);
  });
});

/** Reads a stream until `enough`, then hangs up. */
async function read(path: string, token: string, enough: (text: string) => boolean, headers = {}) {
  const abort = new AbortController();
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: abort.signal,
  });
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(chunk);
    if (enough(text)) break;
  }
  abort.abort();
  return { status: response.status, text };
}

describe("streams", () => {
  it("tell every change from where the watcher left, and only his own", async () => {
    const { id } = (await call("POST", "/v1/tasks", tokens.consumer, submission("watched"))).json();
    let changed = false;
    const watching = read("/v1/events?subjects=task", tokens.consumer, (text) => {
      const made = manager.task({ account: "consumer-1", role: "consumer" }, id);
      if (made.ok && !changed && text.includes("watching")) {
        changed = true;
        manager.change({ ...made.value, phase: "launched" }, "launched");
      }
      return text.includes("event: task");
    });
    const cursor = /id: (\S+)/.exec((await watching).text)?.[1] as string;
    manager.finish(id);
    const rest = await read("/v1/events", tokens.consumer, (text) => text.includes('"succeeded"'), {
      "last-event-id": cursor,
    });
    const whats = [...rest.text.matchAll(/"what":"(\w+)"/g)].map((match) => match[1]);
    expect(whats).toEqual(["running", "succeeded"]);
    const foreign = await read(`/v1/events?after=${cursor}`, tokens.stranger, (text) =>
      text.includes("watching"),
    );
    expect(foreign.text).not.toContain("event: task");
  });

  it("are refused when what is asked for is gone", async () => {
    const { status, json } = await call("GET", "/v1/events?after=other-1", tokens.consumer);
    expect([status, json().error.code]).toEqual([410, "E_EVENTS_GONE"]);
  });

  it("of logs give what was printed, follow to the end, and go on after a serial", async () => {
    const { id } = (await call("POST", "/v1/tasks", tokens.consumer, submission("printing"))).json();
    manager.print(id, "one");
    const texts = (ndjson: string) =>
      ndjson
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line).text);
    expect(texts((await call("GET", `/v1/tasks/${id}/logs`, tokens.consumer)).text)).toEqual(["one"]);
    const following = call("GET", `/v1/tasks/${id}/logs?follow=true&after=1`, tokens.consumer);
    await new Promise((resolve) => setTimeout(resolve, 50));
    manager.print(id, "two");
    manager.finish(id);
    expect(texts((await following).text)).toEqual(["two"]);
  });

  it("are bounded for each account", async () => {
    const aborts = new AbortController();
    const opened = await Promise.all(
      Array.from({ length: 70 }, () =>
        fetch(`${url}/v1/events`, {
          headers: { authorization: `Bearer ${tokens.stranger}` },
          signal: aborts.signal,
        }),
      ),
    );
    expect(opened.filter((response) => response.status === 429).length).toBeGreaterThanOrEqual(6);
    aborts.abort();
  });
});

describe("beside the API", () => {
  it("the description is OpenAPI 3.1 and names every route", async () => {
    const { openapi, paths } = (await call("GET", "/openapi.json")).json();
    expect(openapi).toBe("3.1.0");
    const named = Object.entries<object>(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const own = named.filter((route) => !route.includes(" /tmf-api/"));
    expect(new Set(own)).toEqual(new Set(Object.keys(ROUTES)));
    for (const { path } of TMF_RESOURCES) expect(named).toEqual(expect.arrayContaining([`GET ${path}`]));
    expect(paths["/v1/tasks"].post.requestBody.content["application/json"].schema.required).toContain(
      "order",
    );
    expect(paths["/v1/tasks"].get.parameters.map((one: { name: string }) => one.name)).toContain("labels");
  });

  it("metrics count requests by route, and escape what the manager says", async () => {
    const { text } = await call("GET", "/metrics");
    expect(text).toMatch(/weft_http_requests_total\{route="GET \/v1\/tasks\/:task",status="404"\} \d/);
    expect(text).toContain('weft_nodes{tier="a \\"b\\"\\n"} 3\n');
  });

  it("readiness says 503 while the store is away", async () => {
    manager.ready = false;
    expect((await call("GET", "/readyz")).status).toBe(503);
    expect((await call("GET", "/healthz")).status).toBe(200);
    manager.ready = true;
  });

  it("data and agents have their own handlers on the same port", async () => {
    expect((await call("GET", "/data/x")).text).toBe("data");
    const upgraded = await new Promise<number>((resolve) => {
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      request(`${url}/v1/agents`, { headers })
        .on("upgrade", (response) => resolve(response.statusCode ?? 0))
        .end();
    });
    expect(upgraded).toBe(101);
    const elsewhere = await new Promise<number>((resolve) => {
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      request(`${url}/v1/tasks`, { headers })
        .on("response", (response) => resolve(response.statusCode ?? 0))
        .end();
    });
    expect(elsewhere).toBe(404);
  });

  it("a failure of ours is told to the log and not to the asker, and no token is ever logged", async () => {
    const broken = new MemoryManager();
    const token = broken.issue("consumer", "c");
    broken.tasks = () => {
      throw new Error("secret detail");
    };
    const other = createApiServer({
      manager: broken,
      log: { level: "trace", write: (line) => void logged.push(line) },
    });
    const base = await other.listen({ host: "127.0.0.1", port: 0 });
    const response = await fetch(`${base}/v1/tasks`, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    await other.close();
    expect([response.status, JSON.parse(text).error.code]).toEqual([500, "E_INTERNAL"]);
    expect(text).not.toContain("secret detail");
    expect(logged.join("\n")).toContain("secret detail");
    expect(logged.join("\n")).not.toContain(token);
  });

  it("closing ends open streams", async () => {
    const other = createApiServer({ manager });
    const base = await other.listen({ host: "127.0.0.1", port: 0 });
    const stream = await fetch(`${base}/v1/events`, {
      headers: { authorization: `Bearer ${tokens.consumer}` },
    });
    await other.close();
    expect(await stream.text()).toContain("watching");
  });
});

it("every answer's schema can be told as JSON Schema", () => {
  for (const { answer } of Object.values(ROUTES) as Route[]) {
    if (typeof answer !== "string") z.toJSONSchema(answer, { io: "input", unrepresentable: "throw" });
  }
});
