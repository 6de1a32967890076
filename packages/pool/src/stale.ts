import type { Claim, StaleCode } from "./claim.ts";
import { KNOWN, type LinkTable } from "./links.ts";
import type { NodeTable } from "./nodes.ts";

/** Why a claim does not hold on nodes and links as they are; null when it does. */
export function whyStale(nodes: NodeTable, links: LinkTable, claim: Claim): StaleCode | null {
  const n = claim.node;
  if (!nodes.slots.has(n)) return "node_gone";
  if ((nodes.changedAt[n] as number) > claim.basedOn) return "node_changed";
  if (nodes.accepting[n] === 0) return "not_accepting";
  if (claim.rate > 0 && ((nodes.free[claim.type] as Float64Array)[n] as number) < claim.rate) {
    return "no_computing_power";
  }
  if (claim.memory > 0 && (nodes.freeMemory[n] as number) < claim.memory) return "no_memory";
  if (claim.storage > 0 && (nodes.freeStorage[n] as number) < claim.storage) return "no_storage";
  if (claim.throughput > 0 && (nodes.freeThroughput[n] as number) < claim.throughput) {
    return "no_storage_throughput";
  }
  if (
    claim.deviceKind >= 0 &&
    !nodes.hasOnDevices(n, claim.deviceKind, claim.deviceCount, claim.deviceMemory)
  ) {
    return "no_accelerator";
  }
  if (claim.service !== null && !nodes.hasInstance(n, claim.service)) return "no_service_instance";
  return (
    whyLinksStale(links, claim.linksIn, claim.bandwidthIn, claim.basedOn) ??
    whyLinksStale(links, claim.linksOut, claim.bandwidthOut, claim.basedOn)
  );
}

function whyLinksStale(
  links: LinkTable,
  path: readonly number[],
  rate: number,
  basedOn: number,
): StaleCode | null {
  for (let i = 0; i < path.length; i++) {
    const link = path[i] as number;
    if (links.up[link] !== 1 || (links.changedAt[link] as number) > basedOn) return "link_changed";
    const unknown = ((links.known[link] as number) & KNOWN.capacity) === 0;
    if (rate > 0 && !unknown && (links.residual[link] as number) < rate) return "no_bandwidth";
  }
  return null;
}
