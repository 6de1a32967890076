import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SiteId } from "@weft/infrastructure";
import { EmulatedLinks } from "@weft/infrastructure-emulator";
import type { BitsPerSecond, Micros } from "@weft/kernel";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Context } from "../context.ts";
import { runCommandLine } from "../program.ts";
import { keepContext } from "../settings.ts";
import { askDistances, controlOf, serveDistances, withPeers } from "./distances.ts";

/*
 * Distances of a running network, seen and changed from the command line, over the real emulator.
 */

const SERVER = "http://127.0.0.1:7999";
let folder: string;
let emulated: EmulatedLinks;
let close: () => void;
let said: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-distances-"));
  mkdirSync(join(folder, "network"));
  const [you, town] = ["you" as SiteId, "town" as SiteId];
  const delay = 4000 as Micros;
  emulated = await EmulatedLinks.start({
    links: [{ from: you, to: town, delay, rate: 3e8 as BitsPerSecond }],
  });
  const say = (line: string) => void said.push(line);
  close = await serveDistances({
    emulated,
    stateDir: join(folder, "network"),
    server: SERVER,
    token: "boss",
    say,
  });
  for (const [name, token] of [
    ["ann", "anns"],
    ["manager", "boss"],
  ] as const) {
    keepContext(folder, name, { server: SERVER, token, key: join(folder, "key.pem") });
  }
});

beforeEach(() => {
  said = [];
});

afterAll(async () => {
  close();
  await emulated.close();
  rmSync(folder, { recursive: true, force: true });
});

async function weft(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: "", err: "" };
  const to = (name: "out" | "err") => ({
    write: (text: string | Uint8Array) => {
      written[name] += text;
    },
  });
  const context = new Context({ out: to("out"), err: to("err"), env: { WEFT_HOME: folder }, cwd: folder });
  const code = await runCommandLine(context, args);
  return { code, ...written };
}

const distance = (from: string, to: string) =>
  emulated.distances.find((link) => link.from === from && link.to === to);

it("the manager sees distances and changes them, both ways or one, and back", async () => {
  expect((await weft("distance")).out).toMatch(
    /^FROM +TO +DELAY[\s\S]*\nyou +town +4 ms +0 us +300 Mb\/s +0 % +yes\n/,
  );
  const slower = await weft("distance", "you", "town", "--delay", "40ms", "--jitter", "1ms", "--loss", "2%");
  expect(slower.out).toMatch(/^town +you +40 ms +1 ms +300 Mb\/s +2 % +yes$/m);
  expect(said).toEqual(["distance you > town changed", "distance town > you changed"]);
  await weft("distance", "town", "you", "--rate", "max", "--down", "--one-way");
  expect(distance("town", "you")).toMatchObject({ rate: null, up: false, delay: 40_000, loss: 0.02 });
  expect(distance("you", "town")).toMatchObject({ rate: 3e8, delay: 40_000 });
  const back = await weft("distance", "you", "town", "--reset", "-o", "json");
  expect(JSON.parse(back.out).items).toMatchObject([
    { from: "you", to: "town", delay: 4000, rate: 3e8, jitter: 0, loss: 0, up: true },
    { from: "town", to: "you", delay: 4000, rate: 3e8, jitter: 0, loss: 0, up: true },
  ]);
});

it("nobody else does, and what makes no sense changes nothing", async () => {
  const before = emulated.distances;
  const refused = await weft("--context", "ann", "distance", "you", "town", "--delay", "1s");
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringMatching(/\[E_FORBIDDEN\]\n {2}hint: name its context/),
  ]);
  const control = controlOf(folder, SERVER) as string;
  expect(await askDistances(control, "", null)).toMatchObject({ refusal: { code: "E_UNAUTHENTICATED" } });
  expect((await weft("distance", "you", "moon", "--delay", "1s")).err).toContain(
    "no emulated link joins these sites: found you > moon, expected you > town, town > you  [E_NOT_FOUND]",
  );
  for (const change of [{ delay: -1 }, { loss: 1.1 }, { rate: 0 }, { speed: 1 }] as object[]) {
    expect(await askDistances(control, "boss", { from: "you", to: "town", change })).toMatchObject({
      ok: false,
      refusal: { code: "E_REQUEST" },
    });
  }
  expect(await askDistances(control, "boss", { from: "you", change: {} })).toMatchObject({ ok: false });
  expect((await weft("distance", "you", "--delay", "1s")).code).toBe(2);
  expect((await weft("distance", "you", "town")).code).toBe(2);
  expect((await weft("distance", "you", "town", "--delay", "soon")).err).toMatch(
    /^--delay: found "soon", expected a time/,
  );
  expect(emulated.distances).toEqual(before);
});

it("without sites --reset takes everything back", async () => {
  await weft("distance", "you", "town", "--delay", "40ms", "--one-way");
  await weft("distance", "town", "you", "--down", "--one-way");
  expect((await weft("distance", "--reset")).code).toBe(0);
  expect(distance("you", "town")).toMatchObject({ delay: 4000, up: true });
  expect(distance("town", "you")).toMatchObject({ delay: 4000, up: true });
  expect((await weft("distance", "--reset", "--delay", "40ms")).code).toBe(2);
});

it("a domain's manager changes the distances to the domains it deals with, and no others", async () => {
  const link = (from: string, to: string) => ({
    from: from as SiteId,
    to: to as SiteId,
    delay: 9000 as Micros,
    rate: null,
  });
  const between = await EmulatedLinks.start({ links: [link("town", "city"), link("city", "cloud")] });
  const server = "http://127.0.0.1:7997";
  mkdirSync(join(folder, "town"));
  const served = withPeers(emulated, between, "town");
  const stop = await serveDistances({
    emulated: served,
    stateDir: join(folder, "town"),
    server,
    token: "boss",
    say: () => {},
  });
  try {
    const ask = (...words: string[]) => weft("--server", server, "--token", "boss", "distance", ...words);
    expect((await ask()).out).toMatch(
      /^you +town .*\ntown +you .*\n@town +@city +9 ms .*\n@city +@town .*\n$/m,
    );
    await ask("@town", "@city", "--delay", "30ms");
    expect(between.distances.map(({ from, to, delay }) => [from, to, delay])).toEqual([
      ["town", "city", 30_000],
      ["city", "cloud", 9000],
      ["city", "town", 30_000],
      ["cloud", "city", 9000],
    ]);
    expect((await ask("@city", "@cloud", "--delay", "30ms")).err).toContain("[E_NOT_FOUND]");
    await ask("--reset");
    expect(between.distances.every(({ delay }) => delay === 9000)).toBe(true);
  } finally {
    stop();
    await between.close();
  }
});

it("is served on the loopback interface, found by the network's address, in a file for its owner alone", async () => {
  expect(controlOf(folder, SERVER)).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(controlOf(folder, "http://127.0.0.1:7998")).toBeNull();
  expect(statSync(join(folder, "network", "distances.json")).mode & 0o077).toBe(0);
  const elsewhere = await weft("--server", "http://127.0.0.1:7998", "distance");
  expect(elsewhere.err).toMatch(/no network at http:\/\/127.0.0.1:7998 runs from .*\[E_NOT_FOUND\]/);
  close();
  expect(existsSync(join(folder, "network", "distances.json"))).toBe(false);
});
