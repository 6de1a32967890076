import type { NodeId } from "@weft/infrastructure";
import {
  type Bytes,
  between,
  type Instant,
  type Micros,
  type Money,
  type OperationsPerSecond,
} from "@weft/kernel";
import type { Decision, Placed } from "@weft/scheduling";
import {
  type ContractRow,
  type LinkView,
  type Manager,
  type NodeView,
  type RunEntry,
  seenOf,
} from "@weft/service";
import type {
  AccountView,
  ContractView,
  DecisionView,
  PlacementView,
  SiteView,
  UsageView,
} from "@weft/service-http";

/*
 * The core's state as the outside sees it. Reading changes nothing and copies no more than it shows.
 */

type Core = Manager["core"];

export function nodeView(core: Core, id: NodeId, now: Instant): NodeView | undefined {
  const member = core.fleet.member(id);
  if (member === undefined) return undefined;
  const known = seenOf(core, id);
  const { nodes } = core.pool;
  const index = nodes.slots.find(id);
  const reserved = (type: number): OperationsPerSecond =>
    (index < 0 ? 0 : nodes.reserved[type]?.[index]) as OperationsPerSecond;
  const health = member.connection === null ? (known?.health ?? "down") : (known?.health ?? "up");
  return {
    description: known?.description ?? member.row.description,
    provider: member.row.provider,
    load: known?.load ?? null,
    health: member.connection === null && health === "up" ? "suspect" : health,
    age: known === undefined ? (Number.MAX_SAFE_INTEGER as Micros) : between(known.heardAt, now),
    reserved: {
      power: { logical: reserved(0), parallel: reserved(1), neural: reserved(2) },
      memoryBytes: (index < 0 ? 0 : (nodes.reservedMemory[index] ?? 0)) as Bytes,
      storageBytes: (index < 0 ? 0 : (nodes.reservedStorage[index] ?? 0)) as Bytes,
    },
    runningTasks: core.tasks.liveOn(id).length,
    earned: member.row.earned,
  };
}

export function nodeViews(core: Core, now: Instant): NodeView[] {
  const views: NodeView[] = [];
  for (const member of core.fleet.members) {
    const view = nodeView(core, member.row.id, now);
    if (view !== undefined) views.push(view);
  }
  return views.sort((a, b) => (a.description.id < b.description.id ? -1 : 1));
}

export function linkViews(core: Core, now: Instant): LinkView[] {
  const { links } = core.pool;
  const views: LinkView[] = [];
  for (let index = 0; index < links.bound; index++) {
    const state = links.states[index];
    if (!links.slots.has(index) || state === undefined) continue;
    views.push({ state, age: between(state.at, now), reservedBps: links.reserved[index] ?? 0 });
  }
  const name = (view: LinkView): string => `${view.state.from}>${view.state.to}`;
  return views.sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

export function siteViews(core: Core): SiteView[] {
  const { options } = core;
  const sites = new Map<string, SiteView>();
  const own = { id: options.site, domain: options.domain, gateway: options.gateway.url, nodes: [] };
  sites.set(options.site, own);
  const gateways = new Map(
    core.fleet.gateways(options.gateway).map((gateway) => [gateway.site, gateway.url]),
  );
  for (const { row, connection } of core.fleet.members) {
    if (connection === null) continue;
    const { site, domain } = row.description;
    const known = sites.get(site) ?? { id: site, domain, gateway: gateways.get(site) ?? null, nodes: [] };
    sites.set(site, { ...known, nodes: [...known.nodes, row.id] });
  }
  return [...sites.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function contractView(run: RunEntry, whole: boolean): ContractView {
  return contractRowView(run.contract, whole);
}

/** A contract as it is kept, however old. */
export function contractRowView(row: ContractRow, whole: boolean): ContractView {
  const { contract, run, state, openedAt, closedAt, because, charged, penalty, steps, dispute } = row;
  const { terms } = contract;
  return {
    id: terms.id,
    task: terms.task,
    run,
    node: terms.node.id as NodeId,
    consumer: terms.consumer.account,
    provider: terms.provider.account,
    state,
    ceiling: terms.ceiling,
    charged,
    openedAt,
    closedAt,
    closedBecause: because,
    completeBy: terms.completeBy,
    penalty: penalty ?? null,
    steps: (steps ?? []).map(([state, at]) => ({ state, at })),
    dispute: dispute ?? null,
    measurements: row.measurements ?? [],
    document: whole ? contract : null,
  };
}

export function usageView(run: RunEntry): UsageView | null {
  if (run.usage === null) return null;
  const { usage, task, charge, receivedAt } = run.usage;
  return { id: usage.record.id, task, usage, charge, receivedAt };
}

export function accountView(core: Core, id: string, now: Instant): AccountView | undefined {
  const account = core.books.account(id);
  const balance = core.books.balance(id);
  if (account === undefined || balance === undefined) return undefined;
  const { name, role, currency, timeZone = "UTC" } = account;
  const { available } = balance;
  const runway = available === null ? null : core.billing.runway(id, now, available);
  return { id, name, role, currency, balance, runway, timeZone };
}

export const placementView = (decision: Placed, priceAtMost: Money | null): PlacementView => ({
  node: decision.node,
  site: decision.site,
  path: decision.path,
  predicted: { staging: 0 as Micros, ...decision.timeline },
  price: decision.charge,
  priceAtMost,
  kept: decision.kept,
  energy: decision.energy,
  carbon: decision.carbon,
});

export function decisionView(at: Instant, decision: Decision, priceAtMost: Money | null): DecisionView {
  return {
    at,
    placement: decision.outcome === "refused" ? null : placementView(decision, priceAtMost),
    refusal: decision.outcome === "refused" ? decision.refusal : null,
    explanation: decision.explanation,
  };
}
