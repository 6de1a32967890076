import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "@weft/kernel";
import { SAMPLE_DECISION } from "@weft/service-http/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import {
  BIN,
  begin,
  end,
  folder,
  idOf,
  manager,
  onceThere,
  renew,
  store,
  TASK,
  weft,
} from "../testing/command-line.ts";

/*
 * A task from its manifest to its end: plan, run, apply, wait, delete.
 */

beforeAll(begin);
afterEach(renew);
afterAll(end);

it("plan shows place, path, time and price, and exits 1 when nothing fits", async () => {
  const { code, out } = await weft("plan", "-f", "task.yaml");
  expect(code).toBe(0);
  expect(out).toBe(
    [
      "task read-receipt",
      "  node:    corner",
      "  path:    you > ningbo",
      "  time:    141 ms predicted (in 56.4 ms, queue 0 us, compute 70.5 ms, out 14.1 ms)",
      "  price:   0.00041 CNY, at most 0.001",
      "  energy:  -",
      "  carbon:  -",
      "placed on corner, path you > ningbo",
      "considered 3 nodes, 5 paths",
      "  deadline 250 ms  ruled out sunny (312 ms), pocket (841 ms)",
      "nearest miss: sunny would fit with deadline 312 ms, or with input 0.9 MB",
      "",
    ].join("\n"),
  );
  expect(manager.submissions).toHaveLength(0);
  manager.fits = false;
  const refused = await weft("plan", "-f", "task.yaml");
  expect(refused.code).toBe(1);
  expect(refused.out).toContain(
    "refused: no node within reach can be done before the deadline  [deadline_unreachable]",
  );
  const json = await weft("plan", "-f", "task.yaml", "-o", "json");
  expect([json.code, JSON.parse(json.out).explanation.nodesConsidered]).toEqual([
    1,
    SAMPLE_DECISION.explanation?.nodesConsidered,
  ]);
});

it("plan shows several tasks together, each with its place, and what that comes to", async () => {
  writeFileSync(join(folder, "two.yaml"), `${TASK}---\n${TASK.replace("read-receipt", "again")}`);
  const { code, out, err } = await weft("plan", "-f", "two.yaml");
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain("task read-receipt\n  node:    corner");
  expect(out).toContain("task again\n  node:    corner");
  expect(out).toMatch(/\ntogether 2 of 2 placed, .*\n$/);
  const { out: json } = await weft("plan", "-f", "two.yaml", "-o", "json");
  expect(JSON.parse(json)).toMatchObject({ placed: 2, items: [{ name: "read-receipt" }, { name: "again" }] });
});

it("a wrong manifest is told line by line, exit code 2, and nothing is sent", async () => {
  expect(await weft("run", "-f", "wrong.yaml")).toEqual({
    code: 2,
    out: "",
    err: [
      'wrong.yaml:6  spec.compute.type  found "neurl", expected one of logical, parallel, neural',
      `  ${"hint: did you mean neural?".padEnd(72)}  [E_MANIFEST_VALUE]`,
      'wrong.yaml:6  spec.compute.work  found "9.1", expected an amount of work such as 9.1 GFLOP',
      `  ${"hint: did you mean 9.1GFLOP?".padEnd(72)}  [E_MANIFEST_UNIT]`,
      "",
    ].join("\n"),
  });
  writeFileSync(join(folder, "lost.yaml"), TASK.replace("det.onnx", "lost.onnx"));
  const lost = await weft("plan", "-f", "lost.yaml");
  expect([lost.code, lost.err]).toEqual([
    2,
    expect.stringContaining("lost.yaml:7  spec.run.model.onnx.0  no such file"),
  ]);
  expect((await weft("run", "-f", "none.yaml")).err).toBe("none.yaml: no such file  [E_FILE]\n");
});

it("run uploads what the manifest names, signs an order for its price, and submits it", async () => {
  const { code, out, err } = await weft("run", "-f", "task.yaml", "--input", "receipt.png");
  expect([code, out]).toEqual([0, "task/read-receipt created\n"]);
  expect(err).toBe("uploading 300 kB   to you\n");
  const [submitted] = manager.submissions;
  expect(submitted?.order.order.payAtMost).toBe(1000n);
  expect(submitted?.input?.size).toBe(300_000);
  expect(store.has(submitted?.input?.digest ?? "")).toBe(true);
  expect(submitted?.contents.map(({ digest, size }) => [store.has(digest), size])).toEqual([[true, 7]]);
  expect(statSync(join(folder, "key.pem")).mode & 0o777).toBe(0o600);
});

it("run without a price signs for that of the plan and says so", async () => {
  writeFileSync(join(folder, "free.yaml"), TASK.replace(/ {2}pay: .*\n/, ""));
  const { code, err } = await weft("run", "-f", "free.yaml");
  expect([code, err]).toEqual([
    0,
    expect.stringContaining("signed for at most 0.001, the highest price of the plan"),
  ]);
  expect(manager.submissions[0]?.order.order.payAtMost).toBe(1000n);
});

