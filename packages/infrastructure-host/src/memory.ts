import { totalmem } from "node:os";
import type { Measured } from "@weft/infrastructure";
import { type Bytes, type BytesPerSecond, micros } from "@weft/kernel";
import { spreadOf, wallClock } from "./rates.ts";

const COPY_BYTES = 64 << 20;
const REPETITIONS = 4;

/** Memory this process could use: the machine's, or its control group's limit where that is less. */
export function usableMemory(): Bytes {
  const limit = process.constrainedMemory() ?? 0;
  return (limit > 0 ? Math.min(limit, totalmem()) : totalmem()) as Bytes;
}

/** Bytes moved a second by one thread copying 64 MiB: each byte is read and written, and counted twice. */
export function measureMemory(): Measured<BytesPerSecond> {
  const from = Buffer.alloc(COPY_BYTES, 1);
  const to = Buffer.alloc(COPY_BYTES, 2);
  const startedAt = performance.now();
  const rates: number[] = [];
  from.copy(to);
  for (let i = 0; i < REPETITIONS; i++) {
    const before = process.cpuUsage();
    from.copy(to);
    const { user, system } = process.cpuUsage(before);
    rates.push(((2 * COPY_BYTES) / Math.max(1, user + system)) * 1e6);
  }
  return {
    value: Math.max(...rates) as BytesPerSecond,
    method: `copy of ${COPY_BYTES >> 20} MiB, read and written, 1 thread; best of ${REPETITIONS}, per CPU second`,
    spread: spreadOf(rates),
    took: micros((performance.now() - startedAt) * 1e3),
    at: wallClock(),
  };
}
