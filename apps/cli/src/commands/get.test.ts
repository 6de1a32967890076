import { spawn } from "node:child_process";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BIN, begin, end, folder, idOf, manager, renew, weft } from "../testing/command-line.ts";

/*
 * Lists: columns, selection, formats, watching.
 */

beforeAll(begin);
afterEach(renew);
afterAll(end);

it("prints tables whose unknown figures are unknown and whose figures say how old they are", async () => {
  const { code, out, err } = await weft("get", "nodes");
  expect([code, err]).toEqual([0, ""]);
  const age = "1.2s ago";
  expect(out).toBe(
    [
      "NODE     HEALTH    TIER    SITE       LOGICAL     PARALLEL      NEURAL        GRADE   MEMORY   TASKS   KNOWN",
      `sunny    up        cloud   hangzhou   79 GOPS     371 GFLOPS    228 GFLOPS    entry   8 GiB    1       ${age}`,
      `corner   up        edge    ningbo     39.5 GOPS   186 GFLOPS    114 GFLOPS    entry   4 GiB    1       ${age}`,
      "pocket   suspect   end     you        9.88 GOPS   46.4 GFLOPS   28.5 GFLOPS   entry   1 GiB    0       -",
      "",
    ].join("\n"),
  );
  expect((await weft("get", "links")).out.split("\n")[2]).toMatch(/^ningbo>hangzhou +down +- +- +- +- /);
});

it("selects by label, sorts by column and by path, limits, and names", async () => {
  const names = async (...words: string[]) =>
    (await weft("get", "nodes", "-o", "name", ...words)).out.trim().split("\n");
  expect(await names("-l", "tier=edge")).toEqual(["node/corner"]);
  expect(await names("-l", "rack")).toEqual(["node/corner"]);
  expect(await names("--sort-by", "memory")).toEqual(["node/pocket", "node/corner", "node/sunny"]);
  expect(await names("--sort-by", ".load.freeMemoryBytes")).toEqual([
    "node/corner",
    "node/sunny",
    "node/pocket",
  ]);
  expect(await names("--limit", "1")).toEqual(["node/sunny"]);
  expect((await weft("get", "nodes", "--sort-by", "colour")).code).toBe(2);
  expect((await weft("get", "nodes", "-l", "a=b=c")).code).toBe(2);
});

it("gives JSON and YAML and nothing else on standard output", async () => {
  const one = JSON.parse((await weft("get", "node/corner", "-o", "json")).out);
  expect([one.description.id, one.earned]).toEqual(["corner", "12345"]);
  expect(JSON.parse((await weft("get", "nodes", "-o", "json")).out).items).toHaveLength(3);
  expect((await weft("get", "node", "corner", "-o", "yaml")).out).toMatch(/^description:\n {2}id: corner\n/);
  expect(await weft("get", "tasks")).toEqual({ code: 0, out: "", err: "no tasks\n" });
});

it("watches: the list, then a row for every change", async () => {
  await weft("run", "-f", "task.yaml");
  const child = spawn(process.execPath, [BIN, "get", "tasks", "--watch", "-o", "json"], { cwd: folder });
  let out = "";
  const seen = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.split("\n").length === 2) manager.finish(idOf("read-receipt"));
      if (out.includes('"succeeded"')) resolve();
    });
  });
  await seen;
  child.kill();
  const phases = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).phase);
  expect(phases).toEqual(["pending", "running", "succeeded"]);
});
