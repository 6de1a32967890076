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
import { micros, type PublicKey, type Rng, SECOND } from "@weft/kernel";
import { centre, type Graph, type Regions, regionsIn } from "./graph.ts";
import type { ArchitectureName } from "./scenario.ts";
import { anyKey, FREE, FREE_SIGNER, idOf, type Way } from "./simulation.ts";

/** An architecture on one topology: who takes part how, and who talks to whom. */
export interface Deployment {
  readonly ways: readonly Way[];
  make(node: number, rng: Rng): Participant;
  /** Routers of the topology that have to speak the protocol themselves. */
  readonly routers: number;
  /** The region of each node, where nodes far away are known only by their region. */
  readonly regions: Regions | null;
}

/** Who is believed to be an origin. */
export type KeyOf = (origin: NodeId) => PublicKey | null;

export const regionId = (region: number): NodeId => `region-${region}` as NodeId;

const alongCables = (graph: Graph): Way[] =>
  graph.cables.map(({ a, b, delay }) => ({ a, b, delay, hops: 1 }));

/** The fastest way from a site that many talk to. */
const route = (graph: Graph, from: number, to: number): Way => {
  const { delay, hops } = graph.from(from);
  return { a: from, b: to, delay: delay[to] as number, hops: hops[to] as number };
};

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

/** An architecture on a graph; `quiet` without hellos and heartbeats. */
export function deploy(
  name: ArchitectureName,
  graph: Graph,
  quiet: boolean,
  keyOf: KeyOf = anyKey,
): Deployment {
  const mesh = { ...(quiet ? QUIET_MESH : DEFAULT_MESH_SETTINGS), maxPeers: graph.size };
  const paths = { ...(quiet ? QUIET_PATHS : DEFAULT_PATH_VECTOR_SETTINGS), maxPeers: graph.size };
  const id = (node: number) => [idOf(node), FREE_SIGNER, FREE, keyOf] as const;
  switch (name) {
    case "centralised": {
      const collector = centre(graph);
      const agents = [...Array(graph.size).keys()].filter((node) => node !== collector);
      return {
        ways: agents.map((node) => route(graph, collector, node)),
        make: (node, rng) =>
          node === collector
            ? centralisedCollector(...id(node), mesh, rng)
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
      return hybrid(graph, mesh, paths, keyOf);
  }
}

/** Regions of about the square root of all nodes; in each a star, between neighbouring ones path-vector. */
function hybrid(graph: Graph, mesh: MeshSettings, paths: PathVectorSettings, keyOf: KeyOf): Deployment {
  const regions = regionsIn(graph);
  const { of, centres } = regions;
  const make = (node: number, rng: Rng): Participant => {
    const region = of[node] as number;
    const gateway = centres[region] === node;
    if (!gateway) return new CentralisedAgent(idOf(node), FREE_SIGNER, FREE, keyOf, mesh, rng);
    const inner = centralisedCollector(idOf(node), FREE_SIGNER, FREE, keyOf, mesh, rng.fork("inner"));
    const self = regionId(region);
    const domain = [self, FREE_SIGNER, FREE, keyOf, TELL_ALL] as const;
    const outer = new PathVector(...domain, { ...paths, sharedOrigin: true }, rng.fork("outer"), idOf(node));
    return new Gateway(inner, outer, {
      region: { id: self, site: idOf(node) as string as SiteId, domain: self as string as DomainId },
      gateways: [idOf(node)],
      isMember: (origin) => !origin.startsWith("region-"),
      isOutside: (peer) => of[Number(peer.slice(1))] !== region,
    });
  };
  // Domains peer at their gateways: those are the routers that speak path-vector.
  return { ways: hybridWays(graph, regions), make, routers: centres.length, regions };
}

/** Each member to its gateway, and the gateways of regions that touch by the shortest way over a cable between them. */
function hybridWays(graph: Graph, { of, centres }: Regions): Way[] {
  const ways: Way[] = [];
  const { delay, hops, source } = graph.nearest(centres);
  for (let node = 0; node < graph.size; node++) {
    const gateway = centres[of[node] as number] as number;
    if (node === gateway) continue;
    // Where its own gateway is the nearest one, the way is known already.
    const known = { a: gateway, b: node, delay: delay[node] as number, hops: hops[node] as number };
    ways.push(source[node] === of[node] ? known : route(graph, gateway, node));
  }
  /** From a site to its own gateway, which need not be the nearest one. */
  const home = (site: number): { readonly us: number; readonly links: number } => {
    if (source[site] === of[site]) return { us: delay[site] as number, links: hops[site] as number };
    const ways = graph.from(centres[of[site] as number] as number);
    return { us: ways.delay[site] as number, links: ways.hops[site] as number };
  };
  const joined = new Map<number, Way>();
  for (const cable of graph.cables) {
    const [r, s] = [of[cable.a] as number, of[cable.b] as number];
    if (r === s) continue;
    const [low, high] = [Math.min(r, s), Math.max(r, s)];
    const way: Way = {
      a: centres[low] as number,
      b: centres[high] as number,
      delay: home(cable.a).us + cable.delay + home(cable.b).us,
      hops: home(cable.a).links + 1 + home(cable.b).links,
    };
    const pair = low * centres.length + high;
    if (way.delay < (joined.get(pair)?.delay ?? Number.POSITIVE_INFINITY)) joined.set(pair, way);
  }
  return [...ways, ...joined.values()];
}
