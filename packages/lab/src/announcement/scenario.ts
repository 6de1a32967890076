import type { ComputeType } from "@weft/infrastructure";
import type { Micros, Operations } from "@weft/kernel";
import type { Topology } from "../topology.ts";

/** The ways to announce that are compared; each is run on every network. */
export const ARCHITECTURES = ["centralised", "link-state", "path-vector", "hybrid", "canopy"] as const;
export type ArchitectureName = (typeof ARCHITECTURES)[number];

/** A network by its description, or by how many sites it is generated with. */
export type AnnouncementNetwork =
  | { readonly name: string; readonly topology: Topology }
  | { readonly name: string; readonly sites: number };

export interface AnnouncementScenario {
  readonly networks: readonly AnnouncementNetwork[];
  readonly architectures: readonly ArchitectureName[];
  /** One significant change at a time, each from another random origin. */
  readonly changes: number;
  readonly changeEvery: Micros;
  /** The same on generated networks. */
  readonly generatedChanges: number;
  /** Tasks placed one by one while every node's queue moves once a second. */
  readonly decisions: number;
  readonly decisionEvery: Micros;
  readonly task: { readonly type: ComputeType; readonly work: Operations };
  /** Domains that vanish, one at a time. */
  readonly withdrawals: number;
  /** How long the busy part of a generated network's run lasts. */
  readonly generatedTime: Micros;
}

/** `network / architecture`, in the order of the scenario. */
export const casesOfAnnouncement = (scenario: AnnouncementScenario): string[] =>
  scenario.networks.flatMap(({ name }) => scenario.architectures.map((one) => `${name} / ${one}`));

/** The network and the architecture that a case names; null where it names none of the scenario. */
export function announcementCase(
  scenario: AnnouncementScenario,
  name: string,
): { readonly network: AnnouncementNetwork; readonly architecture: ArchitectureName } | null {
  const at = name.lastIndexOf(" / ");
  const network = scenario.networks.find((one) => one.name === name.slice(0, at));
  const architecture = scenario.architectures.find((one) => one === name.slice(at + 3));
  return network === undefined || architecture === undefined ? null : { network, architecture };
}
