import { readFileSync } from "node:fs";
import type { SiteId } from "@weft/infrastructure";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  API_VERSION,
  contentsOf,
  formatManifest,
  formatProblem,
  type ManifestTask,
  manifestText,
  nearest,
  type ParsedManifest,
  parseManifests,
  parseSentManifest,
  specOf,
  taskJsonSchema,
  taskOf,
  withDigests,
} from "./index.ts";

const YOU = "you" as SiteId;

const RECEIPT = `apiVersion: weft.dev/v1
kind: Task
metadata: { name: read-receipt, labels: { team: bookkeeping } }
spec:
  data:      { input: 2.3MB, type: image/png, at: you, mayLeave: [ningbo, hangzhou] }
  deadline:  250ms
  sticky:    { key: till-4, for: 10m }
  compute:   { type: neural, work: 9.1 GFLOP, atLeast: 20 GFLOPS }
  storage:   { capacity: 50MB, throughput: 20MB/s, class: scratch }
  algorithm: { function: ocr, time: "O(n)", space: 180MB }
  network:   { delay: 20ms, bandwidth: 50Mbps, jitter: 5ms, bitErrorRate: 1e-9, security: encrypted }
  run:       { model: { onnx: [det.onnx, rec.onnx], pipeline: ocr } }
  objective: cost
  pay:       { atMost: 0.0010 CNY }
`;

function read(text: string, file = "read-receipt.yaml"): ParsedManifest {
  const parsed = parseManifests(text, file);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.manifests[0] as ParsedManifest;
}

function problemsOf(text: string, file = "read-receipt.yaml"): readonly string[] {
  const parsed = parseManifests(text, file);
  return parsed.ok ? [] : parsed.problems.map((one) => formatProblem(one).replace(/ {3,}/g, "  "));
}

function task(parsed: ParsedManifest): ManifestTask {
  const read = taskOf(parsed.manifest, YOU);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
}

