import { randomFillSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Micros } from "@weft/kernel";
import type { Program } from "@weft/orchestration";
import { RunBench, runtimeContract } from "@weft/orchestration-host/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProcessRuntime, type ProcessRuntime, type ProcessRuntimeOptions } from "./runtime.ts";

const command = (command: string, ...args: string[]): Program => ({
  kind: "process",
  command,
  args,
  env: {},
});
const shell = (script: string) => ({ program: command("sh", "-c", script), input: null });
const node = (script: string) => ({ program: command(process.execPath, "-e", script), input: null });

const kinds: ProcessRuntimeOptions["sandbox"][] = ["none"];
const strong = createProcessRuntime({ sandbox: "require" });
if (strong.isolation.startsWith("bubblewrap:")) kinds.push("require");
strong.close();
if (!kinds.includes("require"))
  it.skip("bubblewrap: bwrap is not installed, or may not be used here", () => {});

for (const sandbox of kinds) {
  const place = sandbox === "none" ? "no sandbox" : "bubblewrap";
  runtimeContract({
    name: `process, in ${place}`,
    talks: true,
    make: () => createProcessRuntime({ sandbox: sandbox ?? "none" }),
    programs: () => ({
      copy: {
        program: command("cat"),
        input: (bytes) => randomFillSync(new Uint8Array(bytes)),
        output: (input) => input,
      },
      fail: shell("exit 3"),
      spin: shell("while :; do :; done"),
      hoard: node("const a = []; for (;;) a.push(Buffer.alloc(1 << 24, 1))"),
      flood: shell("head -c 9000000 /dev/zero"),
      talk: shell("echo awake >&2; while :; do sleep 1; done"),
      bad: {
        "no such command": command("weft-no-such-command"),
        "not to be executed": command("/etc/passwd"),
        "a folder": command("/usr"),
        "an empty name": command(""),
        "a name cut by a zero": command("cat\0sh"),
        "another kind": { kind: "wasm", module: "00", args: [], env: {} },
      },
    }),
  });

  describe(`a process in ${place}`, () => {
    let bench: RunBench;
    let runtime: ProcessRuntime;
    beforeAll(() => {
      bench = new RunBench();
      runtime = createProcessRuntime({ sandbox: sandbox ?? "none" });
    });
    afterAll(() => {
      runtime.close();
      bench.close();
    });
    const output = async (program: Program) => {
      const run = bench.run(runtime, { program, input: null });
      expect(await run.ended).toMatchObject({ kind: "finished" });
      return run.output().toString();
    };

    it("gets its arguments as they are, and no shell reads them", async () => {
      const args = ["$HOME", "`id`", "; exit 9", "a  b", '"', "-n"];
      expect(await output(command("printf", "%s\n", ...args))).toBe(`${args.join("\n")}\n`);
    });

    it("gets its own variables and none of the host's", async () => {
      process.env.WEFT_SECRET = "of the host";
      const program: Program = { kind: "process", command: "env", args: [], env: { GREETING: "hi there" } };
      const names = (await output(program)).split("\n").map((line) => line.split("=")[0]);
      expect(names).toContain("GREETING");
      const given = ["GREETING", "HOME", "LANG", "OMP_NUM_THREADS", "PATH", "PWD", "TMPDIR", "WEFT_RUN", ""];
      expect(names.filter((name) => !given.includes(name as string))).toEqual([]);
    });

    it("is in an empty folder it can write to, which goes with it", async () => {
      const place = await output(shell("ls -A; echo x > kept; pwd").program);
      expect(place.split("\n").length).toBe(2);
      expect(await output(shell("ls -A").program)).toBe("");
    });

    it("takes its children with it, even those that left its group", async () => {
      const seconds = `4${process.pid}${kinds.indexOf(sandbox)}`;
      const script = `setsid sh -c 'sleep ${seconds} & sleep ${seconds}' & (sleep ${seconds} &) ; sleep 0.2`;
      expect((await bench.run(runtime, shell(script)).ended).kind).toBe("finished");
      const run = bench.run(runtime, shell(`${script}; sleep 100`), { wallTime: 400_000 as Micros });
      expect(await run.ended).toMatchObject({ because: "time_exceeded" });
      const left = () =>
        readdirSync("/proc")
          .filter((name) => /^\d+$/.test(name))
          .filter((pid) => commandOf(pid).includes(seconds));
      await expect.poll(left, { timeout: 5000 }).toEqual([]);
    });

    it("has its CPU time and memory counted, its children's too", async () => {
      const { counters } = await bench.run(runtime, node(BUSY)).ended;
      expect(counters.cpuTime).toBeGreaterThan(150_000);
      expect(counters.peakMemoryBytes).toBeGreaterThan(100 << 20);
    });
  });
}

/** Two processes, one of them with 100 MiB, that compute for a fifth of a second between them. */
const BUSY = `
  const kept = Buffer.alloc(100 << 20, 1);
  const busy = "const t = process.cpuUsage(); while (process.cpuUsage(t).user < 100000);";
  require("child_process").spawnSync(process.execPath, ["-e", busy]);
  eval(busy); kept.fill(2);`;

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

describe.runIf(kinds.includes("require"))("in bubblewrap in particular", () => {
  it("shows no file of the host's but the system's, no process, and no network", async () => {
    const bench = new RunBench();
    const runtime = createProcessRuntime({ sandbox: "require" });
    const run = bench.run(
      runtime,
      shell(
        "ls / /root /home /etc 2>/dev/null; echo --; ls /proc | grep -c '^[0-9]'; cat /proc/net/dev | tail -n +3",
      ),
    );
    await run.ended;
    const [files, rest] = run.output().toString().split("--\n") as [string, string];
    expect(files).not.toContain("passwd");
    expect(files).not.toContain("work");
    expect(Number(rest.split("\n")[0])).toBeLessThan(10);
    expect(rest.split("\n").slice(1).join("")).toMatch(/^\s*lo:[^a-z]*$/);
    runtime.close();
    bench.close();
  });
});
