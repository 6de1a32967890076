import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { ok, type Refusal, refuse } from "@weft/kernel";
import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Channel, ChannelLimits } from "./channel.ts";
import { type ConnectionOptions, ManagerConnection } from "./connection.ts";
import { AgentEndpoint } from "./endpoint.ts";
import type { Json } from "./frame.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const listen = (server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}) =>
  new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );

interface Manager {
  readonly url: string;
  readonly port: number;
  readonly endpoint: AgentEndpoint<string>;
  readonly server: Server;
  readonly sessions: Channel[];
  readonly got: (string | Json)[];
  readonly closed: string[];
  echo: boolean;
}

async function manager(limits: Partial<ChannelLimits> = {}, port = 0): Promise<Manager> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  const state = {
    sessions: [] as Channel[],
    got: [] as (string | Json)[],
    closed: [] as string[],
    echo: false,
  };
  const endpoint = new AgentEndpoint<string>({
    limits,
    authorize: ({ token }) =>
      token?.startsWith("good") ? ok(token) : refuse("bad_token", "no such join token"),
    accept(session, identity) {
      state.sessions.push(session);
      state.got.push(`hello ${identity}`);
      return {
        announcement: (bytes) => {
          if (manager.echo) session.sendAnnouncement(bytes);
          else state.got.push(Buffer.from(bytes).toString("hex"));
        },
        control: (channel, body) => state.got.push([channel, body]),
        closed: (reason) => state.closed.push(reason),
      };
    },
  });
  endpoint.attach(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const at = (server.address() as AddressInfo).port;
  const manager: Manager = { ...state, url: `http://127.0.0.1:${at}`, port: at, endpoint, server };
  cleanups.push(() => {
    endpoint.close();
    server.closeAllConnections();
    server.close();
  });
  return manager;
}

class Agent {
  readonly log: string[] = [];
  readonly got: (string | Json)[] = [];
  readonly failures: Refusal[] = [];
  bytes = 0;
  readonly connection: ManagerConnection;
  #waiting: (() => void)[] = [];

  constructor(urls: readonly string[], options: Partial<ConnectionOptions> = {}) {
    this.connection = new ManagerConnection(
      { urls, token: () => "good", jitter: () => 0.5, backoff: { firstMs: 10, longestMs: 50 }, ...options },
      {
        connected: () => this.#note("connected"),
        disconnected: () => this.#note("disconnected"),
        failed: (refusal) => {
          this.failures.push(refusal);
          this.#note(`failed ${refusal.code}`);
        },
        announcement: (bytes) => {
          this.bytes += bytes.length;
          this.#note();
        },
        control: (channel, body) => {
          this.got.push([channel, body]);
          this.#note();
        },
        drained: () => this.#note("drained"),
      },
    );
    cleanups.push(() => this.connection.close());
  }

