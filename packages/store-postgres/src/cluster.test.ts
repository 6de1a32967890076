import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { moveAway } from "./cluster.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-homes-"));
let server: ChildProcess | undefined;
afterEach(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

it("clears the homes of folders that are gone, and no other", async () => {
  const homes = join(folder, "homes");
  const own = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const [kept, gone, moved, served] = [own("kept"), own("gone"), own("moved"), own("served")];
  const home = new Map<string, string>();
  for (const each of [kept, gone, moved, served]) home.set(each, await moveAway(each, homes));
  expect(readFileSync(join(kept, "moved-to"), "utf8")).toBe(`${home.get(kept)}\n`);
  mkdirSync(join(homes, "old")); // made by a version that wrote down no owner
  rmSync(gone, { recursive: true });
  writeFileSync(join(moved, "moved-to"), "/elsewhere\n");
  // Its folder is gone, but a server runs there: any process that calls itself one will do.
  rmSync(served, { recursive: true });
  server = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", "postgres"], { stdio: "ignore" });
  mkdirSync(join(home.get(served) as string, "cluster"));
  writeFileSync(join(home.get(served) as string, "cluster", "postmaster.pid"), `${server.pid}\n`);

  const latest = await moveAway(own("latest"), homes);
  const stands = (path: string | undefined): boolean => existsSync(path as string);
  expect([kept, served].map((each) => stands(home.get(each)))).toEqual([true, true]);
  expect([gone, moved].map((each) => stands(home.get(each)))).toEqual([false, false]);
  expect([latest, join(homes, "old")].map(stands)).toEqual([true, true]);
});
