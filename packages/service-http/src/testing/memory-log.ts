import { type Instant, ok, refuse } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { type SignedTreeHead, TransparencyLog } from "@weft/market";
import type { LogApi } from "../log/api.ts";

/** A log in memory of these lines, with one head over all of them. */
export function memoryLog(lines: readonly string[], signer = createSigner()): LogApi {
  const log = new TransparencyLog(nodeCryptography);
  for (const line of lines) log.append(line);
  let head: SignedTreeHead = log.head(signer, 1_800_000_000_000_000 as Instant);
  return {
    head: () => ok(head),
    heads: () => [head],
    entries: (first, limit) => lines.map((entry, index) => ({ index, entry })).slice(first, first + limit),
    inclusion: (_, of) => {
      const index = "index" in of ? of.index : lines.findIndex((line) => line.endsWith(` ${of.contract}`));
      const entry = lines[index];
      if (entry === undefined) return refuse("E_NOT_FOUND", "no such line");
      return ok({ index, entry, proof: log.inclusionProof(index), head });
    },
    consistency: (first, second) => ok({ first, second, proof: log.consistencyProof(first, second) }),
    cosign: async (_, witness, signature) => {
      head = { ...head, cosignatures: [...head.cosignatures, { witness, signature }] };
      return ok(head);
    },
  };
}
