import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bytes, Instant, Micros, Money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import {
  type ContractTerms,
  contractEntry,
  leafHash,
  MerkleTree,
  signContract,
  signHead,
  signOrder,
  signUsage,
  type UsageRecord,
} from "@weft/market";
import { ContentStore, Gateway } from "@weft/orchestration-data";
import { type ApiServer, createApiServer } from "@weft/service-http";
import { wireText } from "@weft/service-http/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { memoryLog } from "../../../packages/service-http/src/testing/memory-log.ts";
import { MemoryManager } from "../../../packages/service-http/src/testing/memory-manager.ts";
import { SAMPLE_DECISION } from "../../../packages/service-http/src/testing/sample.ts";
import { Context } from "./context.ts";
import { runCommandLine } from "./program.ts";
import { keepContext } from "./settings.ts";

const BIN = fileURLToPath(new URL("../bin/weft.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weft-cli-"));
const store = new ContentStore(join(folder, "gateway"), { maxBytes: 1e8, durable: false });
const gateway = new Gateway({
  store,
  authorize: ({ token }) => token === "data-token",
  allow: () => false,
  maxContentBytes: 1e8,
});
let manager: MemoryManager;
let server: ApiServer;
let url: string;

const TASK = `apiVersion: weft.dev/v1
kind: Task
metadata: { name: read-receipt, labels: { team: books } }
spec:
  data:    { input: 2.3MB, at: you }
  compute: { type: neural, work: 9.1 GFLOP }
  run:     { model: { onnx: [det.onnx], pipeline: ocr } }
  pay:     { atMost: 0.0010 CNY }
`;

beforeAll(() => {
  writeFileSync(join(folder, "task.yaml"), TASK);
  writeFileSync(join(folder, "wrong.yaml"), TASK.replace("9.1 GFLOP", "9.1").replace("neural", "neurl"));
  writeFileSync(join(folder, "det.onnx"), "weights");
  writeFileSync(join(folder, "receipt.png"), Buffer.alloc(300_000, 1));
});
async function start(): Promise<void> {
  manager = new MemoryManager();
  server = createApiServer({ manager, data: gateway.handle });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
  manager.gateway = url;
  const context = { server: url, token: manager.issue("consumer", "books"), key: join(folder, "key.pem") };
  keepContext(join(folder, ".weft"), "local", context);
}
beforeAll(start);
afterEach(async () => {
  await server.close();
  await start();
});
afterAll(async () => {
  await server.close();
  gateway.close();
  rmSync(folder, { recursive: true });
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command line in this process, off any terminal, in the folder with the manifest and the state. */
async function weft(...words: string[]): Promise<Said> {
  const said = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({
    write: (text: string | Uint8Array) => {
      said[name] += typeof text === "string" ? text : Buffer.from(text).toString("utf8");
    },
  });
  const context = new Context({ out: stream("out"), err: stream("err"), env: {}, cwd: folder });
  const code = await runCommandLine(context, words);
  return { code, ...said };
}

/** What a shell script prints, run beside the server in this process. */
function bash(script: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn("bash", ["--norc", "-c", script], { cwd: folder });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.once("close", () => resolve(text.trim()));
  });
}

const idOf = (name: string): string => {
  const task = manager.task({ account: "books", role: "consumer" }, name);
  if (!task.ok) throw new Error(task.refusal.message);
  return task.value.id;
};
/** Does something once the task is there and whoever follows it has had time to see that; never too early. */
function onceThere(name: string, then: () => void): void {
  const there = manager.task({ account: "books", role: "consumer" }, name).ok;
  setTimeout(there ? then : () => onceThere(name, then), 50);
}

describe("get", () => {
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
    expect((await weft("get", "node", "corner", "-o", "yaml")).out).toMatch(
      /^description:\n {2}id: corner\n/,
    );
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
});

