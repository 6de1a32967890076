import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ContentStore, Gateway } from "@weft/orchestration-data";
import { type ApiServer, createApiServer } from "@weft/service-http";
import { MemoryManager } from "@weft/service-http/testing";
import { Context } from "../context.ts";
import { runCommandLine } from "../program.ts";
import { keepContext } from "../settings.ts";

/*
 * Command lines against a manager in memory: the real API server and gateway, a folder with a manifest and the state of
 * one consumer. A file of tests begins, renews and ends it.
 */

/** The program, for what has to be a process of its own. */
export const BIN = fileURLToPath(new URL("../../bin/weft.js", import.meta.url));

/** Where commands run. */
export const folder = mkdtempSync(join(tmpdir(), "weft-cli-"));
/** What the gateway holds. */
export const store = new ContentStore(join(folder, "gateway"), { maxBytes: 1e8, durable: false });
const gateway = new Gateway({
  store,
  authorize: ({ token }) => token === "data-token",
  allow: () => false,
  maxContentBytes: 1e8,
});
/** The manager behind the server; another one for each test. */
export let manager: MemoryManager;
let server: ApiServer;

/** The manifest in `task.yaml`. */
export const TASK = `apiVersion: weft.dev/v1
kind: Task
metadata: { name: read-receipt, labels: { team: books } }
spec:
  data:    { input: 2.3MB, at: you }
  compute: { type: neural, work: 9.1 GFLOP }
  run:     { model: { onnx: [det.onnx], pipeline: ocr } }
  pay:     { atMost: 0.0010 CNY }
`;

/** Files and a manager, before the tests of a file. */
export async function begin(): Promise<void> {
  writeFileSync(join(folder, "task.yaml"), TASK);
  writeFileSync(join(folder, "wrong.yaml"), TASK.replace("9.1 GFLOP", "9.1").replace("neural", "neurl"));
  writeFileSync(join(folder, "det.onnx"), "weights");
  writeFileSync(join(folder, "receipt.png"), Buffer.alloc(300_000, 1));
  await newManager();
}

async function newManager(): Promise<void> {
  manager = new MemoryManager();
  server = createApiServer({ manager, data: gateway.handle });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  manager.gateway = url;
  const context = { server: url, token: manager.issue("consumer", "books"), key: join(folder, "key.pem") };
  keepContext(join(folder, ".weft"), "local", context);
}

/** Another manager, after each test. */
export async function renew(): Promise<void> {
  await server.close();
  await newManager();
}

/** After the tests of a file. */
export async function end(): Promise<void> {
  await server.close();
  gateway.close();
  rmSync(folder, { recursive: true });
}

/** What a command line said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command line in this process, off any terminal, in the folder with the manifest and the state. */
export async function weft(...words: string[]): Promise<Said> {
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

/** What a shell prints of a script, run beside the server in this process. */
export function shell(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd: folder });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", () => resolve(text.trim()));
  });
}

/** The id of a task of the consumer's. */
export const idOf = (name: string): string => {
  const task = manager.task({ account: "books", role: "consumer" }, name);
  if (!task.ok) throw new Error(task.refusal.message);
  return task.value.id;
};

/** Does something once the task is there and whoever follows it has had time to see that; never too early. */
export function onceThere(name: string, then: () => void): void {
  const there = manager.task({ account: "books", role: "consumer" }, name).ok;
  setTimeout(there ? then : () => onceThere(name, then), 50);
}
