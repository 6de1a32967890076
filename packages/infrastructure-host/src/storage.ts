import {
  closeSync,
  constants,
  fdatasyncSync,
  openSync,
  readSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Measured } from "@weft/infrastructure";
import { type Bytes, type BytesPerSecond, micros } from "@weft/kernel";
import { median, spreadOf, wallClock } from "./rates.ts";
import { alignedBytes } from "./webassembly.ts";

export interface StorageFigures {
  /** The folder measured: figures are those of the file system it lies on. */
  readonly path: string;
  readonly capacityBytes: Bytes;
  readonly freeBytes: Bytes;
  /** Written and flushed to the device. */
  readonly sequentialWrite: Measured<BytesPerSecond>;
  readonly sequentialRead: Measured<BytesPerSecond>;
  /** Blocks of 4 KiB at random places, one after another. */
  readonly randomRead: Measured<BytesPerSecond>;
}

const BLOCK = 1 << 20;
const PAGE = 4096;
const WRITE_BYTES = 64 << 20;
const REPETITIONS = 3;

/** Capacity of the file system a folder lies on, and what an ordinary user may still fill of it. */
export function storageSpace(path: string): { readonly capacityBytes: Bytes; readonly freeBytes: Bytes } {
  const { bsize, blocks, bavail } = statfsSync(path);
  return { capacityBytes: (bsize * blocks) as Bytes, freeBytes: (bsize * bavail) as Bytes };
}

/**
 * Measures the file system under a folder with a file of its own, which it takes away again; no pass is
 * much longer than `passMs`. Writing counts until the device has
 * it (fdatasync); reading goes past the page cache (O_DIRECT) where that is possible, and says so where it is not.
 */
export function measureStorage(dir: string, passMs: number): StorageFigures {
  const path = join(dir, `.weft-measure-${process.pid}`);
  const buffer = alignedBytes(BLOCK); // as O_DIRECT demands of what it reads into
  for (let i = 0; i < buffer.length; i += 4) buffer.writeInt32LE(Math.imul(i + 1, 0x9e3779b1) | 0, i);
  try {
    const { written, sequentialWrite } = measureWriting(path, buffer, passMs);
    return {
      path: dir,
      ...storageSpace(dir),
      sequentialWrite,
      ...measureReading(path, buffer, written, passMs),
    };
  } finally {
    unlinkSync(path);
  }
}

function measureWriting(path: string, buffer: Buffer, passMs: number) {
  const rates: number[] = [];
  const startedAt = performance.now();
  let written = 0;
  for (let pass = 0; pass < REPETITIONS; pass++) {
    const file = openSync(path, pass === 0 ? "w" : "r+");
    const passStartedAt = performance.now();
    let bytes = 0;
    while (bytes < WRITE_BYTES && performance.now() - passStartedAt < passMs) {
      bytes += writeSync(file, buffer, 0, BLOCK, bytes);
    }
    fdatasyncSync(file);
    rates.push((bytes / (performance.now() - passStartedAt)) * 1000);
    closeSync(file);
    written = Math.max(written, bytes);
  }
  const method = `sequential write of at most ${WRITE_BYTES >> 20} MiB, flushed; median of ${REPETITIONS}`;
  return { written, sequentialWrite: figure(rates, method, startedAt) };
}

function measureReading(path: string, buffer: Buffer, size: number, passMs: number) {
  const { file, direct } = openPastCache(path, buffer);
  const past = direct ? "past the page cache" : "through the page cache";
  try {
    const sequentialAt = performance.now();
    const sequential = passes(passMs, (at) => readSync(file, buffer, 0, BLOCK, (at * BLOCK) % size));
    const method = `sequential read of ${size >> 20} MiB ${past}; median of ${REPETITIONS}`;
    const sequentialRead = figure(sequential, method, sequentialAt);
    const randomAt = performance.now();
    const pages = size / PAGE;
    const random = passes(passMs, (at) => {
      const page = (Math.imul(at + 1, 0x9e3779b1) >>> 0) % pages;
      return readSync(file, buffer, 0, PAGE, page * PAGE);
    });
    const randomMethod = `random reads of 4 KiB, one at a time, ${past}; median of ${REPETITIONS}`;
    return { sequentialRead, randomRead: figure(random, randomMethod, randomAt) };
  } finally {
    closeSync(file);
  }
}

/** Bytes a second of each pass; `read` is given how many it has done before. */
function passes(passMs: number, read: (at: number) => number): number[] {
  const rates: number[] = [];
  for (let pass = 0, at = 0; pass < REPETITIONS; pass++) {
    const startedAt = performance.now();
    let bytes = 0;
    do {
      bytes += read(at++);
    } while (performance.now() - startedAt < passMs / 2);
    rates.push((bytes / (performance.now() - startedAt)) * 1000);
  }
  return rates;
}

function openPastCache(path: string, buffer: Buffer): { readonly file: number; readonly direct: boolean } {
  const { O_DIRECT, O_RDONLY } = constants;
  if (O_DIRECT !== undefined) {
    try {
      const file = openSync(path, O_RDONLY | O_DIRECT);
      try {
        readSync(file, buffer, 0, PAGE, 0);
        return { file, direct: true };
      } catch {
        closeSync(file);
      }
    } catch {
      // Some file systems, such as tmpfs on older kernels, refuse the flag.
    }
  }
  return { file: openSync(path, "r"), direct: false };
}

function figure(rates: readonly number[], method: string, startedAt: number): Measured<BytesPerSecond> {
  return {
    value: median(rates) as BytesPerSecond,
    method,
    spread: spreadOf(rates),
    took: micros((performance.now() - startedAt) * 1e3),
    at: wallClock(),
  };
}