describe("tasks", () => {
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
      "refused: no node within reach can be done before the deadline [deadline_unreachable]",
    );
    const json = await weft("plan", "-f", "task.yaml", "-o", "json");
    expect([json.code, JSON.parse(json.out).explanation.nodesConsidered]).toEqual([
      1,
      SAMPLE_DECISION.explanation?.nodesConsidered,
    ]);
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
    expect((await weft("run", "-f", "none.yaml")).err).toBe("none.yaml: no such file\n");
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
      expect.stringContaining("timed out waiting for read-receipt"),
    ]);
    const waiting = weft("wait", "task/read-receipt", "--for=succeeded");
    onceThere("read-receipt", () => manager.finish(idOf("read-receipt")));
    expect(await waiting).toMatchObject({ code: 0, out: "task/read-receipt succeeded\n" });
    const never = await weft("wait", "read-receipt", "--for", "failed");
    expect([never.code, never.err]).toEqual([1, expect.stringContaining("will never be failed")]);
    expect((await weft("wait", "read-receipt", "--for", "suceeded")).err).toContain(
      "did you mean succeeded?",
    );
  });

  it("logs show what was printed, control characters and all when it is no terminal", async () => {
    await weft("run", "-f", "task.yaml");
    manager.print(idOf("read-receipt"), "one\u001b[31m\ntwo\n");
    expect((await weft("logs", "read-receipt")).out).toBe("one\u001b[31m\ntwo\n");
    const following = weft("logs", "-f", "read-receipt", "--prefix");
    onceThere("read-receipt", () => {
      manager.print(idOf("read-receipt"), "three");
      manager.finish(idOf("read-receipt"));
    });
    expect((await following).out.split("\n").at(-2)).toBe("[task-1-1 stdout] three");
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

  it("describe tells all that is known, and explain why", async () => {
    await weft("run", "-f", "task.yaml");
    manager.finish(idOf("read-receipt"));
    const { out } = await weft("describe", "task", "read-receipt");
    expect(out).toMatch(/^Name: +read-receipt$/m);
    expect(out).toMatch(/^Charged: +0\.00041 CNY$/m);
    expect(out).toMatch(/predicted: +141 ms \(in 56\.4 ms/);
    expect(out).toContain("work: 9.1 GFLOP");
    expect((await weft("describe", "node/pocket")).out).toMatch(/^Load: +-$/m);
    expect((await weft("describe", "link", "you>ningbo")).out).toMatch(
      /^Radio: +none, or it tells nothing$/m,
    );
    const why = await weft("explain", "read-receipt");
    expect(why.out).toContain("placed on corner, path you > ningbo\nconsidered 3 nodes, 5 paths\n");
    expect(why.err).toMatch(/^decided .* ago\n$/);
  });

  it("describe says of a waiting task what its consumer holds and who goes before it", async () => {
    await weft("apply", "-f", "task.yaml");
    const task = manager.task({ account: "books", role: "consumer" }, "read-receipt");
    if (!task.ok) throw new Error(task.refusal.message);
    const bob = { consumer: "bob", tasks: 10, share: 0, resource: null };
    const turn = { share: 0.93, resource: "memory", own: 1, promised: 0, ahead: [bob] } as const;
    manager.change({ ...task.value, turn }, "waiting");
    const { out } = await weft("describe", "task", "read-receipt");
    expect(out).toMatch(
      /^Waits for room: +its consumer holds 93 % of memory; before it bob \(holds nothing, 10 tasks\), 1 task of its own$/m,
    );
  });
});

describe("the market", () => {
  /** A contract that three keys signed, as the API tells it. */
  function papers() {
    const [consumer, provider, broker, node] = [
      createSigner(),
      createSigner(),
      createSigner(),
      createSigner(),
    ];
    const zero = 0n as Money;
    const order = {
      id: "o",
      consumer: consumer.publicKey,
      taskDigest: "0".repeat(64),
      payAtMost: 1000n as Money,
      notAfter: 9e15 as Instant,
    };
    const terms: ContractTerms = {
      id: "c-1",
      order: signOrder(order, consumer),
      task: "task-1",
      attempt: 1,
      consumer: { account: "books", key: consumer.publicKey },
      provider: { account: "corner-ltd", key: provider.publicKey },
      manager: { account: "manager", key: broker.publicKey },
      node: { id: "corner", key: node.publicKey },
      compute: "logical",
      currency: "CNY",
      prices: {
        petaOperation: { logical: 50_000n as Money, parallel: zero, neural: zero },
        memoryGibHour: zero,
        storageGibHour: zero,
        transferGb: zero,
        bandwidthGbpsHour: zero,
        perTask: zero,
      },
      ceiling: 900n as Money,
      completeBy: null,
      validFrom: 1e15 as Instant,
      validUntil: 2e15 as Instant,
    };
    const contract = { terms, manager: signContract(terms, broker), provider: signContract(terms, provider) };
    const record: UsageRecord = {
      id: "r",
      contract: "c-1",
      node: "corner",
      sequence: 1,
      startedAt: 11e14 as Instant,
      endedAt: 12e14 as Instant,
      cpuTime: 1 as Micros,
      wallTime: 1 as Micros,
      operations: 10n ** 13n,
      memoryTime: 0n,
      storageTime: 0n,
      inputBytes: 0 as Bytes,
      outputBytes: 0 as Bytes,
      reservedBits: 0n,
      outcome: "completed",
      result: null,
    };
    return { contract, usage: signUsage(record, node), broker };
  }
  const keep = (name: string, value: unknown) => writeFileSync(join(folder, name), wireText(value));

  it("verify checks a contract and its usage offline, and refuses a changed one", async () => {
    const { contract, usage } = papers();
    keep("contract.json", contract);
    keep("usage.json", usage);
    const held = await weft(
      "--server",
      "http://127.0.0.1:9",
      "verify",
      "contract",
      "contract.json",
      "--usage",
      "usage.json",
    );
    expect([held.code, held.err]).toEqual([0, ""]);
    expect(held.out).toContain("c-1: signed by all three, within the consumer's order");
    expect(held.out).toMatch(/total: +0\.0005 CNY/);
    keep("contract.json", { ...contract, terms: { ...contract.terms, ceiling: 901n } });
    const changed = await weft("verify", "contract", "contract.json");
    expect([changed.code, changed.err]).toEqual([1, expect.stringContaining("[E_CONTRACT_SIGNATURE]")]);
    keep("usage.json", { ...usage, record: { ...usage.record, operations: 10n ** 14n } });
    keep("contract.json", contract);
    const inflated = await weft("verify", "contract", "contract.json", "--usage", "usage.json");
    expect([inflated.code, inflated.err]).toEqual([1, expect.stringContaining("[E_USAGE_SIGNATURE]")]);
    expect((await weft("verify", "contract", "task.yaml")).code).toBe(2);
  });

  it("verify log shows an edit, and whose log it is", async () => {
    const signer = createSigner();
    const entries = ["a", "b", "c"];
    const tree = new MerkleTree(nodeCryptography);
    for (const entry of entries) tree.append(leafHash(entry, nodeCryptography));
    const head = { log: signer.publicKey, size: 2, root: tree.root(2), at: 1 as Instant };
    keep("log.json", { entries, heads: [signHead(head, signer)] });
    expect((await weft("verify", "log", "log.json", "--manager", signer.publicKey)).out).toBe(
      "3 entries give the roots of all 1 signed heads; 1 newer than the last head\n",
    );
    expect((await weft("verify", "log", "log.json", "--manager", "0".repeat(64))).code).toBe(1);
    keep("log.json", { entries: ["a", "B", "c"], heads: [signHead(head, signer)] });
    expect((await weft("verify", "log", "log.json")).err).toContain("[E_LOG_EDITED]");
  });

  it("verify log fetches the manager's own, remembers its head, and finds a fork the next time", async () => {
    const signer = createSigner();
    manager.log = memoryLog(["a", "b", "c"], signer);
    const first = await weft("verify", "log", "--save", "kept.json", "--manager", signer.publicKey);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toContain("3 entries give the roots of all 1 signed heads");
    expect((await weft("verify", "log", "kept.json")).code).toBe(0);
    manager.log = memoryLog(["a", "b", "c", "d"], signer);
    expect((await weft("verify", "log")).out).toContain("they begin with the 3 of");
    manager.log = memoryLog(["a", "B", "c", "d", "e"], signer);
    expect((await weft("verify", "log")).err).toContain("[E_LOG_EDITED]");
    manager.log = memoryLog(["a", "b"], signer);
    expect((await weft("verify", "log")).err).toContain("[E_LOG_SHORT]");
    manager.log = memoryLog(["a", "b", "c", "d"], signer);
    const alone = await weft("verify", "log", "--witness", createSigner().publicKey);
    expect([alone.code, alone.err]).toEqual([1, expect.stringContaining("[E_LOG_WITNESSES]")]);
  });

  it("witness stands by a log that grows, and keeps the evidence of one that does not", async () => {
    const signer = createSigner();
    const look = () => weft("witness", "--once", "--state", "witness.json");
    manager.log = memoryLog(["a", "b", "c"], signer);
    expect(await look()).toMatchObject({
      code: 0,
      out: expect.stringContaining("3 entries, seen for the first"),
    });
    const cosigned = await manager.log.head();
    expect(cosigned.ok && cosigned.value.cosignatures).toHaveLength(1);
    manager.log = memoryLog(["a", "b", "c", "d"], signer);
    expect((await look()).out).toContain("4 entries, 1 more");
    manager.log = memoryLog(["a", "B", "c", "d", "e"], signer);
    const forked = await look();
    expect([forked.code, forked.err]).toEqual([1, expect.stringContaining("[E_LOG_FORK]")]);
    expect(JSON.parse(readFileSync(join(folder, "witness.json.evidence"), "utf8"))).toHaveLength(2);
    manager.log = memoryLog(["a"], signer);
    expect((await look()).err).toContain("[E_LOG_ROLLED_BACK]");
  });

  it("verify contract --log believes only a line that leads to a head of the contract's manager", async () => {
    const { contract, broker } = papers();
    keep("contract.json", contract);
    const ended = { contract, state: "settled", because: "completed", usage: null, settlement: [] };
    const line = contractEntry(ended, nodeCryptography);
    manager.log = memoryLog(["a", line, "c"], broker);
    const held = await weft("verify", "contract", "contract.json", "--log");
    expect(held).toMatchObject({ code: 0, out: expect.stringContaining("line 1 of 3") });
    manager.log = memoryLog(["a", line, "c"]);
    expect((await weft("verify", "contract", "contract.json", "--log")).err).toContain("[E_LOG_SIGNATURE]");
    manager.log = memoryLog(["a", line.replace("weft/contract/1 ", "weft/contract/1 0"), "c"], broker);
    expect((await weft("verify", "contract", "contract.json", "--log")).err).toContain("[E_LOG_EDITED]");
  });

  it("invoices, payouts and statements are shown, and written as PDF files", async () => {
    expect((await weft("invoices")).out).toMatch(/NUMBER +ACCOUNT[\s\S]*1 +books +2026-11/);
    const shown = await weft("invoices", "show", "1");
    expect(shown.out).toContain("VAT 6 %:");
    expect(shown.out).toContain("2026-11-01 08:00:00 GMT+8");
    expect((await weft("invoices", "show", "1", "-o", "csv")).out).toMatch(/^time \(UTC\),item/);
    expect((await weft("invoices", "show", "9")).err).toContain("[E_NOT_FOUND]");
    expect((await weft("invoices", "show", "1", "-o", "pdf")).err).toBe("wrote invoice-books-2026-11.pdf\n");
    expect((await weft("statement", "-o", "pdf", "--file", "s.pdf")).err).toBe("wrote s.pdf\n");
    for (const file of ["invoice-books-2026-11.pdf", "s.pdf"]) {
      expect(readFileSync(join(folder, file)).subarray(0, 5).toString()).toBe("%PDF-");
    }
    expect((await weft("invoices", "draft")).out).toMatch(/^draft of books/);
    expect((await weft("invoices", "issue", "--period", "2026-11")).err).toContain("[E_FORBIDDEN]");
    const boss = manager.issue("manager", "manager");
    expect((await weft("--token", boss, "invoices", "issue", "--period", "2026-11")).out).toContain("books");
    expect((await weft("--token", boss, "invoices", "credit", "1", "wrong", "--reason", "r")).code).toBe(2);
    const note = await weft("--token", boss, "invoices", "credit", "1", "0.0001CNY", "--reason", "r");
    expect(note.out).toContain("0.0001 CNY of invoice/books/2026-11 to books");
    const pat = manager.issue("provider", "pat");
    expect((await weft("--token", pat, "payout", "--dry-run")).out).toContain("is the manager's");
    expect((await weft("--token", pat, "payout", "list")).out).toMatch(/PAID[\s\S]*pat +2026-11-22/);
    expect((await weft("payout")).err).toContain("[E_FORBIDDEN]");
  });

  it("balance and statement tell the account's own", async () => {
    expect((await weft("balance")).out).toBe(
      "books  5.00 CNY, 0.001 CNY held, 4.999 CNY available\nat the rate of the last hour that lasts 2 h\n",
    );
    expect((await weft("balance", "else")).code).toBe(1);
    expect((await weft("statement", "--period", "2026-11")).out).toBe(
      "books, 2026-11: from 0.00 CNY to 0.00 CNY\nnothing moved\n",
    );
    expect((await weft("statement", "--period", "2026-W47", "-o", "csv")).out).toMatch(
      /^time \(UTC\),transfer/,
    );
    for (const wrong of ["2026-13", "2026-W60", "november"]) {
      expect([wrong, (await weft("statement", "--period", wrong)).code]).toEqual([wrong, 2]);
    }
  });

  it("offers, contracts and usage are short for get", async () => {
    for (const short of ["offers", "contracts", "usage"]) {
      expect(await weft(short)).toEqual({ code: 0, out: "", err: `no ${short}\n` });
    }
  });
});

describe("the rest", () => {
  it("top prints once off a terminal", async () => {
    const { code, out } = await weft("top");
    expect(code).toBe(0);
    expect(out).toMatch(/^test · 2 of 3 nodes up · 2 tasks running · .* UTC\n\nNODE/);
  });

  it("token create tells the secret alone on stdout; revoke closes it", async () => {
    const made = await weft("token", "create", "--note", "for tests");
    expect(made.out).toMatch(/^wt_[A-Za-z0-9_-]{43}\n$/);
    const id = /token\/(\w+)/.exec(made.err)?.[1] as string;
    expect((await weft("get", "tokens")).out).toContain("for tests");
    expect((await weft("--token", made.out.trim(), "get", "nodes")).code).toBe(0);
    expect((await weft("token", "revoke", id)).out).toBe(`token/${id} revoked\n`);
    const closed = await weft("--token", made.out.trim(), "get", "nodes");
    expect([closed.code, closed.err]).toEqual([1, expect.stringContaining("[E_UNAUTHENTICATED]")]);
    expect((await weft("token", "create", "--join")).err).toContain("only a manager makes tokens for others");
  });

  it("what cannot be reached is said with what to do, exit code 1", async () => {
    const { code, out, err } = await weft("--server", "http://127.0.0.1:9", "get", "nodes");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(
      "nothing answers at http://127.0.0.1:9: ECONNREFUSED  [E_UNREACHABLE]\n" +
        "  hint: start a network with: npm start (or name another with --server or WEFT_SERVER)\n",
    );
  });

  it.each([
    [["gt"], "Did you mean get?"],
    [["get", "nods"], "did you mean node"],
    [["get"], "missing required argument"],
    [["get", "nodes", "-o", "xml"], "Allowed choices are table, wide, json, yaml, name"],
    [["get", "usage", "--watch"], "cannot be watched"],
    [["--server", "here", "get", "nodes"], "expected a URL"],
    [["--context", "none", "get", "nodes"], "there is: local"],
  ])("a wrong command line is exit code 2: %j", async (words, said) => {
    const { code, out, err } = await weft(...words);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(said)]);
  });

  it("damaged state is said as such", async () => {
    const broken = join(folder, "broken");
    mkdirSync(join(broken, ".weft"), { recursive: true });
    writeFileSync(join(broken, ".weft", "config.json"), "{");
    const { status, stderr } = spawnSync(process.execPath, [BIN, "get", "nodes"], {
      cwd: broken,
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining("config.json is damaged; remove it and run weft up"),
    ]);
  });

  it("the state folder's secrets are their owner's alone", () => {
    expect(statSync(join(folder, ".weft", "config.json")).mode & 0o777).toBe(0o600);
  });

  it("a reader that stops early is no failure", async () => {
    const script = `"${process.execPath}" "${BIN}" get nodes -o wide | head -1; echo \${PIPESTATUS[0]}`;
    expect(await bash(script)).toMatch(/^NODE.*\n0$/);
  });

  it("help names every command, in groups", async () => {
    const { code, out } = await weft("--help");
    expect(code).toBe(0);
    for (const command of [
      "run",
      "apply",
      "plan",
      "wait",
      "logs",
      "explain",
      "delete",
      "get",
      "describe",
      "top",
      "measure",
    ]) {
      expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
    }
  });

  it("completion completes commands, flags, choices and the names of tasks (bash)", async () => {
    await weft("run", "-f", "task.yaml");
    const { out } = await weft("completion", "bash");
    const complete = (line: string): Promise<string> => {
      const words = line.split(" ");
      const script = `weft() { "${process.execPath}" "${BIN}" "$@"; }\n${out}\nCOMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}; _weft; echo "\${COMPREPLY[@]}"`;
      return bash(script);
    };
    expect(await complete("weft ex")).toBe("explain");
    expect(await complete("weft get no")).toBe("nodes");
    expect(await complete("weft get nodes -o y")).toBe("yaml");
    expect(await complete("weft get nodes --sel")).toBe("--selector");
    expect(await complete("weft run -f task")).toBe("task.yaml");
    expect(await complete("weft logs -f read")).toBe("read-receipt"); // no value behind that one
    expect(await complete("weft token cr")).toBe("create");
    expect(await complete("weft explain read")).toBe("read-receipt");
    for (const shell of ["zsh", "fish"]) expect((await weft("completion", shell)).out).toContain("weft");
  });
});
