import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinkState, SiteId } from "@weft/infrastructure";
import { EmulatedLinks } from "@weft/infrastructure-emulator";
import type { BitsPerSecond, Micros } from "@weft/kernel";
import { ContentStore, Gateway } from "@weft/orchestration-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EchoResponder } from "./echo.ts";
import { LinkProber } from "./link-prober.ts";
import { measureThroughput } from "./throughput.ts";

/* A real gateway behind emulated distance. What is less than asked would be wrong on any machine; how much more is timing. */

const [you, ningbo] = ["you", "ningbo"] as SiteId[] as [SiteId, SiteId];
const DELAY_MS = 12;
const RATE = 40e6;
const dir = mkdtempSync(join(tmpdir(), "weft-prober-"));

let links: EmulatedLinks;
let echo: EchoResponder;
const server = createServer();
let address: string;

beforeAll(async () => {
  const gateway = new Gateway({
    store: new ContentStore(dir, { maxBytes: 1e6 }),
    authorize: ({ token }) => token === "t",
    allow: () => false,
    maxContentBytes: 1e6,
  });
  server.on("request", gateway.handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  echo = await EchoResponder.listen();
  const rate = RATE as BitsPerSecond;
  const delay = (DELAY_MS * 1000) as Micros;
  links = await EmulatedLinks.start({ links: [{ from: you, to: ningbo, delay, rate }] });
  await links.attach(ningbo, {
    tcp: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    udp: echo.address,
  });
  address = links.addressFor(you, ningbo) as string;
});
afterAll(async () => {
  echo.close();
  server.closeAllConnections();
  server.close();
  await links.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Probes until a pair of states satisfies the condition. */
function probeUntil(
  prober: (onState: (states: readonly [LinkState, LinkState]) => void) => LinkProber,
  enough: (states: readonly [LinkState, LinkState]) => boolean,
): Promise<{ states: readonly [LinkState, LinkState]; prober: LinkProber }> {
  return new Promise((resolve) => {
    const made = prober((states) => {
      if (enough(states)) resolve({ states, prober: made });
    });
    made.add({ site: ningbo, udp: address, tcp: address, token: "t" });
  });
}

describe("LinkProber", () => {
  it("[P3] perceives delay, jitter, loss and rate both ways, then the link going down and up", async () => {
    let told: (states: readonly [LinkState, LinkState]) => void = () => {};
    const { states, prober } = await probeUntil(
      (onState) => {
        told = onState;
        return new LinkProber({
          from: you,
          onState: (states) => told(states),
          everyMs: 100,
          doubtMs: 20,
          timeoutMs: 80,
        });
      },
      ([there, back]) => there.capacity !== null && back.capacity !== null && there.jitter !== null,
    );
    const [there, back] = states;
    expect(there).toMatchObject({ from: you, to: ningbo, up: true, security: "open", radio: null });
    expect(there.delay).toBeGreaterThanOrEqual(DELAY_MS * 1000);
    for (const { capacity } of [there, back]) {
      // A reader kept from its processor sees bytes late and then all at once: the bench has the narrow bounds.
      expect(capacity).toBeGreaterThan(RATE / 20);
      expect(capacity).toBeLessThan(RATE * 20);
    }
    const next = (condition: (state: LinkState) => boolean) =>
      new Promise<LinkState>((resolve) => {
        told = ([state]) => {
          if (condition(state)) resolve(state);
        };
      });
    const down = next(({ up }) => !up);
    await links.change(you, ningbo, { up: false });
    expect(await down).toMatchObject({ delay: null, jitter: null });
    const up = next((state) => state.up);
    await links.change(you, ningbo, { up: true });
    expect((await up).delay).toBeGreaterThanOrEqual(DELAY_MS * 1000);
    prober.close();
    prober.close();
  });

  it("a gateway that does not answer is down, and its figures unknown", async () => {
    const dead = await EchoResponder.listen();
    dead.close();
    const states = await new Promise<readonly [LinkState, LinkState]>((resolve) => {
      const prober = new LinkProber({
        from: you,
        timeoutMs: 20,
        onState: (states) => {
          prober.close();
          resolve(states);
        },
      });
      prober.add({ site: ningbo, udp: dead.address, tcp: null });
    });
    for (const state of states) {
      expect(state).toMatchObject({ up: false, delay: null, jitter: null, capacity: null, loss: 1 });
    }
  });
});

it("throughput is unknown where the gateway refuses", async () => {
  expect(await measureThroughput({ address, token: "wrong" })).toEqual({ there: null, back: null });
  expect(await measureThroughput({ address: "127.0.0.1:1" })).toEqual({ there: null, back: null });
});
