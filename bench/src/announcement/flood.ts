import { DEFAULT_MESH_SETTINGS, linkState, type MeshSettings } from "@weft/announcement";
import { micros, Rng, SECOND } from "@weft/kernel";
import { barabasiAlbert } from "@weft/lab";
import { graphDelays } from "./graph.ts";
import { quantile } from "./measure.ts";
import { anyKey, descriptionOf, FREE, FREE_SIGNER, idOf, loadOf, Simulation, type Way } from "./network.ts";

const S = 1_000_000;
const LONG = micros(10_000 * SECOND);

export interface FloodRun {
  readonly timeRatio: number;
  readonly messagesRatio: number;
  readonly bytesRatio: number;
}

/**
 * One origin's changes flooded over a Barabasi-Albert graph. Everybody starts knowing nothing, and hellos rest: what
 * a whole database of `size` origins would take is said beside the figure, not simulated.
 */
export function flood(size: number, changes: number, recordBytes: number, seed: number): FloodRun {
  const graph = graphDelays(barabasiAlbert(new Rng(seed), { sites: size, links: 2, side: 2000 }));
  const settings: MeshSettings = {
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
    maxPeers: size,
  };
  const ways: Way[] = graph.cables.map(({ a, b, delay }) => ({ a, b, delay, hops: 1 }));
  const make = (node: number, rng: Rng) => linkState(idOf(node), FREE_SIGNER, FREE, anyKey, settings, rng);
  const simulation = new Simulation(size, ways, make, seed);
  const origin = size >> 1;
  const id = idOf(origin);
  simulation.publish(origin, { description: descriptionOf(id, 1e11), load: loadOf(id, 100 * S) });
  simulation.pass(3 * S);
  simulation.resetCounters();
  const reach = graph.furthest(origin);
  const ratios: number[] = [];
  for (let i = 1; i <= changes; i++) {
    let last = simulation.now;
    let known = 0;
    const began = simulation.now;
    simulation.onChange = (_node, change) => {
      if (change.kind !== "load") return;
      known++;
      last = simulation.now;
    };
    simulation.publish(origin, { load: loadOf(id, 100 * S * 0.7 ** i) });
    simulation.pass(3 * S);
    if (known !== size) throw new Error(`link-state: ${known} of ${size} knew a change`);
    ratios.push((last - began) / reach);
  }
  return {
    timeRatio: quantile(ratios, 0.5),
    messagesRatio: simulation.linkMessages / changes / (size - 1),
    bytesRatio: simulation.linkBytes / changes / (size - 1) / recordBytes,
  };
}
