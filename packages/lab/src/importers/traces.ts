import type { Micros } from "@weft/kernel";
import { csvRows } from "./csv.ts";
import { type Imported, importing, Unreadable } from "./problem.ts";

/** One request for a language model: when, and how many tokens in and out. */
export interface LanguageRequest {
  /** Since the first request. */
  readonly at: Micros;
  readonly contextTokens: number;
  readonly generatedTokens: number;
}

/** The Azure LLM inference trace of 2023 (Patel et al. 2024): TIMESTAMP, ContextTokens, GeneratedTokens. */
export function readAzureLlm(text: string, file: string): Imported<readonly LanguageRequest[]> {
  return importing(file, () => {
    const rows = csvRows(text, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]);
    let start = 0;
    let last = Number.NEGATIVE_INFINITY;
    return rows.map((row, i): LanguageRequest => {
      const at = timestamp(row.text("TIMESTAMP"), row.line);
      if (i === 0) start = at;
      if (at < last) throw new Unreadable(row.line, "earlier than the request before it");
      last = at;
      return {
        at: (at - start) as Micros,
        contextTokens: row.number("ContextTokens"),
        generatedTokens: row.number("GeneratedTokens"),
      };
    });
  });
}

/** `2023-11-16 18:15:46.6805900`: to the microsecond. */
function timestamp(text: string, line: number): number {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/.exec(text);
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  if (Number.isNaN(seconds))
    throw new Unreadable(line, `TIMESTAMP: found "${text}", expected 2023-11-16 18:15:46.68`);
  return seconds * 1000 + Math.round(Number(`0.${match?.[3] ?? 0}`) * 1e6);
}

/** A pod of the Alibaba GPU cluster: what it held, from when to when. */
export interface ClusterPod {
  readonly name: string;
  /** Since the trace began. */
  readonly at: Micros;
  readonly lasts: Micros;
  readonly cores: number;
  readonly memoryMib: number;
  /** Whole GPUs and shares of one together. */
  readonly gpus: number;
}

/** Pods of Alibaba's GPU trace of 2023 (Weng et al. 2023). Times are seconds; a pod still there at the end has an end all the same. */
export function readAlibabaPods(text: string, file: string): Imported<readonly ClusterPod[]> {
  return importing(file, () => {
    const columns = [
      "name",
      "cpu_milli",
      "memory_mib",
      "num_gpu",
      "gpu_milli",
      "creation_time",
      "deletion_time",
    ];
    return csvRows(text, columns).map((row) => {
      const at = row.number("creation_time") * 1e6;
      const until = row.number("deletion_time") * 1e6;
      if (until < at) throw new Unreadable(row.line, "deleted before it was created");
      return {
        name: row.text("name"),
        at: at as Micros,
        lasts: (until - at) as Micros,
        cores: row.number("cpu_milli") / 1000,
        memoryMib: row.number("memory_mib"),
        gpus: (row.number("num_gpu") * row.number("gpu_milli")) / 1000,
      };
    });
  });
}
