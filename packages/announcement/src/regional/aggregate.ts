import {
  COMPUTE_TYPES,
  type ComputeType,
  type ComputingPower,
  type DomainId,
  type NodeDescription,
  type NodeId,
  type NodeLoad,
  PROGRAM_KINDS,
  SECURITY_CLASSES,
  type SiteId,
} from "@weft/infrastructure";
import type { Instant, Micros } from "@weft/kernel";
import type { OriginView } from "../view.ts";
import { completion, DEFAULT_PROBES, type Probe } from "./probes.ts";

/*
 * Many nodes as one, for those far away: for each type of computing power the member that would finish first. So a
 * decision made on the aggregate estimates what the region's best member would do, which is what the region's own
 * decider then picks. What is left out is how many more such members there are; the labels say how many in all, to two
 * digits. Which member is best shows in the load alone: a description is told to everybody by every way, and must not
 * change with it.
 */

/** Who stands for the members outside. */
export interface RegionIdentity {
  readonly id: NodeId;
  readonly site: SiteId;
  readonly domain: DomainId;
}

export const NODES_LABEL = "weft.dev/nodes";

interface Member {
  readonly node: NodeDescription;
  readonly load: NodeLoad;
}

/** The members' best side, or null when none of them can take work. */
export function aggregate(
  region: RegionIdentity,
  members: Iterable<OriginView>,
  now: Instant,
  probes: readonly Probe[] = DEFAULT_PROBES,
): { readonly description: NodeDescription; readonly load: NodeLoad } | null {
  const live: Member[] = [];
  for (const { description, load, health } of members) {
    if (description !== null && load?.accepting && health === "up") live.push({ node: description, load });
  }
  const first = live[0];
  if (first === undefined) return null;
  const best = {} as Record<ComputeType, Member>;
  for (const type of COMPUTE_TYPES) best[type] = fastest(live, probes, type);
  const of = (value: (member: Member, type: ComputeType) => number): ComputingPower =>
    Object.fromEntries(
      COMPUTE_TYPES.map((type) => [type, value(best[type], type)]),
    ) as unknown as ComputingPower;
  const greatest = (value: (node: NodeDescription) => ComputingPower): ComputingPower =>
    Object.fromEntries(
      COMPUTE_TYPES.map((type) => [type, Math.max(...live.map(({ node }) => value(node)[type]))]),
    ) as unknown as ComputingPower;
  const power = greatest((node) => node.power);
  const most = (value: (member: Member) => number) => Math.max(...live.map(value));
  const roomiest = live.reduce((a, b) =>
    b.node.storage.capacityBytes > a.node.storage.capacityBytes ? b : a,
  );
  const description: NodeDescription = {
    id: region.id,
    tier: first.node.tier,
    site: region.site,
    domain: region.domain,
    labels: { [NODES_LABEL]: String(Number(live.length.toPrecision(2))) },
    power,
    laneRate: greatest((node) => node.laneRate),
    memoryBytes: most(({ node }) => node.memoryBytes) as NodeDescription["memoryBytes"],
    storage: roomiest.node.storage,
    accelerators: [],
    runs: PROGRAM_KINDS.filter((kind) => live.some(({ node }) => node.runs.includes(kind))),
    security: SECURITY_CLASSES[
      Math.min(...live.map(({ node }) => SECURITY_CLASSES.indexOf(node.security)))
    ] as NodeDescription["security"],
    watts: null,
    gramsPerKwh: null,
  };
  const queue = of(({ load }, type) => load.queue[type]) as unknown as { [type in ComputeType]: Micros };
  const load: NodeLoad = {
    node: region.id,
    // What of the region's power is not the best member's: power less this is that member's own rate.
    othersUse: of(({ node, load: theirs }, type) => power[type] - node.power[type] + theirs.othersUse[type]),
    freeMemoryBytes: most(({ load: theirs }) => theirs.freeMemoryBytes) as NodeLoad["freeMemoryBytes"],
    freeStorageBytes: most(({ load: theirs }) => theirs.freeStorageBytes) as NodeLoad["freeStorageBytes"],
    queue,
    battery: null,
    accepting: true,
    at: now,
  };
  return { description, load };
}

/** The member that finishes the type's shortest probe first; ties go to the lower id. */
function fastest(members: readonly Member[], probes: readonly Probe[], type: ComputeType): Member {
  const probe = probes.find((candidate) => candidate.type === type) ?? { type, work: 1e9 };
  let best = members[0] as Member;
  let bestTime = completion(probe, best.node, best.load);
  for (const member of members) {
    const time = completion(probe, member.node, member.load);
    if (time < bestTime || (time === bestTime && member.node.id < best.node.id)) {
      best = member;
      bestTime = time;
    }
  }
  return best;
}
