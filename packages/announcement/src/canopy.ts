import type { NodeId } from "@weft/infrastructure";
import {
  type Cryptography,
  MILLISECOND,
  micros,
  type PublicKey,
  type Rng,
  SECOND,
  type Signer,
} from "@weft/kernel";
import { Mesh } from "./mesh/mesh.ts";
import { DEFAULT_MESH_SETTINGS, type MeshSettings } from "./mesh/neighbourhood.ts";
import { DEFAULT_TREE_TIMES, Trees, type TreeTimes } from "./mesh/trees.ts";
import { DEFAULT_WORTH, judgeByRegret, type WorthSettings } from "./regional/worth.ts";

/** Between regions: what a region offers is the best of many, moves by little and often, and is far away anyway. */
export const REGION_WORTH: WorthSettings = {
  ...DEFAULT_WORTH,
  floor: micros(10 * MILLISECOND),
  slack: 0.1,
};
export const REGION_SETTINGS: MeshSettings = {
  ...DEFAULT_MESH_SETTINGS,
  publisher: {
    ...DEFAULT_MESH_SETTINGS.publisher,
    throttle: { hold: micros(SECOND / 2), longest: micros(4 * SECOND), urgent: micros(50 * MILLISECOND) },
    // A region outlives its nodes, and has gateways that stand in for each other: it is heard less often.
    heartbeat: micros(90 * SECOND),
    tellsSilence: true,
  },
  helloEvery: micros(2 * SECOND),
  peerLifetime: micros(7 * SECOND),
  sharedOrigin: true,
};

/**
 * The project's own protocol (C2): an overlay of trees mended by gossip, in which a load is announced when a decision
 * would lose by not knowing it. Peers are whoever the overlay names, not the routers next door. Regions of it are
 * joined by gateways (regional/gateway.ts), each level again a canopy. docs/spec/announcement.md argues it.
 */
export function canopy(
  self: NodeId,
  signer: Signer,
  cryptography: Cryptography,
  keyOf: (origin: NodeId) => PublicKey | null,
  settings: MeshSettings = DEFAULT_MESH_SETTINGS,
  rng: Rng | null = null,
  worth: WorthSettings | null = DEFAULT_WORTH,
  times: TreeTimes = DEFAULT_TREE_TIMES,
): Mesh {
  const judge =
    worth === null
      ? {}
      : {
          judge: judgeByRegret(
            () => mesh.view,
            self,
            (origin) => mesh.distance(origin),
            worth,
          ),
        };
  const publisher = { ...settings.publisher, ...judge };
  const mesh: Mesh = new Mesh(
    self,
    signer,
    cryptography,
    keyOf,
    (neighbourhood) => new Trees(neighbourhood, times),
    { ...settings, publisher },
    rng,
  );
  return mesh;
}
