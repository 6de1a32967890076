import type { NodeId } from "@weft/infrastructure";
import { after, type Instant, MINUTE, micros } from "@weft/kernel";
import { type Core, seenOf, tell } from "./core.ts";

/*
 * Whether a node gets new tasks.
 */

/** A node takes new tasks while it says so, is connected, and is not set aside. */
export function setWilling(core: Core, node: NodeId): void {
  const willing = seenOf(core, node)?.load?.accepting ?? false;
  const connected = core.fleet.member(node)?.connection != null;
  core.pool.setAccepting(node, willing && connected && !core.setAside.has(node));
}

/** How long a node whose clock is wrong gets nothing, until the next task finds out whether it still is. */
const CLOCK_REST = micros(MINUTE);

/** A node by whose clock no contract is for now would decline every task, one after the other. */
export function setAside(core: Core, now: Instant, node: NodeId): void {
  core.setAside.set(node, after(now, CLOCK_REST));
  setWilling(core, node);
  tell(core, now, "clock-off", "node", node);
}

/** Gives a node that was set aside another chance. */
export function tryAgain(core: Core, now: Instant): void {
  for (const node of core.setAside.due(now)) setWilling(core, node);
}
