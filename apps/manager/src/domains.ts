import { NODES_LABEL } from "@weft/announcement";
import { COMPUTE_TYPES, type ComputingPower, type NodeDescription } from "@weft/infrastructure";
import { type Instant, type Micros, money } from "@weft/kernel";
import { type Caller, listOf, type Manager, onOffer } from "@weft/service";
import type { DomainView } from "@weft/service-http";

/*
 * Domains as a manager knows them: its own, and those it deals with.
 */

type Core = Manager["core"];

export function domainViews(core: Core, caller: Caller, now: Instant): DomainView[] {
  const { federation } = core;
  const own = ownDomain(core, now);
  if (federation === null) return [own];
  const others = [...federation.peers.values()].map((peer): DomainView => {
    const { domain, key, relation, credit } = peer.options;
    const seen = federation.view.get(peer.node);
    const member = core.fleet.member(peer.node);
    const route = federation.outer.routeTo(peer.node);
    const age = federation.view.age(peer.node, "load", now);
    const balance = core.books.balance(peer.node);
    const offers = seen?.description != null && seen.health === "up" && route !== null;
    const managers = caller.role === "manager";
    return {
      id: domain,
      node: peer.node,
      state: !peer.present ? "silent" : offers ? "up" : seen === undefined ? "unknown" : "withdrawn",
      key,
      relation,
      path: route?.path.map((hop) => hop.replace(/^@/, "")) ?? null,
      nodes: offers ? Number(seen?.description?.labels[NODES_LABEL] ?? 0) : null,
      power: offers ? (seen?.description?.power ?? null) : null,
      prices: offers && member !== undefined ? member.row.prices : null,
      age: offers ? age : null,
      owed: managers ? (balance?.posted ?? money(0n)) : null,
      credit: managers ? credit : null,
      sent: core.tasks.liveOn(peer.node).length,
      taken: [...federation.inward.values()].filter((run) => run.domain === domain).length,
    };
  });
  return [own, ...others.sort((a, b) => (a.id < b.id ? -1 : 1))];
}

function ownDomain(core: Core, now: Instant): DomainView {
  const { federation, options } = core;
  const offer = federation?.options.offer ?? { tiers: null, labels: {}, markupPpm: 0 };
  const members = [...core.fleet.members].filter(
    ({ row, connection }) =>
      connection !== null && federation?.peerAt(row.id) === undefined && onOffer(row.description, offer),
  );
  const lists = members.map(({ row }) => listOf(core, row, null, now));
  lists.sort((a, b) => Number(a.petaOperation.logical - b.petaOperation.logical));
  return {
    id: options.domain,
    node: null,
    state: "own",
    key: options.signer.publicKey,
    relation: null,
    path: null,
    nodes: members.length,
    power: members.length === 0 ? null : best(members.map(({ row }) => row.description)),
    prices: lists[0] ?? null,
    age: 0 as Micros,
    owed: null,
    credit: null,
    sent: 0,
    taken: 0,
  };
}

const best = (nodes: readonly NodeDescription[]): ComputingPower =>
  Object.fromEntries(
    COMPUTE_TYPES.map((type) => [type, Math.max(...nodes.map((node) => node.power[type]))]),
  ) as unknown as ComputingPower;