describe("a manifest", () => {
  it("reads every field of the five groups into base units", () => {
    const parsed = read(RECEIPT);
    const digest = (letter: string) => ({ digest: letter.repeat(64), size: 7 });
    const sent = withDigests(
      parsed.source,
      parsed.manifest,
      new Map([
        ["det.onnx", digest("a")],
        ["rec.onnx", digest("b")],
      ]),
    );
    expect(task(read(manifestText(sent)))).toEqual({
      name: "read-receipt",
      labels: { team: "bookkeeping" },
      input: null,
      program: { kind: "model", pipeline: "ocr", networks: ["a".repeat(64), "b".repeat(64)], options: {} },
      needs: {
        basic: {
          inputBytes: 2_300_000,
          resultBytes: 1_000_000,
          dataType: "image/png",
          dataAt: "you",
          mayLeaveTo: ["ningbo", "hangzhou"],
          deadline: 250_000,
          sticky: { key: "till-4", keepFor: 600_000_000 },
        },
        compute: {
          type: "neural",
          work: 9.1e9,
          atLeast: 20e9,
          lanes: Number.POSITIVE_INFINITY,
          accelerator: null,
        },
        storage: { capacity: 50e6, throughput: 20e6, storageClass: "scratch" },
        algorithm: { function: "ocr", timeComplexity: "O(n)", space: 180e6 },
        network: {
          delay: 20_000,
          bandwidth: 50e6,
          jitter: 5_000,
          loss: null,
          bitErrorRate: 1e-9,
          security: "encrypted",
        },
        where: { runs: "model", tier: null, domain: null, labels: {}, avoid: [] },
        objective: { kind: "cost" },
        payAtMost: 1000n,
      },
    });
  });

  it("says where, what was found, what was expected, and a hint", () => {
    expect(problemsOf(RECEIPT.replace("delay: 20ms", "delay: 20"))).toEqual([
      'read-receipt.yaml:11  spec.network.delay  found "20", expected a time such as 20ms\n' +
        "  hint: did you mean 20ms?  [E_MANIFEST_UNIT]",
    ]);
  });

  it("names everything that is wrong at once, over all documents, by line", () => {
    const wrong = RECEIPT.replace("kind: Task", "kind: Tsk")
      .replace("bandwidth: 50Mbps", "bandwith: 50Mbps")
      .replace("type: neural", "type: neurl")
      .replace("for: 10m", "till: 10m")
      .replace("mayLeave: [ningbo, hangzhou]", "mayLeave: ningbo");
    expect(problemsOf(`${wrong}---\napiVersion: weft.dev/v1\nkind: Task\n`)).toEqual([
      'read-receipt.yaml:2  kind  found "Tsk", expected Task\n  hint: did you mean Task?  [E_MANIFEST_VALUE]',
      'read-receipt.yaml:5  spec.data.mayLeave  found "ningbo", expected a list\n' +
        "  hint: did you mean [ningbo]?  [E_MANIFEST_TYPE]",
      "read-receipt.yaml:7  spec.sticky.for  found nothing, expected a time such as 20ms\n  [E_MANIFEST_MISSING]",
      'read-receipt.yaml:7  spec.sticky.till  found "till", expected one of key, for\n  [E_MANIFEST_FIELD]',
      'read-receipt.yaml:8  spec.compute.type  found "neurl", expected one of logical, parallel, neural\n' +
        "  hint: did you mean neural?  [E_MANIFEST_VALUE]",
      'read-receipt.yaml:11  spec.network.bandwith  found "bandwith", expected one of delay, bandwidth, jitter, ' +
        "loss, bitErrorRate, security\n  hint: did you mean bandwidth?  [E_MANIFEST_FIELD]",
      "read-receipt.yaml:16  metadata  found nothing, expected a group of fields\n  [E_MANIFEST_MISSING]",
      "read-receipt.yaml:16  spec  found nothing, expected a group of fields\n  [E_MANIFEST_MISSING]",
    ]);
  });

  it.each([
    ["[".repeat(200_000), "E_MANIFEST_SYNTAX"],
    ["a: &x [1]\nb: *x", "E_MANIFEST_SYNTAX"],
    ["# nothing", "E_MANIFEST_SYNTAX"],
    ["- a list", "E_MANIFEST_SYNTAX"],
    ["a: 1\na: 2", "E_MANIFEST_SYNTAX"],
    [`a: ${"x".repeat(300_000)}`, "E_MANIFEST_SYNTAX"],
    ["---\na: 1\n".repeat(300), "E_MANIFEST_SYNTAX"],
    [RECEIPT.replace("atMost: 0.0010 CNY", "atMost: -1 CNY"), "E_MANIFEST_UNIT"],
    [RECEIPT.replace("atMost: 0.0010 CNY", "atMost: 1 USD"), "E_MANIFEST_UNIT"],
    [RECEIPT.replace("deadline:  250ms", "deadline:  0"), "E_MANIFEST_UNIT"],
    [RECEIPT.replace("bitErrorRate: 1e-9", "bitErrorRate: 2"), "E_MANIFEST_VALUE"],
    [RECEIPT.replace("pipeline: ocr }", "pipeline: ocr }, wasm: { module: a.wasm }"), "E_MANIFEST_VALUE"],
    [RECEIPT.replace("det.onnx", '"sha256:12"'), "E_MANIFEST_VALUE"],
    [RECEIPT.replace("name: read-receipt", "name: Read Receipt"), "E_MANIFEST_VALUE"],
    [RECEIPT.replace("team: bookkeeping", "team: 4"), "E_MANIFEST_TYPE"],
    [RECEIPT.replace("objective: cost", "objective: { perSecnd: 1 CNY }"), "E_MANIFEST_FIELD"],
  ])("refuses %#: %.40j", (text, code) => {
    const parsed = parseManifests(text, "x.yaml");
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.code)).toContain(code);
  });

  it("printed back reads as the same and prints the same", () => {
    const once = formatManifest(read(RECEIPT).source);
    expect(read(once).manifest).toEqual(read(RECEIPT).manifest);
    expect(formatManifest(read(once).source)).toBe(once);
    expect(once).toContain("deadline: 250ms");
  });

  it("names its files, and by digest is the same text whatever the files were called", () => {
    const other = RECEIPT.replace("det.onnx", "models/one.onnx").replace(
      "at: you",
      "at: you, content: r.png",
    );
    const parsed = read(other);
    expect(contentsOf(parsed.manifest).map((place) => [place.path.join("."), place.role])).toEqual([
      ["spec.data.content", "input"],
      ["spec.run.model.onnx.0", "program"],
      ["spec.run.model.onnx.1", "program"],
    ]);
    const refused = taskOf(parsed.manifest, YOU);
    expect(refused.ok ? [] : refused.problems.map((problem) => problem.path)).toEqual([
      "spec.data.content",
      "spec.run.model.onnx[0]",
      "spec.run.model.onnx[1]",
    ]);
    const known = new Map(
      ["models/one.onnx", "rec.onnx", "r.png"].map((file, i) => [
        file,
        { digest: `${i}`.repeat(64), size: 2_345_678 },
      ]),
    );
    const sent = manifestText(withDigests(parsed.source, parsed.manifest, known));
    const read2 = parseSentManifest(sent);
    expect(read2.ok && task(read2.manifests[0]!).input).toEqual({ digest: "2".repeat(64), size: 2_345_678 });
    expect(parsed.source).toEqual(read(other).source);
  });

  it("as sent is checked as strictly as a file", () => {
    const sent = manifestText(read(RECEIPT).source).replace('"20ms"', '"20"');
    const parsed = parseSentManifest(sent);
    expect(parsed.ok ? [] : parsed.problems.map((problem) => [problem.code, problem.path])).toEqual([
      ["E_MANIFEST_UNIT", "spec.network.delay"],
    ]);
    expect(parseSentManifest("{").ok).toBe(false);
    expect(parseSentManifest("null").ok).toBe(false);
  });

  it("never throws, whatever the text", () => {
    const fragments = fc.constantFrom(
      ...RECEIPT.split(/(?<=[\s:{},])/),
      "&a ",
      "*a",
      "---\n",
      "!!binary x",
      "__proto__: 1\n",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragments, { maxLength: 60 }).map((all) => all.join("")),
        ),
        (text) => {
          const parsed = parseManifests(text, "f");
          if (!parsed.ok) parsed.problems.map(formatProblem);
          parseSentManifest(text);
        },
      ),
    );
  });

  it("of a task's needs reads back to the same needs", () => {
    const whole = fc.oneof(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    );
    const real = fc.double({ min: 1e-3, max: 1e18, noNaN: true });
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const orNone = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
    const type = fc.constantFrom("logical", "parallel", "neural");
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const needs = fc.record({
      basic: fc.record({
        inputBytes: fc.nat(),
        resultBytes: whole,
        dataType: orNone(word),
        dataAt: word,
        mayLeaveTo: orNone(fc.array(word, { maxLength: 3 })),
        deadline: orNone(whole),
        sticky: orNone(fc.record({ key: word, keepFor: whole })),
      }),
      compute: fc.record({
        type,
        work: real,
        atLeast: fc.oneof(fc.constant(0), real),
        lanes: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 64 })),
        accelerator: orNone(fc.record({ kind: fc.constantFrom("gpu", "npu"), memoryBytes: whole })),
      }),
      storage: fc.record({
        capacity: fc.nat(),
        throughput: fc.oneof(fc.constant(0), real),
        storageClass: orNone(fc.constantFrom("scratch", "durable")),
      }),
      algorithm: fc.record({ function: word, timeComplexity: orNone(word), space: whole }),
      network: fc.record({
        delay: orNone(whole),
        bandwidth: fc.oneof(fc.constant(0), real),
        jitter: orNone(whole),
        loss: orNone(share),
        bitErrorRate: orNone(share),
        security: fc.constantFrom("open", "encrypted", "isolated"),
      }),
      where: fc.record({
        runs: fc.constant("process"),
        tier: orNone(fc.constantFrom("cloud", "edge", "end")),
        domain: orNone(word),
        labels: fc.dictionary(word, word, { maxKeys: 3, noNullPrototype: true }),
        avoid: fc.array(word, { maxLength: 3 }),
      }),
      objective: fc.oneof(
        fc.constantFrom("cost", "time", "energy", "carbon").map((kind) => ({ kind })),
        fc.record({
          kind: fc.constant("weighted"),
          perSecond: fc.nat(),
          perJoule: fc.nat(),
          perGram: fc.nat(),
        }),
      ),
      payAtMost: orNone(fc.bigInt(0n, 10n ** 18n)),
    }) as unknown as fc.Arbitrary<ManifestTask["needs"]>;
    fc.assert(
      fc.property(needs, (given) => {
        const spec = { ...specOf(given), run: { process: { command: "/bin/true" } } };
        const source = { apiVersion: API_VERSION, kind: "Task", metadata: { name: "x" }, spec };
        expect(task(read(formatManifest(source))).needs).toEqual(given);
      }),
      { numRuns: 150 },
    );
  });
});

it("the published schema is the one that manifests are checked with (npm run schema -w @weft/service-http writes it)", () => {
  const path = new URL("../../../../docs/schema/task.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(taskJsonSchema())));
});

it("a mistyped word finds the nearest known one, a strange one none", () => {
  const known = ["delay", "bandwidth", "jitter"];
  expect(nearest("dealy", known)).toBe("delay");
  expect(nearest("bandwith", known)).toBe("bandwidth");
  expect(nearest("Jitter", known)).toBe("jitter");
  expect(nearest("colour", known)).toBeNull();
  expect(nearest("", known)).toBeNull();
});