it("run --watch shows the phases on stderr and gives the result on stdout", async () => {
  const running = weft("run", "-f", "task.yaml", "--watch");
  const put = await store.put(
    (async function* () {
      yield Buffer.from("total 47.50\n");
    })(),
  );
  onceThere("read-receipt", () => {
    manager.finish(idOf("read-receipt"));
    const task = manager.task({ account: "books", role: "consumer" }, "read-receipt");
    if (task.ok && put.ok) {
      manager.change(
        { ...task.value, result: { ...put.value, size: put.value.size as Bytes, at: "you" as never } },
        "kept",
      );
    }
  });
  const { code, out, err } = await running;
  expect(code).toBe(0);
  expect(err).toContain("running on corner via you > ningbo");
  expect(err).toContain("succeeded on corner in 138 ms, predicted 141 ms; charged 0.00041 CNY");
  expect(["total 47.50\n", ""]).toContain(out); // the fake tells the result after the end
  expect((await weft("result", "read-receipt")).out).toBe("total 47.50\n");
  expect((await weft("result", "read-receipt", "--to", "out.txt")).err).toBe("12 B written to out.txt\n");
  expect(readFileSync(join(folder, "out.txt"), "utf8")).toBe("total 47.50\n");
});

it("run --watch says that a result came later than its deadline", async () => {
  writeFileSync(join(folder, "hurried.yaml"), TASK.replace("spec:\n", "spec:\n  deadline: 100ms\n"));
  const running = weft("run", "-f", "hurried.yaml", "--watch");
  onceThere("read-receipt", () => manager.finish(idOf("read-receipt")));
  expect((await running).err).toContain("charged 0.00041 CNY; 38 ms later than its deadline of 100 ms");
});

it("run --watch of a task that fails says why and exits 1", async () => {
  const running = weft("run", "-f", "task.yaml", "--watch");
  onceThere("read-receipt", () => manager.finish(idOf("read-receipt"), "failed"));
  const { code, out, err } = await running;
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("read-receipt failed: exit code 3  [program_failed]");
});

it("Ctrl-C on run --watch leaves the task running, and says so", async () => {
  const child = spawn(process.execPath, [BIN, "run", "-f", "task.yaml", "--watch"], { cwd: folder });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
    if (/^(?:pending|launched|running)/m.test(said) && !child.killed) child.kill("SIGINT");
  });
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(130);
  expect(said).toContain("read-receipt goes on; weft logs -f read-receipt follows it");
}, 60_000);

it("apply makes a task once", async () => {
  expect((await weft("apply", "-f", "task.yaml")).out).toBe("task/read-receipt created\n");
  expect((await weft("apply", "-f", "task.yaml")).out).toBe("task/read-receipt unchanged\n");
  expect(manager.submissions).toHaveLength(1);
});

it("wait ends when all have got there, when one never can, and at the timeout", async () => {
  await weft("run", "-f", "task.yaml");
  const timed = await weft("wait", "read-receipt", "--timeout", "50ms");
  expect([timed.code, timed.err]).toEqual([
    1,
    expect.stringMatching(/^timed out waiting for read-receipt .* {2}\[E_TIMEOUT\]\n {2}hint: /),
  ]);
  const early = await weft("result", "read-receipt");
  expect([early.code, early.err]).toEqual([
    1,
    expect.stringMatching(/has no result: .* {2}\[E_NO_RESULT\]\n {2}hint: /),
  ]);
  const waiting = weft("wait", "task/read-receipt", "--for=succeeded");
  onceThere("read-receipt", () => manager.finish(idOf("read-receipt")));
  expect(await waiting).toMatchObject({ code: 0, out: "task/read-receipt succeeded\n" });
  const never = await weft("wait", "read-receipt", "--for", "failed");
  expect([never.code, never.err]).toEqual([1, expect.stringContaining("will never be failed")]);
  expect((await weft("wait", "read-receipt", "--for", "suceeded")).err).toContain("did you mean succeeded?");
});

it("delete stops by name, label or file, and says what had ended before", async () => {
  await weft("run", "-f", "task.yaml");
  expect((await weft("delete", "task", "read-receipt")).out).toBe("task/read-receipt deleted\n");
  expect((await weft("delete", "-l", "team=books")).err).toBe("no tasks to delete\n");
  await weft("run", "-f", "task.yaml");
  expect((await weft("delete", "-f", "task.yaml")).out).toBe("task/read-receipt deleted\n");
  const absent = await weft("delete", "none");
  expect([absent.code, absent.err]).toEqual([1, 'none: no task "none"  [E_NOT_FOUND]\n']);
  expect((await weft("delete", "node/corner")).code).toBe(2);
  expect((await weft("delete")).code).toBe(2);
});
