import type { NodeId } from "@weft/infrastructure";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ARCHITECTURES, MANAGER_PARTICIPANT, neighbourhoods } from "./architectures.ts";

const names = fc.uniqueArray(
  fc.string({ minLength: 1, maxLength: 8 }).map((text) => `n${text}` as NodeId),
  { maxLength: 24 },
);

/** Everybody that can be reached from `start` without passing `without`. */
function reached(
  near: ReadonlyMap<NodeId, ReadonlySet<NodeId>>,
  start: NodeId,
  without: NodeId | null,
): Set<NodeId> {
  const seen = new Set([start]);
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const next of near.get(at) ?? []) {
      if (next === without || seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return seen;
}

it("neighbourhoods are symmetric and reach everybody, in whatever order the nodes are named", () => {
  fc.assert(
    fc.property(names, fc.constantFrom(...ARCHITECTURES.slice(1)), (nodes, architecture) => {
      const near = neighbourhoods(architecture, nodes);
      expect(neighbourhoods(architecture, [...nodes].reverse())).toEqual(near);
      for (const [one, others] of near) {
        expect(others.has(one)).toBe(false);
        for (const other of others) expect(near.get(other)?.has(one)).toBe(true);
        if (architecture !== "hybrid") expect(others.size).toBeLessThanOrEqual(4);
      }
      expect(reached(near, MANAGER_PARTICIPANT, null).size).toBe(nodes.length + 1);
    }),
  );
});

it("an overlay stays whole when any one member is gone", () => {
  fc.assert(
    fc.property(names, fc.nat(), (nodes, pick) => {
      fc.pre(nodes.length > 1);
      const near = neighbourhoods("link-state", nodes);
      const gone = nodes[pick % nodes.length] as NodeId;
      expect(reached(near, MANAGER_PARTICIPANT, gone).size).toBe(nodes.length);
    }),
  );
});

it("a report to the manager needs no neighbours", () => {
  for (const others of neighbourhoods("centralised", ["a" as NodeId]).values()) expect(others.size).toBe(0);
});
