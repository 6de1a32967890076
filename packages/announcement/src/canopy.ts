import type { NodeId } from "@weft/infrastructure";
import type { Cryptography, PublicKey, Rng, Signer } from "@weft/kernel";
import { DEFAULT_MESH_SETTINGS, Mesh, type MeshSettings } from "./mesh/mesh.ts";
import { DEFAULT_TREE_TIMES, Trees, type TreeTimes } from "./mesh/trees.ts";
import { DEFAULT_WORTH, judgeByRegret, type WorthSettings } from "./regional/worth.ts";

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
  isMember: (origin: NodeId) => boolean = () => true,
  times: TreeTimes = DEFAULT_TREE_TIMES,
): Mesh {
  const judge = worth === null ? {} : { judge: judgeByRegret(() => mesh.view, self, worth, isMember) };
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
