import {
  type DomainId,
  type NodeDescription,
  PROGRAM_KINDS,
  type ProgramKind,
  SECURITY_CLASSES,
  type SecurityClass,
  type StorageClass,
  TIERS,
  type Tier,
} from "@weft/infrastructure";

/*
 * What a node can and what it is, as 32 bits: a task's demand is a mask too, and a node (or a group of nodes, by
 * the OR of its members) can only serve it if it has every bit of it. Exact for all but labels and the domain, whose
 * bits are a Bloom filter: a missing bit proves that a label is missing, a set one has to be looked up.
 *
 *   0-2 program kinds | 3-5 tier | 6-7 security at least encrypted, isolated | 8 durable storage | 9-10 gpu, npu |
 *   11-31 labels, domain
 */
const TIER_BIT = 3;
const SECURITY_BIT = 5;
const DURABLE = 1 << 8;
const ACCELERATOR_BIT = 9;
const LABEL_BIT = 11;
const LABEL_BITS = 21;

/** The bits of `gpu` and `npu`. */
export const ACCELERATOR_BITS: number = 0b11 << ACCELERATOR_BIT;

export const ACCELERATOR_KINDS = ["gpu", "npu"] as const;

/** Everything a task can demand of what a node is; null and empty are "no such demand". */
export interface CapabilityDemand {
  readonly runs: ProgramKind;
  readonly tier: Tier | null;
  readonly domain: DomainId | null;
  readonly security: SecurityClass;
  readonly storageClass: StorageClass | null;
  readonly accelerator: (typeof ACCELERATOR_KINDS)[number] | null;
  readonly labels: Readonly<Record<string, string>>;
}

export function capabilitiesOf(node: NodeDescription): number {
  let bits = 1 << (TIER_BIT + TIERS.indexOf(node.tier));
  for (const kind of node.runs) bits |= 1 << PROGRAM_KINDS.indexOf(kind);
  for (let level = SECURITY_CLASSES.indexOf(node.security); level > 0; level--)
    bits |= 1 << (SECURITY_BIT + level);
  if (node.storage.storageClass === "durable") bits |= DURABLE;
  for (const device of node.accelerators)
    bits |= 1 << (ACCELERATOR_BIT + ACCELERATOR_KINDS.indexOf(device.kind));
  return bits | labelBits(node.labels) | domainBit(node.domain);
}

/** The bits a node must have. Durable storage also serves a demand for scratch. */
export function demandBits(demand: CapabilityDemand): number {
  let bits = 1 << PROGRAM_KINDS.indexOf(demand.runs);
  if (demand.tier !== null) bits |= 1 << (TIER_BIT + TIERS.indexOf(demand.tier));
  const level = SECURITY_CLASSES.indexOf(demand.security);
  if (level > 0) bits |= 1 << (SECURITY_BIT + level);
  if (demand.storageClass === "durable") bits |= DURABLE;
  if (demand.accelerator !== null)
    bits |= 1 << (ACCELERATOR_BIT + ACCELERATOR_KINDS.indexOf(demand.accelerator));
  return bits | labelBits(demand.labels) | (demand.domain === null ? 0 : domainBit(demand.domain));
}

/** A domain is looked up like a label, under a key that no label has. */
const domainBit = (domain: DomainId): number => 1 << (LABEL_BIT + (hash("", domain) % LABEL_BITS));

function labelBits(labels: Readonly<Record<string, string>>): number {
  let bits = 0;
  for (const key in labels) bits |= 1 << (LABEL_BIT + (hash(key, labels[key] as string) % LABEL_BITS));
  return bits;
}

/** FNV-1a over `key=value`. */
function hash(key: string, value: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ 61, 0x01000193);
  for (let i = 0; i < value.length; i++) h = Math.imul(h ^ value.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
