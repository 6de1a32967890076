import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Micros, Ratio } from "@weft/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmulatedLinks } from "./links.ts";

/*
 * Distance may never be less than asked: those bounds are exact, whatever the machine does. That it is not much
 * more is a question of timing, and the bench's.
 */

const [you, ningbo, hangzhou, island] = ["you", "ningbo", "hangzhou", "island"] as SiteId[] as [
  SiteId,
  SiteId,
  SiteId,
  SiteId,
];
const ms = (value: number) => (value * 1000) as Micros;
const mbps = (value: number) => (value * 1e6) as BitsPerSecond;

/** Answers a line `N` with N bytes, and echoes datagrams. */
async function startGateway() {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.endsWith("\n")) socket.end(Buffer.alloc(Number(text), 7));
    });
    socket.on("end", () => {
      if (!text.endsWith("\n")) socket.end(String(text.length));
    });
  });
  server.listen(0, "127.0.0.1");
  const echo = createSocket("udp4");
  echo.on("message", (message, { port, address }) => echo.send(message, port, address));
  echo.bind(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(echo, "listening")]);
  return {
    tcp: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    udp: `127.0.0.1:${echo.address().port}`,
    close: () => {
      server.close();
      echo.close();
    },
  };
}

let links: EmulatedLinks;
let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  gateway = await startGateway();
  links = await EmulatedLinks.start({
    links: [
      { from: you, to: ningbo, delay: ms(15), rate: mbps(80) },
      { from: you, to: hangzhou, delay: ms(2), rate: mbps(8) },
      { from: hangzhou, to: you, delay: ms(30), rate: null, loss: 1 as Ratio },
      { from: you, to: island, delay: ms(1), rate: null },
    ],
  });
  await links.attach(ningbo, gateway);
  await links.attach(hangzhou, gateway);
});
afterAll(async () => {
  await links.close();
  gateway.close();
});

function dial(to: SiteId): Socket {
  const socket = connect({
    port: Number(links.addressFor(you, to)?.split(":")[1]),
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  socket.on("error", () => {});
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function ask(to: SiteId, bytes: number) {
  const startedAt = performance.now();
  const socket = dial(to);
  socket.write(`${bytes}\n`);
  const got = await readAll(socket);
  socket.end();
  return { got, tookMs: performance.now() - startedAt };
}

async function ping(to: SiteId, giveUpMs = 20_000): Promise<number | "lost"> {
  const socket = createSocket("udp4");
  const startedAt = performance.now();
  socket.send("ping", Number(links.addressFor(you, to)?.split(":")[1]), "127.0.0.1");
  const answer = once(socket, "message").then(() => performance.now() - startedAt);
  let timer: NodeJS.Timeout | undefined;
  const lost = new Promise<"lost">((resolve) => {
    timer = setTimeout(() => resolve("lost"), giveUpMs);
  });
  const got = await Promise.race([answer, lost]);
  clearTimeout(timer);
  socket.close();
  return got;
}

describe("EmulatedLinks", () => {
  it("has an address for each pair of joined sites, both ways, and none for others", () => {
    expect(links.addressFor(you, ningbo)).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(links.addressFor(ningbo, you)).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(links.addressFor(ningbo, hangzhou)).toBe(null);
  });

  it("a first question takes two round trips: one to connect, one to be answered", async () => {
    const { got, tookMs } = await ask(ningbo, 10);
    expect(got).toEqual(Buffer.alloc(10, 7));
    expect(tookMs).toBeGreaterThanOrEqual(60);
  });

  it("bytes take their time at the rate asked, shared by all connections, and none is lost", async () => {
    const startedAt = performance.now();
    const both = await Promise.all([ask(ningbo, 1_000_000), ask(ningbo, 1_000_000)]);
    for (const { got } of both) expect(got.equals(Buffer.alloc(1_000_000, 7))).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(200 + 60); // 16 Mbit at 80 Mb/s, two round trips
  });

  it("what is sent is slowed too, and a half-closed connection still answers", async () => {
    const socket = dial(hangzhou);
    const startedAt = performance.now();
    socket.end(Buffer.alloc(100_000, 65));
    expect((await readAll(socket)).toString()).toBe("100000");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(100 + 64); // 0.8 Mbit at 8 Mb/s
  });

  it("datagrams take the round trip, or are lost", async () => {
    const [near, far] = await Promise.all([ping(ningbo), ping(hangzhou, 400)]);
    expect(near).toBeGreaterThanOrEqual(30);
    expect(far).toBe("lost");
  });

  it("refuses connections to a site where nobody listens", async () => {
    const got = await readAll(dial(island)).catch((error: NodeJS.ErrnoException) => error.code);
    expect([Buffer.alloc(0), "ECONNRESET"]).toContainEqual(got);
  });

  it("a link taken down resets what passes over it, and heals when it comes back", async () => {
    const socket = dial(ningbo);
    socket.write("50000000\n");
    await once(socket, "data");
    // Some systems report the reset, others only that nothing more comes.
    const over = new Promise<void>((resolve) => {
      for (const sign of ["error", "end", "close"]) socket.once(sign, () => resolve());
    });
    await links.change(you, ningbo, { up: false });
    socket.resume();
    await over;
    expect(socket.bytesRead).toBeLessThan(50_000_000);
    socket.destroy();
    expect(await ping(ningbo, 400)).toBe("lost");
    await links.change(you, ningbo, { up: true, delay: ms(1) });
    expect((await ask(ningbo, 5)).got).toHaveLength(5);
  });
});

it("leaves no process behind", async () => {
  const own = await EmulatedLinks.start({ links: [{ from: you, to: ningbo, delay: ms(1), rate: null }] });
  await own.close();
  await own.close();
  await expect(own.attach(ningbo, gateway)).rejects.toThrow();
});
