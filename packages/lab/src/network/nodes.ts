import { type DomainId, NO_POWER, type NodeDescription, type NodeId } from "@weft/infrastructure";
import type { Bytes, BytesPerSecond, OperationsPerSecond, Watts } from "@weft/kernel";
import { FREE_OF_CHARGE, type Pool } from "@weft/pool";
import { cubeConstant, dynamicPower } from "@weft/sim";
import { siteId } from "./network.ts";
import type { NetworkScenario, NodeGroup } from "./scenario.ts";

/** Share of its battery below which an end node takes no more tasks. */
const BATTERY_RESERVE = 0.2;
const HOUR = 3.6e9;

/**
 * The nodes of the simulation, numbered in the order of their groups, and what they spend: idle power all the time
 * they are up, and for each task its part of the dynamic power, (full - idle) * rate / total rate, while it runs.
 */
export class SimulatedNodes {
  readonly #scenario: NetworkScenario;
  readonly #pool: Pool;
  readonly #ids: NodeId[] = [];
  readonly #index = new Map<string, number>();
  readonly #group: NodeGroup[] = [];
  readonly #site: number[] = [];
  readonly #up: boolean[] = [];
  readonly #upSince: number[] = [];
  /** Rate times micros given to tasks. */
  readonly #given: number[] = [];
  readonly #battery: number[] = [];
  joules = 0;
  grams = 0;

  constructor(scenario: NetworkScenario, pool: Pool) {
    this.#scenario = scenario;
    this.#pool = pool;
    for (const group of scenario.groups) {
      for (const site of group.sites) {
        for (let i = 1; i <= group.count; i++) {
          const id = `${group.name}/${scenario.topology.sites[site]?.name}/${i}` as NodeId;
          this.#index.set(id, this.#ids.length);
          this.#ids.push(id);
          this.#group.push(group);
          this.#site.push(site);
          this.#up.push(true);
          this.#upSince.push(0);
          this.#given.push(0);
          this.#battery.push(group.battery ?? Number.POSITIVE_INFINITY);
          this.#join(this.#ids.length - 1);
        }
      }
    }
  }

  get count(): number {
    return this.#ids.length;
  }
  find(id: NodeId): number {
    return this.#index.get(id) as number;
  }
  siteOf(node: number): number {
    return this.#site[node] as number;
  }
  groupOf(node: number): NodeGroup {
    return this.#group[node] as NodeGroup;
  }
  isUp(node: number): boolean {
    return this.#up[node] as boolean;
  }

  fail(node: number, now: number): void {
    if (!this.#up[node]) return;
    this.#idle(node, now);
    this.#up[node] = false;
  }

  /** The network has noticed that a node is gone. */
  leave(node: number): void {
    this.#pool.removeNode(this.#ids[node] as NodeId);
  }

  recover(node: number, now: number): void {
    if (this.#up[node]) return;
    this.#up[node] = true;
    this.#upSince[node] = now;
    this.#join(node);
  }

  /** Books what one run of a task took at a share of the full frequency: dynamic power is that share cubed. */
  spend(node: number, now: number, rate: number, took: number, frequency: number): void {
    const { lanes, laneRate, watts } = this.#group[node] as NodeGroup;
    // Tasks still run after the last arrivals; utilisation is that of the scenario's own time.
    this.#given[node]! += rate * Math.max(0, took - Math.max(0, now - this.#scenario.duration));
    const full = cubeConstant((watts.full - watts.idle) as Watts, 1);
    const joules = (dynamicPower(full, frequency) * (rate / (lanes * laneRate)) * took) / 1e6;
    this.#emit(node, joules, now);
    this.#drain(node, joules);
  }

  /** Idle power up to the end; call once. */
  settle(now: number): void {
    for (let node = 0; node < this.count; node++) if (this.#up[node]) this.#idle(node, now);
  }

  /** Mean share of the power of all nodes of a tier (null: of all) given to tasks; null where there are none. */
  utilisation(now: number, tier: NodeGroup["tier"] | null): number | null {
    let given = 0;
    let total = 0;
    this.#group.forEach((group, node) => {
      if (tier !== null && group.tier !== tier) return;
      given += this.#given[node] as number;
      total += group.lanes * group.laneRate * now;
    });
    return total === 0 ? null : given / total;
  }

  #join(node: number): void {
    const group = this.#group[node] as NodeGroup;
    const id = this.#ids[node] as NodeId;
    this.#pool.addNode(describe(this.#scenario, group, id, this.#site[node] as number));
    const perGigaOperation = { logical: 0, parallel: 0, neural: 0, [group.type]: group.pricePerGiga };
    this.#pool.setPrices(id, { ...FREE_OF_CHARGE, perGigaOperation });
  }

  #idle(node: number, now: number): void {
    const { watts } = this.#group[node] as NodeGroup;
    let from = this.#upSince[node] as number;
    // Hour by hour, since what the power comes from changes over the day.
    while (from < now) {
      const until = Math.min(now, (Math.floor(from / HOUR) + 1) * HOUR);
      this.#emit(node, (watts.idle * (until - from)) / 1e6, from);
      from = until;
    }
  }

  #emit(node: number, joules: number, now: number): void {
    const { carbon } = this.#group[node] as NodeGroup;
    const hour = Math.floor(this.#scenario.startHour + now / HOUR) % 24;
    this.joules += joules;
    this.grams += (joules / 3.6e6) * (carbon[carbon.length === 1 ? 0 : hour] as number);
  }

  #drain(node: number, joules: number): void {
    const { battery } = this.#group[node] as NodeGroup;
    if (battery === null) return;
    this.#battery[node]! -= joules;
    if ((this.#battery[node] as number) < BATTERY_RESERVE * battery) {
      this.#pool.setAccepting(this.#ids[node] as NodeId, false);
    }
  }
}

function describe(scenario: NetworkScenario, group: NodeGroup, id: NodeId, site: number): NodeDescription {
  const total = (group.lanes * group.laneRate) as OperationsPerSecond;
  return {
    id,
    tier: group.tier,
    site: siteId(scenario, site),
    domain: "lab" as DomainId,
    labels: {},
    power: { ...NO_POWER, [group.type]: total },
    laneRate: { ...NO_POWER, [group.type]: group.laneRate },
    memoryBytes: group.memory,
    storage: { capacityBytes: 1e15 as Bytes, throughput: 1e12 as BytesPerSecond, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm", "model", "process"],
    security: "open",
    watts: group.watts,
    gramsPerKwh: group.carbon[Math.floor(scenario.startHour) % group.carbon.length] ?? null,
  };
}
