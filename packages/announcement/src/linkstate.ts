import type { NodeId } from "@weft/infrastructure";
import type { Cryptography, PublicKey, Rng, Signer } from "@weft/kernel";
import { DEFAULT_FLOODING_TIMES, Flooding, type FloodingTimes } from "./mesh/flooding.ts";
import { Mesh } from "./mesh/mesh.ts";
import { DEFAULT_MESH_SETTINGS, type MeshSettings } from "./mesh/neighbourhood.ts";

/**
 * Link-state announcement within a domain (A2, the IGP's role): every participant keeps every record, new ones
 * are flooded reliably. Its peers are the routers next door.
 */
export const linkState = (
  self: NodeId,
  signer: Signer,
  cryptography: Cryptography,
  keyOf: (origin: NodeId) => PublicKey | null,
  settings: MeshSettings = DEFAULT_MESH_SETTINGS,
  rng: Rng | null = null,
  times: FloodingTimes = DEFAULT_FLOODING_TIMES,
): Mesh => new Mesh(self, signer, cryptography, keyOf, (mesh) => new Flooding(mesh, times), settings, rng);
