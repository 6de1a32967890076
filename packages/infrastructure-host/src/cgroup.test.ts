import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limitByCgroup } from "./cgroup.ts";

/* What is written where, on a copy of the folders the kernel shows. That it holds is tried in share.test.ts, where it can be. */

let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), "weft-cgroup-"));
});
afterEach(() => rmSync(mount, { recursive: true, force: true }));

function folder(path: string, files: Record<string, string>): void {
  mkdirSync(join(mount, path), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(mount, path, name), text);
}
const read = (path: string): string => readFileSync(join(mount, path), "utf8");
const limit = (membership: string, cores = 0.5) =>
  limitByCgroup(42, cores, { mount, membership: () => membership });

describe("limitByCgroup", () => {
  it("makes a group of version 2 under the process's own, with a quota in every period", () => {
    folder("", { "cgroup.controllers": "cpu memory" });
    folder("user.slice/mine", { "cgroup.controllers": "cpu io", "cgroup.subtree_control": "" });
    expect(limit("0::/user.slice/mine\n")?.version).toBe(2);
    expect(read("user.slice/mine/cgroup.subtree_control")).toBe("+cpu");
    expect(read("user.slice/mine/weft-42/cpu.max")).toBe("10000 20000");
    expect(read("user.slice/mine/weft-42/cgroup.procs")).toBe("42");
  });

  it("goes up where the process's own group does not have the controller", () => {
    folder("", { "cgroup.controllers": "cpu memory", "cgroup.subtree_control": "cpu" });
    folder("user.slice", { "cgroup.controllers": "memory" });
    expect(limit("0::/user.slice\n")?.version).toBe(2);
    expect(read("weft-42/cpu.max")).toBe("10000 20000");
    expect(read("cgroup.subtree_control")).toBe("cpu");
  });

  it("uses version 1 where the controller is there, also when both are mounted", () => {
    folder("cpu,cpuacct/docker", { "cgroup.procs": "1" });
    expect(limit("4:memory:/x\n3:cpu,cpuacct:/docker\n0::/\n", 1.25)?.version).toBe(1);
    expect(read("cpu,cpuacct/docker/weft-42/cpu.cfs_period_us")).toBe("20000");
    expect(read("cpu,cpuacct/docker/weft-42/cpu.cfs_quota_us")).toBe("25000");
  });

  it("asks for no less than the kernel takes", () => {
    folder("cpu", { "cgroup.procs": "" });
    limit("1:cpu:/\n", 0.001);
    expect(read("cpu/weft-42/cpu.cfs_quota_us")).toBe("1000");
  });

  it("lifts the limit by moving everyone back", () => {
    folder("cpu", { "cgroup.procs": "" });
    const group = limit("1:cpu:/\n");
    writeFileSync(join(mount, "cpu/weft-42/cgroup.procs"), "42\n43\n");
    group?.release();
    expect(read("cpu/cgroup.procs")).toBe("43"); // one process a write: the last stands in a plain file
  });

  it("is null where there is nothing to write to, and leaves nothing", () => {
    expect(limit("")).toBe(null);
    expect(limit("0::/\n")).toBe(null);
    writeFileSync(join(mount, "cgroup.controllers"), "cpu");
    mkdirSync(join(mount, "cgroup.subtree_control")); // cannot be written
    expect(limit("0::/\n")).toBe(null);
    expect(existsSync(join(mount, "weft-42"))).toBe(false);
  });
});
