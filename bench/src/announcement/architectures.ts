import {
  CentralisedAgent,
  canopy,
  centralisedCollector,
  DEFAULT_MESH_SETTINGS,
  DEFAULT_PATH_VECTOR_SETTINGS,
  Gateway,
  linkState,
  type MeshSettings,
  type Participant,
  PathVector,
  type PathVectorSettings,
  TELL_ALL,
} from "@weft/announcement";
import type { DomainId, NodeId, SiteId } from "@weft/infrastructure";
import { micros, type Rng, SECOND } from "@weft/kernel";
import { centre, type Graph, regionsOf } from "./graph.ts";
import { anyKey, FREE, FREE_SIGNER, idOf, type Way } from "./network.ts";

/** An architecture on one topology: who takes part how, and who talks to whom. */
export interface Deployment {
  readonly ways: readonly Way[];
  make(node: number, rng: Rng): Participant;
  /** Routers of the topology that have to run something new. */
  readonly routers: number;
  /** The region of each node, where nodes far away are known only by their region. */
  readonly regions: { readonly of: readonly number[]; readonly gateways: readonly number[] } | null;
}

export const ARCHITECTURES = ["centralised", "link-state", "path-vector", "hybrid", "canopy"] as const;
export type ArchitectureName = (typeof ARCHITECTURES)[number];

export const regionId = (region: number): NodeId => `region-${region}` as NodeId;

const alongCables = (graph: Graph): Way[] =>
  graph.cables.map(({ a, b, delay }) => ({ a, b, delay, hops: 1 }));

const route = (graph: Graph, a: number, b: number): Way => ({
  a,
  b,
  delay: graph.delay[a * graph.size + b] as number,
  hops: graph.hops[a * graph.size + b] as number,
});

/** Without hellos and heartbeats for as long as a run lasts: then all that flows is due to the changes. */
const LONG = micros(10_000 * SECOND);
const QUIET_MESH: MeshSettings = {
  ...DEFAULT_MESH_SETTINGS,
  publisher: { ...DEFAULT_MESH_SETTINGS.publisher, heartbeat: LONG },
  view: {
    ...DEFAULT_MESH_SETTINGS.view,
    suspectAfter: LONG,
    downAfter: micros(2 * LONG),
    forgetAfter: micros(3 * LONG),
  },
  helloEvery: LONG,
  peerLifetime: micros(3 * LONG),
};
const QUIET_PATHS: PathVectorSettings = {
  ...DEFAULT_PATH_VECTOR_SETTINGS,
  publisher: QUIET_MESH.publisher,
  view: QUIET_MESH.view,
  session: { ...DEFAULT_PATH_VECTOR_SETTINGS.session, helloEvery: LONG, lifetime: micros(3 * LONG) },
};

export function deploy(name: ArchitectureName, graph: Graph, quiet: boolean): Deployment {
  const mesh = quiet ? QUIET_MESH : DEFAULT_MESH_SETTINGS;
  const paths = quiet ? QUIET_PATHS : DEFAULT_PATH_VECTOR_SETTINGS;
  const id = (node: number) => [idOf(node), FREE_SIGNER, FREE, anyKey] as const;
  switch (name) {
    case "centralised": {
      const collector = centre(graph);
      const agents = [...Array(graph.size).keys()].filter((node) => node !== collector);
      return {
        ways: agents.map((node) => route(graph, collector, node)),
        make: (node, rng) =>
          node === collector
            ? centralisedCollector(...id(node), { ...mesh, maxPeers: graph.size }, rng)
            : new CentralisedAgent(...id(node), mesh, rng),
        routers: 0,
        regions: null,
      };
    }
    case "link-state":
      return {
        ways: alongCables(graph),
        make: (node, rng) => linkState(...id(node), mesh, rng),
        routers: graph.size,
        regions: null,
      };
    case "path-vector":
      return {
        ways: alongCables(graph),
        make: (node, rng) => new PathVector(...id(node), TELL_ALL, paths, rng),
        routers: graph.size,
        regions: null,
      };
    case "canopy":
      return {
        ways: alongCables(graph),
        make: (node, rng) => canopy(...id(node), mesh, rng),
        routers: 0,
        regions: null,
      };
    case "hybrid":
      return hybrid(graph, mesh, paths);
  }
}

/** Regions of about the square root of all nodes; in each a star, between neighbouring ones path-vector. */
function hybrid(graph: Graph, mesh: MeshSettings, paths: PathVectorSettings): Deployment {
  const { of, centres } = regionsOf(graph, Math.max(2, Math.round(Math.sqrt(graph.size))));
  const ways: Way[] = [];
  for (let node = 0; node < graph.size; node++) {
    const gateway = centres[of[node] as number] as number;
    if (node !== gateway) ways.push(route(graph, gateway, node));
  }
  const joined = new Set<string>();
  for (const { a, b } of graph.cables) {
    const [r, s] = [Math.min(of[a]!, of[b]!), Math.max(of[a]!, of[b]!)];
    if (r === s || joined.has(`${r}-${s}`)) continue;
    joined.add(`${r}-${s}`);
    ways.push(route(graph, centres[r]!, centres[s]!));
  }
  const make = (node: number, rng: Rng): Participant => {
    const region = of[node] as number;
    if (centres[region] !== node) {
      return new CentralisedAgent(idOf(node), FREE_SIGNER, FREE, anyKey, mesh, rng);
    }
    const inner = centralisedCollector(idOf(node), FREE_SIGNER, FREE, anyKey, mesh, rng.fork("inner"));
    const settings = { ...paths, sharedOrigin: true };
    const self = regionId(region);
    const outer = new PathVector(
      self,
      FREE_SIGNER,
      FREE,
      anyKey,
      TELL_ALL,
      settings,
      rng.fork("outer"),
      idOf(node),
    );
    return new Gateway(inner, outer, {
      region: { id: self, site: idOf(node) as string as SiteId, domain: self as string as DomainId },
      gateways: [idOf(node)],
      isMember: (origin) => !origin.startsWith("region-"),
      isOutside: (peer) => of[Number(peer.slice(1))] !== region,
    });
  };
  return { ways, make, routers: 0, regions: { of, gateways: centres } };
}
