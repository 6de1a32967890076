import { execFile } from "node:child_process";
import type { Accelerator } from "@weft/infrastructure";
import type { Bytes } from "@weft/kernel";

/** Runs a program and gives what it wrote; rejects when it is missing, fails, or takes too long. */
export type Execute = (command: string, args: readonly string[]) => Promise<string>;

const execute: Execute = (command, args) =>
  new Promise((resolve, reject) => {
    execFile(command, [...args], { timeout: 3_000, windowsHide: true }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });

const QUERY = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];

/** The GPUs `nvidia-smi` lists, with their memory (it counts MiB); none where there is no such program, or no driver. */
export async function findAccelerators(run: Execute = execute): Promise<readonly Accelerator[]> {
  let listing: string;
  try {
    listing = await run("nvidia-smi", QUERY);
  } catch {
    return [];
  }
  return listing.split("\n").flatMap((line): Accelerator[] => {
    const comma = line.lastIndexOf(",");
    const mebibytes = Number(line.slice(comma + 1));
    if (comma <= 0 || !(mebibytes > 0)) return [];
    return [{ kind: "gpu", model: line.slice(0, comma).trim(), memoryBytes: (mebibytes * 2 ** 20) as Bytes }];
  });
}
