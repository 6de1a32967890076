import {
  COMPUTE_TYPES,
  type LinkState,
  linkId,
  type NodeDescription,
  type NodeLoad,
} from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";

/**
 * How far a figure moves before it is worth announcing: by more than `relative` of the old value and by more
 * than the absolute floor (the CATS requirements' threshold-triggered update).
 */
export interface Thresholds {
  /** Of the old value, for queues, delays, jitters and capacities. */
  readonly relative: number;
  /** Computing power, memory and storage: as a share of the node's whole. */
  readonly share: number;
  readonly queue: Micros;
  readonly battery: number;
  readonly delay: Micros;
  readonly loss: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  relative: 0.1,
  share: 0.05,
  queue: 20_000 as Micros,
  battery: 0.05,
  delay: 200 as Micros,
  loss: 0.005,
};

/** How much a change matters: not worth a word, worth announcing, or worth announcing at once. */
export type Significance = "none" | "moved" | "urgent";

/** A change of figure `a` into `b`, null being unknown. */
function moved(a: number | null, b: number | null, relative: number, floor: number): boolean {
  if (a === null || b === null) return a !== b;
  const by = Math.abs(b - a);
  return by > floor && by > relative * Math.abs(a);
}

/** How much the change from the announced load to the present one matters. */
export function loadSignificance(
  announced: NodeLoad,
  now: NodeLoad,
  node: NodeDescription | null,
  limits: Thresholds,
): Significance {
  if (announced.accepting !== now.accepting) return "urgent";
  if ((announced.battery === null) !== (now.battery === null)) return "urgent";
  const { share, relative } = limits;
  for (const type of COMPUTE_TYPES) {
    const whole = node?.power[type] ?? Math.max(announced.othersUse[type], now.othersUse[type]);
    if (moved(announced.othersUse[type], now.othersUse[type], 0, share * whole)) return "moved";
    if (moved(announced.queue[type], now.queue[type], relative, limits.queue)) return "moved";
  }
  const memory = share * (node?.memoryBytes ?? announced.freeMemoryBytes);
  const storage = share * (node?.storage.capacityBytes ?? announced.freeStorageBytes);
  return moved(announced.freeMemoryBytes, now.freeMemoryBytes, 0, memory) ||
    moved(announced.freeStorageBytes, now.freeStorageBytes, 0, storage) ||
    moved(announced.battery, now.battery, 0, limits.battery)
    ? "moved"
    : "none";
}

/** How much the change from the announced links to the present ones matters. */
export function linksSignificance(
  announced: readonly LinkState[],
  now: readonly LinkState[],
  limits: Thresholds,
): Significance {
  if (announced.length !== now.length) return "urgent";
  const before = new Map(announced.map((state) => [linkId(state.from, state.to), state]));
  let result: Significance = "none";
  for (const state of now) {
    const old = before.get(linkId(state.from, state.to));
    if (old === undefined || old.up !== state.up || old.security !== state.security) return "urgent";
    if (linkMoved(old, state, limits)) result = "moved";
  }
  return result;
}

function linkMoved(old: LinkState, now: LinkState, limits: Thresholds): boolean {
  const { relative } = limits;
  return (
    moved(old.delay, now.delay, relative, limits.delay) ||
    moved(old.jitter, now.jitter, relative, limits.delay) ||
    moved(old.loss, now.loss, 0, limits.loss) ||
    moved(old.capacity, now.capacity, relative, 0) ||
    // Error rates matter by order of magnitude: half of one is a factor of about three.
    moved(logOf(old.bitErrorRate), logOf(now.bitErrorRate), 0, 0.5) ||
    moved(old.radio?.availableSpectrumHz ?? null, now.radio?.availableSpectrumHz ?? null, relative, 0) ||
    moved(old.radio?.baseStationPower ?? null, now.radio?.baseStationPower ?? null, relative, 0)
  );
}

const logOf = (rate: number | null): number | null =>
  rate === null ? null : Math.log10(Math.max(rate, 1e-18));
