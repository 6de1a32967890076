import type { NodeId } from "@weft/infrastructure";
import { type Cryptography, micros, type PublicKey, type Rng, SECOND, type Signer } from "@weft/kernel";
import { canopy } from "./canopy.ts";
import { CentralisedAgent, centralisedCollector } from "./centralised/participant.ts";
import { linkState } from "./linkstate.ts";
import { DEFAULT_MESH_SETTINGS, type MeshSettings } from "./mesh/neighbourhood.ts";
import type { Participant } from "./participant.ts";
import { DEFAULT_PATH_VECTOR_SETTINGS, PathVector } from "./pathvector/pathvector.ts";

/*
 * Which architecture a running domain announces by, as its configuration names it, and what follows from the name: who
 * takes part as what, and who is whose neighbour. The manager is one participant of its domain.
 */

/**
 * `centralised`: agents report to the manager over the connection they have with it. `hybrid`: a star inside the domain,
 * path-vector between domains. The others: agents tell each other, and the manager listens as one of them.
 */
export const ARCHITECTURES = ["centralised", "link-state", "path-vector", "hybrid", "canopy"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The manager's name as a participant; no node may bear it. */
export const MANAGER_PARTICIPANT = "@manager" as NodeId;

/** Inside a domain silence is noticed within seconds; its heartbeats cross few links. */
const DOMAIN_SETTINGS: MeshSettings = {
  ...DEFAULT_MESH_SETTINGS,
  publisher: { ...DEFAULT_MESH_SETTINGS.publisher, heartbeat: micros(4 * SECOND) },
  view: {
    ...DEFAULT_MESH_SETTINGS.view,
    suspectAfter: micros(10 * SECOND),
    downAfter: micros(15 * SECOND),
  },
};

/**
 * How one member of a domain takes part, over a bus; null for `centralised`, which needs none (Reporter and Collector).
 * `keyOf` names each origin's key; null: nobody we know.
 */
export function takePart(
  architecture: Architecture,
  self: NodeId,
  signer: Signer,
  cryptography: Cryptography,
  keyOf: (origin: NodeId) => PublicKey | null,
  rng: Rng,
): Participant | null {
  const manages = self === MANAGER_PARTICIPANT;
  switch (architecture) {
    case "centralised":
      return null;
    case "link-state":
      return linkState(self, signer, cryptography, keyOf, DOMAIN_SETTINGS, rng);
    case "canopy":
      return canopy(self, signer, cryptography, keyOf, DOMAIN_SETTINGS, rng);
    case "hybrid":
      return manages
        ? centralisedCollector(
            self,
            signer,
            cryptography,
            keyOf,
            { ...DOMAIN_SETTINGS, maxPeers: 100_000 },
            rng,
          )
        : new CentralisedAgent(self, signer, cryptography, keyOf, DOMAIN_SETTINGS, rng);
    case "path-vector": {
      const { publisher, view } = DOMAIN_SETTINGS;
      const settings = { ...DEFAULT_PATH_VECTOR_SETTINGS, publisher, view };
      return new PathVector(self, signer, cryptography, keyOf, undefined, settings, rng);
    }
  }
}

/**
 * Whom each member talks to, the manager among them. A star for `hybrid`; else a ring in the order of names with one
 * chord across for each: at most four neighbours, half as many steps as a ring, and still whole when any one is gone.
 * Symmetric, and a function of who is there alone, so that it can be told anew at any time.
 */
export function neighbourhoods(
  architecture: Architecture,
  nodes: readonly NodeId[],
): ReadonlyMap<NodeId, ReadonlySet<NodeId>> {
  const all = [MANAGER_PARTICIPANT, ...[...nodes].sort()];
  const near = new Map<NodeId, Set<NodeId>>(all.map((one) => [one, new Set()]));
  if (architecture === "centralised") return near;
  const join = (a: NodeId | undefined, b: NodeId | undefined): void => {
    if (a === undefined || b === undefined || a === b) return;
    near.get(a)?.add(b);
    near.get(b)?.add(a);
  };
  const size = all.length;
  for (let i = 0; i < size; i++) {
    if (architecture === "hybrid") {
      join(all[0], all[i]);
      continue;
    }
    join(all[i], all[(i + 1) % size]);
    if (i < Math.floor(size / 2)) join(all[i], all[i + Math.floor(size / 2)]);
  }
  return near;
}
