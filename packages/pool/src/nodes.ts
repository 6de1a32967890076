import {
  COMPUTE_TYPES,
  type ComputeType,
  type DomainId,
  NO_POWER,
  type NodeDescription,
  type NodeId,
  type NodeLoad,
} from "@weft/infrastructure";
import { ACCELERATOR_KINDS, capabilitiesOf } from "./capabilities.ts";
import { grown } from "./column.ts";
import { Slots } from "./slots.ts";

/** One accelerator of a node and what is left of it: negative where more is taken than there is since it was measured again. */
export interface Device {
  /** `GONE` where the node was measured again without it. */
  readonly kind: number;
  readonly memory: number;
  free: number;
}

const GONE = -1;

/** How many instances of one service a node may run at once, and how many it does. */
export interface ServiceSlots {
  limit: number;
  used: number;
}

/**
 * What a node charges, in micro-units of money (floats: rates, never postings). A node without prices is free.
 */
export interface PriceColumns {
  /** A giga-operation (1e9 operations), by type. */
  readonly perGigaOperation: { readonly [type in ComputeType]: number };
  /** A GiB of working memory for a second of run time. */
  readonly perGibSecondMemory: number;
  /** A GiB of storage for a second of run time. */
  readonly perGibSecondStorage: number;
  /** A GB (1e9 bytes) of input fetched, of result returned. */
  readonly perGbIn: number;
  readonly perGbOut: number;
  /** The least a task is charged. */
  readonly perTask: number;
}

export const FREE_OF_CHARGE: PriceColumns = {
  perGigaOperation: { logical: 0, parallel: 0, neural: 0 },
  perGibSecondMemory: 0,
  perGibSecondStorage: 0,
  perGbIn: 0,
  perGbOut: 0,
  perTask: 0,
};

const perType = (): [Float64Array, Float64Array, Float64Array] => [
  new Float64Array(),
  new Float64Array(),
  new Float64Array(),
];

/**
 * The nodes as columns by node index. Read-only outside this package. Amounts are whole (operations a second,
 * bytes, bytes a second), so that sums below 2^53 are exact and a release gives back precisely what was taken.
 */
export class NodeTable {
  readonly slots = new Slots<NodeId>();
  readonly domains = new Slots<DomainId>();

  site: Int32Array = new Int32Array();
  domain: Int32Array = new Int32Array();
  /** See capabilities.ts. */
  capabilities: Int32Array = new Int32Array();
  /** 1 where the owner takes new tasks and the node is in the pool. */
  accepting: Uint8Array = new Uint8Array();
  /** By type: the measured total, one lane's rate, and what is left: measured - others' load - reserved. */
  readonly power: [Float64Array, Float64Array, Float64Array] = perType();
  readonly lane: [Float64Array, Float64Array, Float64Array] = perType();
  readonly free: [Float64Array, Float64Array, Float64Array] = perType();
  /** By type: Micros a task handed over now waits. */
  readonly queue: [Float64Array, Float64Array, Float64Array] = perType();
  /** Micros of that which were learnt here, beside what the node says. */
  handling: Float64Array = new Float64Array();
  freeMemory: Float64Array = new Float64Array();
  freeStorage: Float64Array = new Float64Array();
  freeThroughput: Float64Array = new Float64Array();
  /** Largest free memory of one device, by accelerator kind; 0 without. */
  readonly freeDevice: [Float64Array, Float64Array] = [new Float64Array(), new Float64Array()];
  /** By type: joules an operation adds (dynamic power over total rate); -1 where unknown. */
  readonly joulesPerOperation: [Float64Array, Float64Array, Float64Array] = perType();
  /** Grams of CO2 a joule; -1 where unknown. */
  gramsPerJoule: Float64Array = new Float64Array();
  readonly pricePerOperation: [Float64Array, Float64Array, Float64Array] = perType();
  pricePerByteSecondMemory: Float64Array = new Float64Array();
  pricePerByteSecondStorage: Float64Array = new Float64Array();
  pricePerByteIn: Float64Array = new Float64Array();
  pricePerByteOut: Float64Array = new Float64Array();
  pricePerTask: Float64Array = new Float64Array();
  /** Pool version at which a plan made before it is void: description or price changed, joined or left. */
  changedAt: Float64Array = new Float64Array();

  readonly descriptions: (NodeDescription | undefined)[] = [];
  readonly loads: (NodeLoad | undefined)[] = [];
  readonly prices: (PriceColumns | undefined)[] = [];
  readonly devices: (Device[] | undefined)[] = [];
  readonly services: (Map<string, ServiceSlots> | undefined)[] = [];

