import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../routes.ts";
import { MemoryManager } from "../testing/memory-manager.ts";
import {
  begin,
  CONTENTS,
  call,
  consumer,
  end,
  MANIFEST,
  manager,
  submission,
  tokens,
  url,
} from "../testing/serving.ts";
import { TMF_RESOURCES } from "../tmforum/routes.ts";
import { wireText } from "../wire/quantities.ts";
import { keyProofText } from "../wire/requests.ts";
import { createApiServer } from "./server.ts";

const logged: string[] = [];

beforeAll(begin);
afterAll(end);

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
