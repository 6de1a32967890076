import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import {
  CentralisedAgent,
  canopy,
  centralisedCollector,
  Gateway,
  linkState,
  type Participant,
  PathVector,
} from "@weft/announcement";
import type { NodeDescription, NodeId, NodeLoad } from "@weft/infrastructure";
import { ok, refuse } from "@weft/kernel";
import { createSigner, liveClock, nodeCryptography } from "@weft/live";
import { afterEach, describe, expect, it } from "vitest";
import { BUS_MESSAGE_BYTES, type Bus } from "./bus.ts";
import { NatsBus } from "./bus-nats.ts";
import { openBus } from "./bus-open.ts";
import { BusServer, WebSocketBus } from "./bus-websocket.ts";
import { ParticipantHost, subjectOf } from "./participant-host.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Starts a bus and returns how to become a member of it. */
async function embedded(): Promise<() => Promise<Bus>> {
  const server = createServer();
  const bus = new BusServer(({ token }) =>
    token === "member" ? ok(null) : refuse("bad_token", "no member"),
  );
  bus.attach(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  cleanups.push(() => {
    bus.close();
    server.closeAllConnections();
    server.close();
  });
  return async () => {
    const member = new WebSocketBus({ urls: [url], token: () => "member", jitter: () => 0.5 });
    cleanups.push(() => member.close());
    await member.ready();
    return member;
  };
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createTcpServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

async function nats(): Promise<() => Promise<Bus>> {
  const port = await freePort();
  const server: ChildProcess = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], {
    stdio: "ignore",
  });
  cleanups.push(() => {
    server.kill();
  });
  const url = `nats://127.0.0.1:${port}`;
  const join = async (tries = 50): Promise<NatsBus> => {
    try {
      return await NatsBus.connect(url);
    } catch (error) {
      if (tries === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return join(tries - 1);
    }
  };
  return async () => {
    const member = await join();
    cleanups.push(() => member.close());
    return member;
  };
}

const hasNats = spawnSync("nats-server", ["--version"]).status === 0;
const buses = [
  { name: "embedded WebSocket bus", start: embedded, missing: null },
  { name: "NATS", start: nats, missing: hasNats ? null : "nats-server is not installed" },
];

for (const { name, start, missing } of buses) {
  const title = missing === null ? name : `${name} (skipped: ${missing})`;
  describe.skipIf(missing !== null)(`the bus contract: ${title}`, () => {
    it("a message reaches everybody who listens on its subject, nobody else, in order", async () => {
      const join = await start();
      const [a, b, c] = [await join(), await join(), await join()];
      const got: string[] = [];
      const listen = (who: string, bus: Bus, subject: string) =>
        bus.subscribe(subject, (m) => got.push(`${who} ${Buffer.from(m).toString()}`));
      listen("a", a, "weft.x");
      listen("b", b, "weft.x");
      listen("c", c, "weft.y");
      await Promise.all([a.ready(), b.ready(), c.ready()]);
      for (let i = 0; i < 100; i++) expect(c.publish("weft.x", Buffer.from(String(i))).ok).toBe(true);
      expect(a.publish("weft.y", Buffer.from("to c")).ok).toBe(true);
      while (got.length < 201) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const who of ["a", "b"]) {
        const expected = Array.from({ length: 100 }, (_, i) => `${who} ${i}`);
        expect(got.filter((line) => line.startsWith(who))).toEqual(expected);
      }
      expect(got.filter((line) => line.startsWith("c"))).toEqual(["c to c"]);
    });

    it("who no longer listens hears nothing; what is too large is refused", async () => {
      const join = await start();
      const [a, b] = [await join(), await join()];
      let heard = 0;
      const stop = b.subscribe("s", () => heard++);
      const counted = new Promise<void>((resolve) => b.subscribe("done", () => resolve()));
      await b.ready();
      a.publish("s", new Uint8Array(BUS_MESSAGE_BYTES));
      expect(a.publish("s", new Uint8Array(BUS_MESSAGE_BYTES + 1))).toMatchObject({
        refusal: { code: "oversized" },
      });
      while (heard === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      stop();
      await b.ready();
      a.publish("s", new Uint8Array(1));
      a.publish("done", new Uint8Array(1));
      await counted;
      expect(heard).toBe(1);
    });

    for (const architecture of ["centralised", "link-state", "path-vector", "hybrid", "canopy"] as const) {
      it(`${architecture} announcement runs over it`, async () => {
        const join = await start();
        await announceLive(architecture, join);
      });
    }
  });
}

const id = (name: string) => name as NodeId;

const descriptionOf = (name: string): NodeDescription =>
  ({
    id: name,
    tier: "edge",
    site: name,
    domain: name,
    labels: {},
    power: { logical: 1e9, parallel: 1e9, neural: 1e9 },
    laneRate: { logical: 1e9, parallel: 1e9, neural: 1e9 },
    memoryBytes: 1e9,
    storage: { capacityBytes: 1e9, throughput: 1e8, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm"],
    security: "encrypted",
    watts: null,
    gramsPerKwh: null,
  }) as unknown as NodeDescription;

const loadOf = (name: string, us: number): NodeLoad =>
  ({
    node: name,
    othersUse: { logical: 0, parallel: 0, neural: 0 },
    freeMemoryBytes: 1e9,
    freeStorageBytes: 1e9,
    queue: { logical: us, parallel: us, neural: us },
    battery: null,
    accepting: true,
    at: 0,
  }) as unknown as NodeLoad;

/** Three domains (a, b, c) of two nodes, really signed, in real time: a change at c1 becomes known at a1. */
async function announceLive(architecture: string, join: () => Promise<Bus>): Promise<void> {
  const signers = new Map<string, ReturnType<typeof createSigner>>();
  const signerOf = (name: string) => {
    const signer = signers.get(name) ?? createSigner();
    signers.set(name, signer);
    return signer;
  };
  const keyOf = (name: NodeId) => signerOf(name).publicKey;
  const of = (name: string) => [id(name), signerOf(name), nodeCryptography, keyOf] as const;
  const names = ["a0", "a1", "b0", "b1", "c0", "c1"];
  const regional = architecture === "hybrid";
  const make = (name: string): Participant => {
    switch (architecture) {
      case "centralised":
        return name === "a0" ? centralisedCollector(...of(name)) : new CentralisedAgent(...of(name));
      case "link-state":
        return linkState(...of(name));
      case "path-vector":
        return new PathVector(...of(name));
      case "canopy":
        return canopy(...of(name));
      default: {
        if (name.endsWith("1")) return new CentralisedAgent(...of(name));
        const domain = id(`domain-${name[0]}`);
        const outer = new PathVector(...of(domain), undefined, undefined, null, id(name));
        return new Gateway(centralisedCollector(...of(name)), outer, {
          region: { id: domain, site: name as never, domain: name[0] as never },
          gateways: [id(name)],
          isMember: (origin) => !origin.startsWith("domain-"),
          isOutside: (peer) => peer[0] !== name[0],
        });
      }
    }
  };
  const pairs: [string, string][] =
    architecture === "centralised"
      ? names.slice(1).map((name) => ["a0", name])
      : [
          ["a0", "a1"],
          ["b0", "b1"],
          ["c0", "c1"],
          ["a0", "b0"],
          ["b0", "c0"],
          ["c0", "a0"],
        ];
  const hosts = new Map<string, ParticipantHost>();
  for (const name of names) {
    const bus = await join();
    const host = new ParticipantHost(id(name), make(name), bus, liveClock());
    cleanups.push(() => host.close());
    hosts.set(name, host);
    await bus.ready();
  }
  for (const [x, y] of pairs) {
    hosts.get(x)!.join(id(y));
    hosts.get(y)!.join(id(x));
  }
  for (const [i, name] of names.entries()) {
    const publication = { description: descriptionOf(name), load: loadOf(name, (i + 1) * 1e6) };
    hosts.get(name)!.handle({ kind: "publish", publication });
  }
  const seen = () =>
    hosts.get("a1")!.participant.view.get(id(regional ? "domain-c" : "c1"))?.load?.queue.neural;
  while (seen() === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  hosts.get("c1")!.handle({ kind: "publish", publication: { load: loadOf("c1", 100_000) } });
  while (seen() !== 100_000) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(hosts.get("a1")!.participant.view.counters.forged).toBe(0);
}

it("a bus that is none, or is not there, is refused by name", async () => {
  const embeddedOptions = { urls: ["http://127.0.0.1:1"], token: () => null, jitter: () => 0 };
  expect(await openBus("redis://x", embeddedOptions)).toMatchObject({ refusal: { code: "E_BUS" } });
  const closed = await openBus(`nats://127.0.0.1:${await freePort()}`, embeddedOptions);
  expect(closed).toMatchObject({ refusal: { code: "E_BUS", hint: "is nats-server running there?" } });
});

it("subjects name nodes whatever their ids contain", () => {
  expect(subjectOf(id("edge-1"))).toBe("weft.node.edge-1");
  expect(subjectOf(id("a.b c>*"))).toBe("weft.node.a=2e=b=20=c=3e==2a=");
});
