import { type Change, MANAGER_PARTICIPANT, neighbourhoods } from "@weft/announcement";
import type { NodeId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import { type Core, send } from "./core.ts";
import { perceive } from "./perceiving.ts";

/*
 * What a node's connection means for what is announced of it. Where nodes tell each other, the manager names each
 * one's neighbours and their keys, and keeps that true as nodes come and go.
 */

/** A node has proved its key on a new connection. */
export function madeContact(core: Core, now: Instant, node: NodeId): void {
  const { participant } = core;
  if (participant === null) {
    perceive(core, now, core.collector.handle(now, { kind: "connected", from: node }));
    return;
  }
  core.neighbours.delete(node);
  nameNeighbours(core, now, node);
  // Its load may not have changed, and then nobody says it anew: what is known goes into the pool again.
  const known = participant.view.get(node);
  perceive(core, now, asChanges(participant.view.regainedContact(now, node)));
  if (known?.load == null || known.health !== "up") return;
  const changes: Change[] = [
    { kind: "load", origin: node, load: known.load },
    { kind: "links", origin: node, links: known.links },
  ];
  perceive(core, now, asChanges(changes));
}

/** A node's connection is gone. */
export function lostContact(core: Core, now: Instant, node: NodeId): void {
  const { participant } = core;
  if (participant === null) {
    perceive(core, now, core.collector.handle(now, { kind: "disconnected", from: node }));
    return;
  }
  core.neighbours.delete(node);
  nameNeighbours(core, now, null);
  perceive(core, now, asChanges(participant.view.lostContact(now, node)));
}

const asChanges = (changes: readonly Change[]) =>
  changes.map((change) => ({ kind: "change", change }) as const);

/**
 * Tells every connected node whose neighbours are not what it was told last; `joined` is told of every member, the
 * others of it.
 */
function nameNeighbours(core: Core, now: Instant, joined: NodeId | null): void {
  const connected = [...core.fleet.members].filter((member) => member.connection !== null);
  const near = neighbourhoods(
    core.options.announcement?.architecture ?? "centralised",
    connected.map((member) => member.row.id),
  );
  const manager = { node: MANAGER_PARTICIPANT, key: core.options.signer.publicKey };
  const newcomer = joined === null ? undefined : core.fleet.member(joined)?.row;
  const news = newcomer === undefined ? [] : [{ node: newcomer.id, key: newcomer.key }];
  for (const { row, connection } of connected) {
    const neighbours = near.get(row.id) ?? new Set<NodeId>();
    const told = core.neighbours.get(row.id);
    const members =
      row.id === joined
        ? [manager, ...[...core.fleet.members].map(({ row: { id, key } }) => ({ node: id, key }))]
        : news;
    if (members.length === 0 && told !== undefined && sameSet(told, neighbours)) continue;
    core.neighbours.set(row.id, neighbours);
    send(core, connection, { kind: "neighbours", members, neighbours: [...neighbours] });
  }
  own(core, now, near.get(MANAGER_PARTICIPANT) ?? new Set());
}

/** The manager's own neighbours as a participant. */
function own(core: Core, now: Instant, neighbours: ReadonlySet<NodeId>): void {
  const { participant } = core;
  if (participant === null) return;
  const before = core.neighbours.get(MANAGER_PARTICIPANT) ?? new Set<NodeId>();
  core.neighbours.set(MANAGER_PARTICIPANT, neighbours);
  for (const peer of before) {
    if (!neighbours.has(peer)) perceive(core, now, participant.handle(now, { kind: "peer_down", peer }));
  }
  for (const peer of neighbours) {
    if (!before.has(peer)) perceive(core, now, participant.handle(now, { kind: "peer_up", peer }));
  }
}

const sameSet = (a: ReadonlySet<NodeId>, b: ReadonlySet<NodeId>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));