  /** What reservations hold, by type and in bytes; the columns above already exclude it. */
  readonly reserved: [Float64Array, Float64Array, Float64Array] = perType();
  reservedMemory: Float64Array = new Float64Array();
  reservedStorage: Float64Array = new Float64Array();
  reservedThroughput: Float64Array = new Float64Array();

  get bound(): number {
    return this.slots.bound;
  }

  /** Writes what a description says; keeps reservations, load and prices. Devices keep what is taken of them. */
  describe(index: number, site: number, node: NodeDescription): void {
    this.#grow(index + 1);
    this.descriptions[index] = node;
    this.site[index] = site;
    this.domain[index] = this.domains.enter(node.domain).index;
    this.capabilities[index] = capabilitiesOf(node);
    const dynamicWatts = node.watts === null ? -1 : Math.max(0, node.watts.full - node.watts.idle);
    COMPUTE_TYPES.forEach((type, t) => {
      const power = Math.floor(node.power[type]);
      column(this.power, t)[index] = power;
      column(this.lane, t)[index] = node.laneRate[type];
      column(this.joulesPerOperation, t)[index] = dynamicWatts < 0 || power === 0 ? -1 : dynamicWatts / power;
    });
    this.gramsPerJoule[index] = node.gramsPerKwh === null ? -1 : node.gramsPerKwh / 3.6e6;
    this.#describeDevices(index, node);
    this.refresh(index);
  }

  setPrices(index: number, prices: PriceColumns): void {
    this.prices[index] = prices;
    COMPUTE_TYPES.forEach((type, t) => {
      column(this.pricePerOperation, t)[index] = prices.perGigaOperation[type] / 1e9;
    });
    this.pricePerByteSecondMemory[index] = prices.perGibSecondMemory / 2 ** 30;
    this.pricePerByteSecondStorage[index] = prices.perGibSecondStorage / 2 ** 30;
    this.pricePerByteIn[index] = prices.perGbIn / 1e9;
    this.pricePerByteOut[index] = prices.perGbOut / 1e9;
    this.pricePerTask[index] = prices.perTask;
  }

  /**
   * Recomputes what is left from what was measured: total - others' load - reserved. Until its first load report a
   * node counts as idle and accepting: its description was measured just now.
   */
  refresh(index: number): void {
    const node = this.descriptions[index] as NodeDescription;
    const load = this.loads[index];
    const othersUse = load?.othersUse ?? NO_POWER;
    COMPUTE_TYPES.forEach((type, t) => {
      const measured = Math.max(0, Math.floor(node.power[type] - othersUse[type]));
      column(this.free, t)[index] = measured - (column(this.reserved, t)[index] as number);
    });
    this.refreshQueue(index);
    const memory = Math.min(node.memoryBytes, load?.freeMemoryBytes ?? node.memoryBytes);
    const storage = Math.min(
      node.storage.capacityBytes,
      load?.freeStorageBytes ?? node.storage.capacityBytes,
    );
    this.freeMemory[index] = Math.floor(memory) - (this.reservedMemory[index] as number);
    this.freeStorage[index] = Math.floor(storage) - (this.reservedStorage[index] as number);
    this.freeThroughput[index] =
      Math.floor(node.storage.throughput) - (this.reservedThroughput[index] as number);
    this.accepting[index] = this.slots.has(index) && (load?.accepting ?? true) ? 1 : 0;
  }

  refreshQueue(index: number): void {
    const told = this.loads[index]?.queue;
    const handling = this.handling[index] as number;
    COMPUTE_TYPES.forEach((type, t) => {
      column(this.queue, t)[index] = (told?.[type] ?? 0) + handling;
    });
  }

  /** Whether the node's limit for a service leaves room for one more instance. */
  hasInstance(index: number, service: string): boolean {
    const slots = this.services[index]?.get(service);
    return slots === undefined || slots.used < slots.limit;
  }

  /** Free memory of the node's `count`-th freest device of a kind: what each of `count` devices can give; -1 without. */
  freeOnDevices(index: number, kind: number, count: number): number {
    const devices = this.devices[index];
    if (devices === undefined) return -1;
    const free = devices.filter((device) => device.kind === kind).map(({ free }) => free);
    return free.sort((a, b) => b - a)[count - 1] ?? -1;
  }

  /** Whether `count` devices of a kind have `memory` free each; of no memory, whether there are as many. */
  hasOnDevices(index: number, kind: number, count: number, memory: number): boolean {
    if ((column(this.freeDevice, kind)[index] as number) < memory) return false;
    if (count === 1 && memory > 0) return true;
    const devices = this.devices[index];
    if (devices === undefined) return false;
    let having = 0;
    for (let i = 0; i < devices.length && having < count; i++) {
      const device = devices[i] as Device;
      if (device.kind === kind && device.free >= memory) having++;
    }
    return having >= count;
  }