  #note(what?: string): void {
    if (what !== undefined) this.log.push(what);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when the condition holds, looked at after everything that happens. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

it("carries announcements and control messages both ways, in order", async () => {
  const m = await manager();
  const agent = new Agent([m.url]);
  await agent.until(() => agent.log.includes("connected"));
  for (let i = 0; i < 3; i++) expect(agent.connection.sendAnnouncement(Uint8Array.of(i, 255)).ok).toBe(true);
  agent.connection.sendControl("runs", { id: "r1", état: null });
  agent.connection.sendAnnouncement(new Uint8Array(0));
  await eventually(() => m.got.length === 6);
  expect(m.got).toEqual(["hello good", "00ff", "01ff", "02ff", ["runs", { id: "r1", état: null }], ""]);
  m.sessions[0]?.sendControl("launch", ["x", 1]);
  await agent.until(() => agent.got.length === 1);
  expect(agent.got).toEqual([["launch", ["x", 1]]]);
});

it("refuses a wrong token by name before anything is accepted, and keeps trying", async () => {
  const m = await manager();
  let token = "bad";
  const agent = new Agent([m.url], { token: () => token });
  await agent.until(() => agent.failures.length >= 2);
  expect(agent.failures[0]).toEqual({ code: "bad_token", message: "no such join token" });
  expect(m.sessions).toHaveLength(0);
  token = "good-now";
  await agent.until(() => agent.log.includes("connected"));
  expect(m.got[0]).toBe("hello good-now");
});

it("heals a lost connection by itself, also over a manager that restarts", async () => {
  const m = await manager();
  const agent = new Agent([m.url]);
  await agent.until(() => agent.log.includes("connected"));
  await eventually(() => m.sessions.length === 1);
  m.sessions[0]?.terminate("test");
  await agent.until(() => agent.log.filter((entry) => entry === "connected").length === 2);
  m.endpoint.close();
  await new Promise<void>((resolve) => m.server.close(() => resolve()));
  await agent.until(() => agent.failures.some(({ code }) => code === "unreachable"));
  expect(agent.connection.sendControl("x", 1)).toMatchObject({ refusal: { code: "not_connected" } });
  await manager({}, m.port);
  await agent.until(() => agent.log.filter((entry) => entry === "connected").length === 3);
});

it("dials the next manager when the first does not answer", async () => {
  const m = await manager();
  const agent = new Agent(["http://127.0.0.1:1", m.url]);
  await agent.until(() => agent.log.includes("connected"));
  expect(agent.log).toEqual(["failed unreachable", "connected"]);
});

it("refuses what is too large and what does not fit the queue, and tells when there is room", async () => {
  const m = await manager();
  const agent = new Agent([m.url], { limits: { messageBytes: 100_000, queueBytes: 250_000 } });
  await agent.until(() => agent.log.includes("connected"));
  const message = new Uint8Array(100_000);
  expect(agent.connection.sendAnnouncement(new Uint8Array(100_001))).toMatchObject({
    refusal: { code: "oversized" },
  });
  let sent = 0;
  while (agent.connection.sendAnnouncement(message).ok) {
    if (++sent > 10_000) throw new Error("the queue never filled");
  }
  expect(agent.connection.queuedBytes).toBeLessThanOrEqual(250_000);
  expect(agent.connection.sendAnnouncement(message)).toMatchObject({ refusal: { code: "queue_full" } });
  await agent.until(() => agent.log.includes("drained"));
  expect(agent.connection.sendAnnouncement(message).ok).toBe(true);
  await eventually(() => m.got.length === sent + 2);
});

it("ends a session whose other side fell silent", async () => {
  const m = await manager({ pingMs: 40 });
  const relay = await frozenRelay(m.port);
  // Much slower than the manager: the first to give up closes the way of the other too.
  const agent = new Agent([relay.url], { limits: { pingMs: 400 } });
  await agent.until(() => agent.log.includes("connected"));
  relay.freeze();
  await eventually(() => m.closed.length === 1);
  await agent.until(() => agent.log.includes("disconnected"));
  expect(m.closed[0]).toBe("nothing heard from the other side");
  relay.thaw();
  await agent.until(() => agent.log.filter((entry) => entry === "connected").length === 2);
});

it("ends a session that sends what is not a frame, and takes no more sessions than its limit", async () => {
  const m = await manager();
  const raw = new WebSocket(`${m.url.replace("http", "ws")}/v1/agents`, {
    headers: { authorization: "Bearer good" },
  });
  await new Promise((resolve) => raw.once("open", resolve));
  raw.send(Buffer.from([1, 0, 0, 0, 9, 1]));
  const code = await new Promise((resolve) => raw.once("close", resolve));
  expect(code).toBe(1007);
  expect(m.closed).toEqual(["the other side sent a frame cut short"]);
  expect(m.endpoint.sessions.size).toBe(0);
});

it("leaves other paths to others", async () => {
  const m = await manager();
  m.server.on("upgrade", (request, socket) => {
    if (request.url === "/other") socket.end("HTTP/1.1 418 teapot\r\n\r\n");
  });
  const raw = new WebSocket(`${m.url.replace("http", "ws")}/other`);
  const status = await new Promise((resolve) => {
    raw.once("unexpected-response", (_request, response) => resolve(response.statusCode));
    raw.on("error", () => {});
  });
  expect(status).toBe(418);
});

it("echoes many small messages in batches", async () => {
  const m = await manager();
  m.echo = true;
  const agent = new Agent([m.url]);
  await agent.until(() => agent.log.includes("connected"));
  const message = new Uint8Array(200);
  const rounds = 20;
  const each = 1000;
  for (let round = 1; round <= rounds; round++) {
    for (let i = 0; i < each; i++) agent.connection.sendAnnouncement(message);
    await agent.until(() => agent.bytes === round * each * message.length);
  }
  expect(agent.bytes).toBe(rounds * each * message.length);
});

/** A TCP relay to a local port that can stop moving bytes without closing anything. */
async function frozenRelay(port: number) {
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createTcpServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (data) => void (frozen || to.write(data)));
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  const at = await listen(server);
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${at}`,
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
    },
  };
}
