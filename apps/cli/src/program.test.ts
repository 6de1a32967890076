import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BIN, begin, end, folder, renew, shell, weft } from "./testing/command-line.ts";

/*
 * The program as a whole: what it says when it is used wrongly or nothing answers, and what it keeps secret.
 */

beforeAll(begin);
afterEach(renew);
afterAll(end);

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
  [["gt"], "unknown command 'gt'  [E_ARGUMENT]\n  hint: did you mean get?"],
  [["get", "nods"], "[E_ARGUMENT]\n  hint: did you mean nodes?"],
  [["get"], "[E_ARGUMENT]\n  hint: weft get --help shows what it takes"],
  [["get", "nodes", "-o", "xml"], "Allowed choices are table, wide, json, yaml, name"],
  [["get", "usage", "--watch"], "cannot be watched"],
  [
    ["get", "nodes", "--limit", "0"],
    '--limit: found "0", expected a whole number of at least 1  [E_ARGUMENT]',
  ],
  [["get", "nodes", "-l", "=="], 'not a label selector: found "==", expected key=value'],
  [["plan", "-f", "."], ".: a folder, expected a file  [E_FILE]"],
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
    expect.stringContaining(
      "config.json is damaged; remove it and run weft up, or give --server and --token  [E_CONFIG]",
    ),
  ]);
});

it("the state folder's secrets are their owner's alone", () => {
  expect(statSync(join(folder, ".weft", "config.json")).mode & 0o777).toBe(0o600);
});

it("a reader that stops early is no failure", async () => {
  const script = `"${process.execPath}" "${BIN}" get nodes -o wide | head -1; echo \${PIPESTATUS[0]}`;
  expect(await shell("bash", ["--norc", "-c", script])).toMatch(/^NODE.*\n0$/);
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
