import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { createOnnxRuntime } from "../packages/orchestration-onnx/src/index.ts";
import { createWasmRuntime } from "../packages/orchestration-wasm/src/index.ts";
import { contentsOf, parseDocuments } from "../packages/service-http/src/index.ts";
import { makeInput } from "./multiply/generate.mjs";
import { buildModel } from "./multiply/model.mjs";
import { verify } from "./multiply/verify.mjs";
import { buildLayer, buildSignal, LAYERS } from "./pipeline/layers.mjs";
import { logLines, writeLog } from "./scan-log/generate.mjs";
import { build, MODULES } from "./wasm/build.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const at = (path: string) => join(here, path);
const folder = mkdtempSync(join(tmpdir(), "weft-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the program of an example's manifest as it stands, on the input given. */
async function runExample(name: string, inputPath: string | null): Promise<Buffer> {
  const { run, algorithm } = parse(readFileSync(at(`${name}/${name}.yaml`), "utf8")).spec;
  const path = (content: string) => join(here, name, content);
  const { wasm, model } = run;
  const runtime = wasm === undefined ? createOnnxRuntime() : createWasmRuntime({ warmWorkers: 0 });
  const program =
    wasm === undefined
      ? { kind: "model", pipeline: model.pipeline, networks: model.onnx, options: model.options ?? {} }
      : { kind: "wasm", module: wasm.module, args: [], env: {} };
  expect(algorithm.space).toMatch(/^\d+Mi?B$/);
  const outputPath = join(folder, `${name}.out`);
  const limits = {
    memoryBytes: Number.parseInt(algorithm.space, 10) * 1e6,
    wallTime: 60e6,
    outputBytes: 64_000,
    lanes: 1,
  };
  try {
    const end = await new Promise((resolve) =>
      runtime.start(
        { runId: name, program, inputPath, outputPath, contentPath: path, limits } as never,
        (event) => (event.kind === "finished" || event.kind === "failed") && resolve(event),
      ),
    );
    expect(end).toMatchObject({ kind: "finished", exitCode: 0 });
    return existsSync(outputPath) ? readFileSync(outputPath) : Buffer.alloc(0); // no output, no file
  } finally {
    runtime.close();
  }
}

it("commits what its sources build to", async () => {
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  for (const [source, module] of Object.entries(MODULES)) {
    expect([source, digest(await build(source))]).toEqual([source, digest(readFileSync(at(module)))]);
  }
  expect(digest(buildModel())).toBe(digest(readFileSync(at("multiply/square.onnx"))));
  for (let i = 1; i <= LAYERS; i++) {
    expect(digest(buildLayer(i))).toBe(digest(readFileSync(at(`pipeline/layer-${i}.onnx`))));
  }
  expect(digest(buildSignal())).toBe(digest(readFileSync(at("pipeline/signal.safetensors"))));
}, 120_000);

it("has manifests that read without a problem and name files that are there", () => {
  const made = ["access.log", "friends.safetensors", "signals"];
  const own = ["read-receipt", "scan-log", "multiply", "empty", "log-report", "pipeline"];
  for (const path of [...own.map((name) => `${name}/${name}.yaml`), "pipeline/stream.yaml"]) {
    const file = at(path);
    const parsed = parseDocuments(readFileSync(file, "utf8"), file);
    expect(parsed).toMatchObject({ ok: true });
    if (!parsed.ok) continue;
    for (const { manifest } of parsed.manifests) {
      for (const { name: content } of contentsOf(manifest)) {
        if (content.kind !== "file" || made.includes(basename(content.path))) continue;
        expect(readFileSync(join(dirname(file), content.path)).length).toBeGreaterThan(0);
      }
    }
  }
});

it("reads the receipt", async () => {
  // The recogniser knows the blank, yet leaves many out: compared is what is printed.
  const printed = (text: string) => text.replace(/[ \t]/g, "").trim().split("\n");
  const read = await runExample("read-receipt", at("read-receipt/receipt.png"));
  expect(printed(read.toString())).toEqual(printed(readFileSync(at("read-receipt/receipt.txt"), "utf8")));
});

/** What is in a log, counted as one would by hand. */
function scanned(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const fields = lines.map((line) => line.split(" "));
  const count = (status: RegExp) => fields.filter((f) => status.test(f[8] ?? "")).length;
  const paths = new Map<string, number>();
  for (const f of fields) {
    const path = (f[6] ?? "").split("?")[0] ?? "";
    paths.set(path, (paths.get(path) ?? 0) + 1);
  }
  const fact = (name: string, value: number) => `${name.padEnd(12)}${String(value).padStart(12)}\n`;
  const top = [...paths].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 5);
  return [
    fact("lines", lines.length),
    fact("hosts", new Set(fields.map((f) => f[0])).size),
    fact("errors", count(/^5/)),
    fact("missing", count(/^4/)),
    fact(
      "bytes sent",
      fields.reduce((sum, f) => sum + Number(f[9]), 0),
    ),
    fact("paths", paths.size),
    ...top.map(([path, times]) => `${String(times).padStart(8)}  ${path}\n`),
  ].join("");
}

it("scans a log as one would by hand", async () => {
  const file = join(folder, "access.log");
  const bytes = writeLog(file, 3_000_000, 7);
  const text = readFileSync(file, "latin1");
  expect(text.length).toBe(bytes);
  expect(text.startsWith(logLines(7).next().value)).toBe(true);
  expect((await runExample("scan-log", file)).toString()).toBe(scanned(text));
});

it("counts triangles by multiplying, and sees a result that is wrong", async () => {
  const file = join(folder, "friends.safetensors");
  const input = makeInput(300, 5);
  writeFileSync(file, input);
  const result = await runExample("multiply", file);
  const verdict = verify(input, result);
  expect(verdict).toMatchObject({ size: 300, productRight: true, answerRight: true });
  expect(verdict.triangles).toBeGreaterThan(300);
  for (const place of [result.length - 2, result.length - 300 * 4 - 2]) {
    const wrong = Buffer.from(result);
    wrong[place] = (wrong[place] as number) ^ 1;
    const { productRight, answerRight } = verify(input, wrong);
    expect(productRight && answerRight).toBe(false);
  }
});

it("does nothing", async () => {
  expect((await runExample("empty", null)).length).toBe(0);
});