  /** The best-fitting devices for a demand: those with the least left that still hold it. At most `count`. */
  devicesFor(index: number, kind: number, memory: number, count: number): readonly number[] {
    const devices = this.devices[index] ?? [];
    const free = (i: number): number => (devices[i] as Device).free;
    return devices
      .flatMap((device, i) => (device.kind === kind && device.free >= memory ? [i] : []))
      .sort((a, b) => free(a) - free(b) || a - b)
      .slice(0, count);
  }

  /** Takes `memory` of each of some devices, or gives it back when negative. */
  takeDevices(index: number, slots: readonly number[], memory: number): void {
    for (const slot of slots) {
      const device = this.devices[index]?.[slot];
      if (device !== undefined) device.free -= memory;
    }
    if (slots.length > 0) this.#refreshDevices(index);
  }

  copy(): NodeTable {
    const twin = new NodeTable();
    Object.assign(twin, { slots: this.slots.copy(), domains: this.domains.copy() });
    for (const name of Object.keys(this) as (keyof NodeTable)[]) {
      const value = this[name] as unknown;
      if (ArrayBuffer.isView(value)) Object.assign(twin, { [name]: (value as Float64Array).slice() });
      else if (Array.isArray(value)) Object.assign(twin, { [name]: value.map(copyEntry) });
    }
    return twin;
  }

  /** A copy with nothing reserved. */
  vacated(): NodeTable {
    const twin = this.copy();
    for (let n = 0; n < this.bound; n++) {
      for (let t = 0; t < COMPUTE_TYPES.length; t++)
        giveBack(column(twin.free, t), column(twin.reserved, t), n);
      giveBack(twin.freeMemory, twin.reservedMemory, n);
      giveBack(twin.freeStorage, twin.reservedStorage, n);
      giveBack(twin.freeThroughput, twin.reservedThroughput, n);
      for (const slots of twin.services[n]?.values() ?? []) slots.used = 0;
      const devices = twin.devices[n] ?? [];
      for (const device of devices) device.free = device.memory;
      if (devices.length > 0) twin.#refreshDevices(n);
    }
    return twin;
  }

  /** What is taken of a device stays taken, also where the device is gone: it may come back. */
  #describeDevices(index: number, { accelerators }: NodeDescription): void {
    const before = this.devices[index] ?? [];
    const slots = Math.max(accelerators.length, before.length);
    const devices = Array.from({ length: slots }, (_, i): Device => {
      const device = accelerators[i];
      const memory = device === undefined ? 0 : Math.floor(device.memoryBytes);
      const taken = before[i] === undefined ? 0 : before[i].memory - before[i].free;
      const kind = device === undefined ? GONE : ACCELERATOR_KINDS.indexOf(device.kind);
      return { kind, memory, free: memory - taken };
    });
    this.devices[index] = devices.length === 0 ? undefined : devices;
    this.#refreshDevices(index);
  }

  #refreshDevices(index: number): void {
    ACCELERATOR_KINDS.forEach((_, kind) => {
      let most = 0;
      for (const device of this.devices[index] ?? []) {
        if (device.kind === kind && device.free > most) most = device.free;
      }
      column(this.freeDevice, kind)[index] = most;
    });
  }

  /** Gives every column room for `length` nodes. */
  #grow(length: number): void {
    if (this.site.length >= length) return;
    for (const name of Object.keys(this) as (keyof NodeTable)[]) {
      const value = this[name] as unknown;
      if (ArrayBuffer.isView(value)) Object.assign(this, { [name]: grown(value as Float64Array, length) });
      else if (Array.isArray(value) && ArrayBuffer.isView(value[0])) {
        for (let i = 0; i < value.length; i++) value[i] = grown(value[i], length);
      }
    }
  }
}

/** What is reserved is free again. */
function giveBack(free: Float64Array, reserved: Float64Array, at: number): void {
  free[at] = (free[at] as number) + (reserved[at] as number);
  reserved[at] = 0;
}

const column = (columns: readonly Float64Array[], at: number): Float64Array => columns[at] as Float64Array;

function copyEntry(entry: unknown): unknown {
  if (ArrayBuffer.isView(entry)) return (entry as Float64Array).slice();
  if (Array.isArray(entry)) return entry.map((device: Device) => ({ ...device }));
  if (entry instanceof Map) {
    return new Map([...entry].map(([name, slots]) => [name, { ...(slots as ServiceSlots) }]));
  }
  return entry;
}
