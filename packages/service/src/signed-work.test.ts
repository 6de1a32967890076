import { type Bytes, canonicalText } from "@weft/kernel";
import { describe, expect, it } from "vitest";
import type { Launch } from "./protocol.ts";
import { objectionToWork, programOf } from "./signed-work.ts";

const digest = (i: number): string => String(i).repeat(64);
const named = (i: number): string => `sha256:${digest(i)}`;
const content = (i: number) => ({ digest: digest(i), size: 7 as Bytes });
const parts = (...all: number[]): NonNullable<Launch["parts"]> =>
  all.map((i) => ({ content: content(i), segments: [] }));
type Handed = Pick<Launch, "manifest" | "program" | "input" | "parts">;
/** Where the objection lies; null: there is none. */
const pathOf = (handed: Handed): string | null => objectionToWork(handed)?.path ?? null;

describe("[K2.7] a task", () => {
  const manifest = canonicalText({
    kind: "Task",
    spec: { data: { content: named(9), input: "7B" }, run: { wasm: { module: named(1), args: ["-c"] } } },
  });
  const program = programOf({ wasm: { module: digest(1), args: ["-c"] } });
  const signed: Handed = { manifest, program, input: content(9) };

  it("is what its manifest says is run, on the input it names", () => {
    expect(pathOf(signed)).toBeNull();
    expect(pathOf({ ...signed, program: programOf({ wasm: { module: digest(1) } }) })).toBe("program");
    expect(pathOf({ ...signed, program: programOf({ process: { command: "sh" } }) })).toBe("program");
    expect(pathOf({ ...signed, input: null })).toBe("input");
    expect(pathOf({ ...signed, input: content(8) })).toBe("input");
    expect(pathOf({ ...signed, parts: parts(8) })).toBe("input");
  });

  it("is refused where its manifest is not understood", () => {
    for (const text of ["", "[]", "{}", '{"kind":"Task"}', '{"kind":"Task","spec":{"run":{}}}', "{"]) {
      expect(pathOf({ ...signed, manifest: text })).toBe("manifest");
    }
  });
});

describe("[K2.7] a step of an application", () => {
  const manifest = canonicalText({
    kind: "Application",
    spec: {
      steps: [
        { name: "split", data: { content: named(9) }, run: { process: { command: "split" } } },
        { name: "join", from: [{ step: "split" }], run: { model: { onnx: [named(1)] } } },
      ],
    },
  });
  const split = programOf({ process: { command: "split" } });
  const join = programOf({ model: { onnx: [digest(1)] } });

  it("is one of its steps, its own input first and no more results than it takes", () => {
    expect(pathOf({ manifest, program: split, input: null, parts: parts(9) })).toBeNull();
    expect(pathOf({ manifest, program: join, input: null, parts: parts(5) })).toBeNull();
    expect(pathOf({ manifest, program: join, input: null })).toBeNull(); // what it takes was empty
    expect(pathOf({ manifest, program: split, input: null, parts: parts(5) })).toBe("input");
    expect(pathOf({ manifest, program: split, input: null, parts: parts(9, 5) })).toBe("input");
    expect(pathOf({ manifest, program: join, input: null, parts: parts(5, 6) })).toBe("input");
    const networks = [digest(1), digest(1)];
    expect(pathOf({ manifest, program: { ...join, networks } as never, input: null })).toBe("program");
  });
});

describe("[K2.7] a stage of a pipeline", () => {
  const layers = [1, 2, 3, 4].map((i) => ({ network: named(i) }));
  const manifest = canonicalText({ kind: "Pipeline", spec: { data: { content: named(9) }, layers } });
  const stage = (networks: number[], options = {}, ...from: number[]): Handed => ({
    manifest,
    program: programOf({ model: { onnx: networks.map(digest), options } }),
    input: null,
    parts: parts(...from),
  });
  const feed = { feed: "order" };

  it("is layers that follow each other, the first on the input, the others on what came before", () => {
    expect(pathOf(stage([1, 2, 3, 4], {}, 9))).toBeNull();
    expect(pathOf(stage([1], {}, 9))).toBeNull();
    expect(pathOf(stage([2, 3], feed, 5))).toBeNull();
    expect(pathOf(stage([4], feed, 5))).toBeNull();
    expect(pathOf(stage([1, 3], {}, 9))).toBe("program");
    expect(pathOf(stage([3, 2], feed, 5))).toBe("program");
    expect(pathOf(stage([2, 3], {}, 5))).toBe("program");
    expect(pathOf(stage([], feed, 5))).toBe("program");
    expect(pathOf(stage([1, 2, 3, 4, 4], {}, 9))).toBe("program");
    expect(pathOf(stage([1, 2], {}, 5))).toBe("input");
    expect(pathOf(stage([2, 3], feed, 5, 6))).toBe("input");
  });

  it("takes any of many inputs, and nothing else", () => {
    const inputs = [7, 8, 9].map((i) => ({ name: `x-${i}`, content: named(i), size: "7B" }));
    const many = canonicalText({ kind: "Pipeline", spec: { data: { inputs }, layers } });
    const first = (i: number): Handed => ({ ...stage([1, 2], {}, i), manifest: many });
    expect([7, 8, 9].map((i) => pathOf(first(i)))).toEqual([null, null, null]);
    expect(pathOf(first(5))).toBe("input");
    expect(pathOf({ ...stage([1, 2], {}, 7, 8), manifest: many })).toBe("input");
    expect(pathOf({ ...stage([3, 4], feed, 5), manifest: many })).toBeNull();
  });
});
