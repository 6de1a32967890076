import type { NodeDescription } from "@weft/infrastructure";
import type { Digest, Instant } from "@weft/kernel";
import type { UsageRecord } from "@weft/market";
import type { RunCounters } from "@weft/orchestration";
import type { Launch } from "../protocol.ts";

/**
 * What a run occupied, from the runtime's counters (T3). Operations are the CPU time it held, at the lane's measured
 * rate for the contract's type of compute: an amount the node can meter, whatever the task said it would need.
 */
export function meter(
  launch: Launch,
  description: NodeDescription,
  counters: RunCounters,
  span: { readonly startedAt: Instant; readonly endedAt: Instant; readonly sequence: number },
  result: Digest | null,
): UsageRecord {
  const { terms } = launch.contract;
  const wall = BigInt(counters.wallTime);
  return {
    id: launch.run,
    contract: terms.id,
    node: description.id,
    sequence: span.sequence,
    startedAt: span.startedAt,
    endedAt: span.endedAt,
    cpuTime: counters.cpuTime,
    wallTime: counters.wallTime,
    operations: BigInt(Math.round((counters.cpuTime / 1e6) * description.laneRate[terms.compute])),
    memoryTime: BigInt(counters.peakMemoryBytes) * wall,
    storageTime: BigInt(launch.reserved.storageBytes) * wall,
    inputBytes: counters.inputBytes,
    outputBytes: counters.outputBytes,
    reservedBits: (BigInt(Math.round(launch.reserved.bandwidth)) * wall) / 1_000_000n,
    outcome: "completed",
    result,
  };
}
