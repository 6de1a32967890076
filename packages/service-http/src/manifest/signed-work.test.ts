import type { SiteId } from "@weft/infrastructure";
import type { Bytes } from "@weft/kernel";
import { objectionToWork, type StepRequest } from "@weft/service";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  API_VERSION,
  applicationOf,
  manifestText,
  parseSentApplication,
  parseSentManifest,
  pipelineOf,
  taskOf,
} from "./index.ts";

/*
 * A node reads less of a manifest than a manager does, and finds the same work in it [K2.7].
 */

const YOU = "you" as SiteId;
const digest = fc.integer({ min: 0, max: 9 }).map((i) => `sha256:${String(i).repeat(64)}`);
const text = fc.string({ maxLength: 12 }).filter((one) => !one.includes("\0"));
const texts = fc.dictionary(
  fc.stringMatching(/^[A-Z]{1,4}$/),
  text.filter((one) => !/\p{Cc}/u.test(one)),
);
const args = fc.array(text, { maxLength: 3 });
const run = fc.oneof(
  fc.record({
    wasm: fc.record({ module: digest, args, env: texts }, { requiredKeys: ["module"] }),
  }),
  fc.record({
    model: fc.record(
      {
        onnx: fc.array(digest, { minLength: 1, maxLength: 3 }),
        pipeline: fc.constantFrom("tensor", "ocr"),
        options: texts,
      },
      { requiredKeys: ["onnx"] },
    ),
  }),
  fc.record({ process: fc.record({ command: text, args, env: texts }, { requiredKeys: ["command"] }) }),
);
const data = fc.option(
  digest.map((content) => ({ content, input: "7B" })),
  { nil: undefined },
);
const compute = { type: "neural", work: "1 GOP" };
const head = (kind: string) => ({ apiVersion: API_VERSION, kind, metadata: { name: "one" } });
/** What is undefined is not sent. */
const sent = (manifest: object): string => manifestText(JSON.parse(JSON.stringify(manifest)));

it("of a task", () => {
  fc.assert(
    fc.property(run, data, (run, data) => {
      const manifest = sent({ ...head("Task"), spec: { compute, run, data } });
      const parsed = parseSentManifest(manifest);
      const read = parsed.ok ? taskOf(parsed.manifests[0]!.manifest, YOU) : parsed;
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      const { program, input } = read.value;
      expect(objectionToWork({ manifest, program, input })).toBeNull();
      const others = { ...program, env: { OTHER: "1" }, options: { other: "1" } };
      expect(objectionToWork({ manifest, program: others, input })).not.toBeNull();
    }),
    { numRuns: 200 },
  );
});

it("of an application's steps", () => {
  const step = fc.record({ run, data });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (given) => {
      const steps = given.map((one, i) => ({
        ...one,
        name: `step-${i}`,
        compute,
        from: given.slice(0, i).map((_, s) => ({ step: `step-${s}` })),
      }));
      const manifest = sent({ ...head("Application"), spec: { steps } });
      const parsed = parseSentApplication(manifest);
      const document = parsed.ok ? parsed.manifests[0]!.manifest : null;
      if (document?.kind !== "Application") throw new Error(JSON.stringify(parsed));
      const read = applicationOf(document, YOU);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      for (const { program, input, from } of read.value.steps as StepRequest[]) {
        const results = from.map(() => ({ digest: "ab".repeat(32), size: 1 as Bytes }));
        const parts = [...(input === null ? [] : [input]), ...results].map((content) => ({
          content,
          segments: [],
        }));
        expect(objectionToWork({ manifest, program, input: null, parts })).toBeNull();
      }
    }),
    { numRuns: 100 },
  );
});

it("of a pipeline as a whole", () => {
  fc.assert(
    fc.property(fc.array(digest, { minLength: 1, maxLength: 20 }), data, (networks, data) => {
      const layers = networks.map((network) => ({ network, work: "1 GOP", memory: "1MB" }));
      const manifest = sent({ ...head("Pipeline"), spec: { layers, data } });
      const parsed = parseSentApplication(manifest);
      const document = parsed.ok ? parsed.manifests[0]!.manifest : null;
      if (document?.kind !== "Pipeline") throw new Error(JSON.stringify(parsed));
      const read = pipelineOf(document, YOU);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      const { program, input } = read.value.pipeline!.whole;
      expect(objectionToWork({ manifest, program, input })).toBeNull();
    }),
    { numRuns: 100 },
  );
});
