import { readFileSync } from "node:fs";
import type { SiteId } from "@weft/infrastructure";
import { expect, it } from "vitest";
import {
  type ApplicationManifest,
  applicationJsonSchema,
  applicationOf,
  contentsOf,
  formatProblem,
  parseDocuments,
  parseManifests,
  parseSentApplication,
  withDigests,
} from "./index.ts";

const REPORT = `apiVersion: weft.dev/v1
kind: Application
metadata: { name: log-report, labels: { team: operations } }
spec:
  data: { at: you, mayLeave: [ningbo] }
  deadline: 30s
  pay: { atMost: 0.03 CNY }
  steps:
    - name: scan
      data: { content: access.log, result: 1MB }
      compute: { type: logical, work: 0.43 GOP }
      run: { wasm: { module: scan.wasm } }
    - name: top
      from: [{ step: scan, size: 20kB }]
      compute: { type: logical, work: 1 MOP }
      run: { wasm: { module: top.wasm } }
      pay: { atMost: 0.01 CNY }
`;

function read(text: string) {
  const parsed = parseDocuments(text, "report.yaml");
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.manifests;
}

const problemsOf = (text: string): readonly string[] => {
  const parsed = parseDocuments(text, "f.yaml");
  return parsed.ok ? [] : parsed.problems.map((one) => formatProblem(one).replace(/\s+/g, " "));
};

function requested(text: string) {
  const [parsed] = read(text);
  const known = new Map(
    contentsOf(parsed!.manifest).map(({ name }, i) => [
      name.kind === "file" ? name.path : "",
      { digest: String(i).repeat(64), size: 7 },
    ]),
  );
  const sent = parseSentApplication(JSON.stringify(withDigests(parsed!.source, parsed!.manifest, known)));
  if (!sent.ok) throw new Error("does not read back");
  return applicationOf(sent.manifests[0]!.manifest as ApplicationManifest, "home" as SiteId);
}

it("reads an application: steps with their needs, what flows between them, what is said once for all", () => {
  const application = requested(REPORT);
  if (!application.ok) throw new Error(JSON.stringify(application.problems));
  const { steps, ...rest } = application.value;
  expect(rest).toEqual({
    name: "log-report",
    labels: { team: "operations" },
    at: "you",
    objective: "cost",
    deadline: 30_000_000,
    gang: false,
    payAtMost: 30_000n,
  });
  expect(steps.map(({ name, from }) => [name, from])).toEqual([
    ["scan", []],
    ["top", [{ step: "scan", bytes: 20_000 }]],
  ]);
  expect(steps[0]).toMatchObject({ input: { digest: "0".repeat(64), size: 7 }, program: { kind: "wasm" } });
  expect(steps[0]!.needs.basic).toMatchObject({ inputBytes: 7, dataAt: "you", mayLeaveTo: ["ningbo"] });
  expect(steps.map(({ needs }) => needs.payAtMost)).toEqual([30_000n, 10_000n]);
});

it("says where an application is wrong, as for a task", () => {
  const wrong = (from: string, to: string) => problemsOf(REPORT.replace(from, to));
  expect(wrong("work: 1 MOP", "work: 1")[0]).toMatch(
    /^f\.yaml:15 spec\.steps\[1\]\.compute\.work found "1", expected an amount of work/,
  );
  expect(wrong("    - name: top", "    - nam: top").join()).toMatch(
    /spec\.steps\[1\]\.nam .*did you mean name/,
  );
  expect(wrong("kind: Application", "kind: Aplication")[0]).toMatch(
    /^f\.yaml:2 kind found "Aplication", expected one of Task, Application, Pipeline, List .*did you mean Application/,
  );
});

it("refuses steps that are named twice, unknown, or in a circle", () => {
  const refused = (from: string, to: string) => {
    const [parsed] = read(REPORT.replace(from, to).replaceAll(/content: access.log, /g, ""));
    const manifest = parsed!.manifest as ApplicationManifest;
    const digests = JSON.parse(
      JSON.stringify(parsed!.source).replaceAll(/"\w+\.wasm"/g, `"sha256:${"0".repeat(64)}"`),
    );
    const again = parseSentApplication(JSON.stringify(digests));
    const application = applicationOf(
      (again.ok ? again.manifests[0]!.manifest : manifest) as ApplicationManifest,
      "home" as SiteId,
    );
    return application.ok ? [] : application.problems.map(({ path, expected }) => `${path}: ${expected}`);
  };
  expect(refused("name: top", "name: scan")).toContain("spec.steps[1].name: a name no other step has");
  expect(refused("step: scan", "step: scam")).toEqual(["spec.steps[1].from[0].step: one of scan, top"]);
  expect(refused("step: scan", "step: top")[0]).toMatch(/spec\.steps\[1\]\.from: steps that do not wait/);
});

it("reads lists of manifests, and documents of both kinds, with the lines of each", () => {
  const task = `apiVersion: weft.dev/v1
kind: Task
metadata: { name: NAME }
spec: { compute: { type: logical, work: 1 MOP }, run: { wasm: { module: a.wasm } } }
`;
  const indented = (name: string) =>
    task
      .replace("NAME", name)
      .trim()
      .split("\n")
      .map((line, i) => `${i === 0 ? "  - " : "    "}${line}`)
      .join("\n");
  const list = `apiVersion: weft.dev/v1\nkind: List\nitems:\n${indented("a")}\n${indented("b")}\n`;
  expect(read(list).map(({ manifest }) => manifest.metadata.name)).toEqual(["a", "b"]);
  expect(read(`${list}---\n${REPORT}`).map(({ manifest }) => manifest.kind)).toEqual([
    "Task",
    "Task",
    "Application",
  ]);
  expect(problemsOf(list.replace("name: b", "name: B!"))[0]).toMatch(/^f\.yaml:10 metadata\.name/);
  expect(problemsOf(list.replace("items:", "item:")).join()).toMatch(/item/);
  // Where only tasks will do, an application is said to be none.
  const parsed = parseManifests(REPORT, "f.yaml");
  expect(parsed.ok ? "" : parsed.problems[0]).toMatchObject({
    path: "kind",
    found: '"Application"',
    expected: "Task",
  });
});

it("takes several devices, a priority and a moment to start at", () => {
  const text = (spec: string) =>
    `{apiVersion: weft.dev/v1, kind: Task, metadata: {name: x}, spec: {compute: {type: neural, work: 1 MFLOP, accelerator: {kind: gpu, memory: 2GB, count: 2}}, run: {process: {command: a}}, ${spec}}}`;
  const [parsed] = read(text("priority: 7, startAt: 2026-11-22T22:00:00+08:00"));
  expect(parsed!.manifest.spec).toMatchObject({
    compute: { accelerator: { count: 2 } },
    priority: 7,
    startAt: Date.parse("2026-11-22T14:00:00Z") * 1000,
  });
  expect(problemsOf(text("startAt: tomorrow"))[0]).toMatch(/a moment such as .*offset from UTC/);
  expect(problemsOf(text("priority: 1.5"))[0]).toMatch(/a whole number/);
});

it("the published schema is the one that applications are checked with", () => {
  const path = new URL("../../../../docs/schema/application.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(applicationJsonSchema())));
});
