import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { Keeper, type Part } from "./keeper.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-keeper-"));
const keepers: Keeper[] = [];
afterEach(async () => {
  for (const keeper of keepers.splice(0)) await keeper.stop("manager");
});
afterEach(() => rmSync(join(folder, "lives"), { force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A process that in its first life comes up and stays, and in later ones does as `later` says. */
function part(later: string): Part {
  const entry = join(folder, "part.mjs");
  writeFileSync(
    entry,
    `import { appendFileSync, readFileSync } from "node:fs";
     const lives = process.argv[2];
     appendFileSync(lives, "x");
     const life = readFileSync(lives, "utf8").length;
     const up = () => { console.log(JSON.stringify({ ready: life })); setInterval(() => {}, 1000); };
     if (life === 1) up(); else { ${later} }`,
  );
  return { name: "manager", entry, config: join(folder, "lives"), flags: [] };
}

function keeperOf(waits: readonly number[]): { keeper: Keeper; said: string[] } {
  const said: string[] = [];
  const keeper = new Keeper((line) => said.push(line), waits);
  keepers.push(keeper);
  return { keeper, said };
}

it("starts a killed process again at once", async () => {
  const { keeper, said } = keeperOf([]);
  const child = keeper.start(part("up();"));
  await child.heard("ready");
  child.kill();
  await child.exited;
  await expect(keeper.get("manager")?.heard("ready")).resolves.toEqual({ ready: 2 });
  expect(said).toEqual(["weft: manager ended (killed); starting it again"]);
});

it("tries ever later one that fails, tells why once, and goes on when it comes up", async () => {
  const { keeper, said } = keeperOf([1, 1, 1, 1, 1]);
  const child = keeper.start(
    part(`if (life < 5) { console.error("the disk is full"); process.exit(1); } else up();`),
  );
  await child.heard("ready");
  child.kill();
  await child.exited;
  await expect.poll(() => keeper.get("manager")?.cameUp, { timeout: 20_000 }).toBe(true);
  expect(said).toEqual([
    "weft: manager ended (killed); starting it again",
    "the disk is full",
    "weft: manager ended (1); starting it again",
  ]);
});

it("gives up one that does not come up any more, with its last words", async () => {
  const { keeper } = keeperOf([1, 1]);
  const child = keeper.start(part(`console.error("the disk is full"); process.exit(1);`));
  await child.heard("ready");
  child.kill();
  await expect(keeper.broken).rejects.toThrow("manager does not stay up: the disk is full");
});

it("leaves it to the caller when a process never comes up at all", async () => {
  const { keeper, said } = keeperOf([1]);
  writeFileSync(join(folder, "lives"), "x");
  const child = keeper.start(part(`console.error("no port"); process.exit(1);`));
  await expect(child.heard("ready")).rejects.toThrow("no port");
  await child.exited;
  expect(said).toEqual([]);
});
