import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
  return { status, stdout, stderr };
}

it("prints one JSON object a line and nothing else", () => {
  const { status, stdout, stderr } = bench("replay", "--smoke", "--json");
  expect([status, stderr]).toEqual([0, ""]);
  for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line).name).toMatch(/^replay\//);
});

it("says what it takes when asked, and when asked wrongly", () => {
  expect(bench("--help")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^usage: /), stderr: "" });
  expect(bench("replai")).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(/^unknown: replai\n/),
  });
});

it("a trace that is not there, or none, is told in a line", () => {
  const file = join(folder, "nodes.csv");
  writeFileSync(file, "a;b\n");
  const none = join(folder, "none.csv");
  expect(bench("replay", "--nodes", none, "--tasks", none)).toMatchObject({
    status: 2,
    stderr: `replay: ${none}: no such file\n`,
  });
  expect(bench("replay", "--nodes", file, "--tasks", file)).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^replay: .*nodes\.csv:1 is not the header of such a file.*\n$/),
  });
  expect(bench("replay", "--nodes", file).stderr).toContain("--nodes and --tasks go together");
});
