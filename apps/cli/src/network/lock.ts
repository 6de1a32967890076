import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure.ts";

/**
 * Holds a network's state folder for this process, so that a second start does not write over the settings of the
 * first. A holder that was killed holds nothing. Gives what lets go of it.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, "running.pid");
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = holderIn(file);
    if (holder !== null && isNetwork(holder)) {
      throw new Failure(
        `the network in ${folder} is up already, as process ${holder}  [E_NETWORK_UP]\n  hint: stop it with: kill ${holder}  (or set WEFT_HOME to another folder)`,
      );
    }
    rmSync(file, { force: true });
  }
}

function holderIn(file: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return pid > 0 && pid !== process.pid ? pid : null;
  } catch {
    return null;
  }
}

/** Whether a process lives that may be a network's; its number may have gone to a stranger. */
function isNetwork(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    return /node|weft/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch {
    return process.platform !== "linux";
  }
}
