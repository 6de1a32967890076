import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/*
 * How a command is started: through a fixed script that sets limits, runs it, and says what CPU time it took; inside
 * bubblewrap (https://github.com/containers/bubblewrap) where that is installed and works. No shell ever reads the
 * command or its arguments: they are passed on as they are.
 */

/** What a program on the path finds, where it says nothing itself. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What a program in bubblewrap sees of the host, read-only, where it exists. */
const SYSTEM = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ssl",
];
/** Where the private folder is in bubblewrap. */
const SCRATCH = "/scratch";

/** Arguments: CPU seconds, file blocks of 512 bytes, then the command. File 3 gets the CPU times of what it ran. */
const SCRIPT = `ulimit -c 0 -t "$1" -f "$2" 2>/dev/null; shift 2; "$@" 3>&-; code=$?; times >&3; exit $code`;

export interface Sandbox {
  /** What is in force, in words for the owner. */
  readonly words: string;
  /** Whether ending the first process ends them all. */
  readonly contains: boolean;
  /** The folder a program is in, as it sees it. */
  seenAs(scratch: string): string;
  /** Whether a program would find this file. */
  shows(path: string): boolean;
  /** What to start so that `command` runs in `scratch`. */
  wrap(command: readonly string[], scratch: string): readonly string[];
}

function found(command: string, path: string): string | null {
  for (const folder of command.includes("/") ? [""] : path.split(delimiter)) {
    const candidate = join(folder, command);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** The file a command names, searched as the program's own PATH says; null where there is none. */
export const resolveCommand = (command: string, env: Readonly<Record<string, string>>): string | null =>
  found(command, env.PATH ?? PATH);

/** Where the script is run: Bash tells CPU time to the millisecond, other shells to a hundredth of a second. */
function shell(): readonly string[] {
  const bash = found("bash", PATH);
  return bash === null ? ["/bin/sh", "-c"] : [bash, "--noprofile", "--norc", "-c"];
}

function bubblewrap(readOnly: readonly string[]): Sandbox | null {
  const bwrap = found("bwrap", PATH);
  if (bwrap === null) return null;
  const shown = [...SYSTEM, dirname(process.execPath), ...readOnly].filter((path) => existsSync(path));
  const isolation = [
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
  ];
  const base = [
    bwrap,
    ...isolation,
    ...["--tmpfs", "/tmp", "--clearenv"],
    ...shown.flatMap((path) => ["--ro-bind", path, path]),
  ];
  if (
    spawnSync(base[0] as string, [...base.slice(1), "/bin/sh", "-c", ":"], { stdio: "ignore" }).status !== 0
  ) {
    return null;
  }
  return {
    words: "bubblewrap: its own processes and mounts, no network, the system read-only, one private folder",
    contains: true,
    seenAs: () => SCRATCH,
    shows: (path) =>
      [path, realpathSync(path)].some((p) => shown.some((s) => p === s || p.startsWith(`${s}/`))),
    wrap: (command, scratch) => [...base, "--bind", scratch, SCRATCH, "--chdir", SCRATCH, "--", ...command],
  };
}

function bare(): Sandbox {
  // setpriv (util-linux) has the kernel end the program when what started it ends.
  const setpriv = found("setpriv", PATH);
  const leash = setpriv === null ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
  return {
    words: "no sandbox: its own process group and private folder; it can read and reach what this user can",
    contains: false,
    seenAs: (scratch) => scratch,
    shows: () => true,
    wrap: (command) => [...leash, ...command],
  };
}

/** The strongest sandbox this machine has; null where bubblewrap is required and does not work. */
export function findSandbox(
  wanted: "require" | "prefer" | "none",
  readOnly: readonly string[],
): Sandbox | null {
  const strong = wanted === "none" ? null : bubblewrap(readOnly);
  return strong ?? (wanted === "require" ? null : bare());
}

export interface CommandLimits {
  readonly cpuSeconds: number;
  readonly fileBytes: number;
}

/**
 * The whole command line. The program's variables are set by env(1) after the script, so that none of them (BASH_ENV,
 * LD_PRELOAD) is the script's.
 */
export function commandLine(
  sandbox: Sandbox,
  program: readonly string[],
  env: Readonly<Record<string, string>>,
  scratch: string,
  limits: CommandLimits,
): readonly string[] {
  const home = sandbox.seenAs(scratch);
  const all = { PATH, LANG: "C.UTF-8", HOME: home, TMPDIR: home, ...env };
  const variables = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  const leashed = sandbox.contains ? program : sandbox.wrap(program, scratch);
  const inner = ["/usr/bin/env", "-i", ...variables, ...leashed];
  const blocks = Math.ceil(limits.fileBytes / 512);
  const script = [...shell(), SCRIPT, "weft", String(limits.cpuSeconds), String(blocks), ...inner];
  return sandbox.wrap(script, scratch);
}

/** CPU time in microseconds of what the script ran: the second line of times(1p), user then system. */
export function readTimes(text: string): number | null {
  const line = text.split("\n")[1] ?? "";
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60e6 + Number(s) * 1e6);
  return parts.length === 2 ? Math.round((parts[0] as number) + (parts[1] as number)) : null;
}
