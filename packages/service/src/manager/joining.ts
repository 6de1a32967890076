import type { NodeId } from "@weft/infrastructure";
import { after, between, formatTime, type Instant, type Micros, type Refusal, refuse } from "@weft/kernel";
import { CLOCK_TOLERANCE, checkPrices, type PriceList } from "@weft/market";
import { challengeText, type FromAgent, PROTOCOL_VERSION } from "../protocol.ts";
import { loseRun } from "./closing.ts";
import { type Core, note, send, store, tell } from "./core.ts";
import type { Member } from "./fleet.ts";
import { priceNode, tellOffer } from "./offers.ts";
import { setWilling } from "./willing.ts";

type Hello = Extract<FromAgent, { kind: "hello" }>;
type Knock = Extract<FromAgent, { kind: "knock" }>;

/** A connection was opened: its agent must first prove its key [W2]. */
export function opened(core: Core, connection: string, nonce: string): void {
  core.nonces.set(connection, nonce);
  send(core, connection, { kind: "challenge", manager: core.options.signer.publicKey, nonce });
}

/** A connection is gone; its node has a while to come back before its runs are lost. */
export function closed(core: Core, now: Instant, connection: string): void {
  core.nonces.delete(connection);
  const member = core.fleet.disconnect(connection);
  if (member === undefined) return;
  const node = member.row.id;
  core.pool.setAccepting(node, false);
  core.silences.set(node, after(now, core.options.silence));
  tell(core, now, "disconnected", "node", node);
  announceGateways(core);
}

/** An agent asks whether it would be taken, before it measures its machine. */
export function knock(core: Core, now: Instant, connection: string, said: Knock): void {
  const refusal = strangerTo(core, now, connection, said, said.node);
  core.nonces.delete(connection);
  send(core, connection, refusal === null ? { kind: "admitted" } : { kind: "rejected", refusal });
  core.out.push({ kind: "hang-up", connection });
}

/** An agent says who it is and what it holds. */
export function hello(core: Core, now: Instant, connection: string, said: Hello): void {
  const refusal = objectionTo(core, now, connection, said);
  core.nonces.delete(connection);
  if (refusal !== null) {
    send(core, connection, { kind: "rejected", refusal });
    core.out.push({ kind: "hang-up", connection });
    return;
  }
  const { description, prices, key, gateway } = said;
  const known = core.fleet.member(description.id);
  const provider = known?.row.provider ?? joinToken(core, now, said.joinToken)?.account ?? "";
  const { member, changes } = core.fleet.enter(description, prices, provider, key, now);
  store(core, changes);
  const before = core.fleet.connect(member, connection, gateway && { ...gateway, site: description.site });
  if (before !== null) core.out.push({ kind: "hang-up", connection: before });
  core.silences.clear(description.id);
  core.pool.addNode(description);
  priceNode(core, member.row, now);
  for (const [algorithm, correction] of core.predictor.of(description.id)) {
    core.pool.setCorrection(algorithm, description.id, correction);
  }
  const gateways = core.fleet.gateways(core.options.gateway);
  send(core, connection, {
    kind: "welcome",
    recorded: member.recorded,
    dataToken: core.options.dataToken,
    gateways,
    announcement: {
      architecture: core.options.announcement?.architecture ?? "centralised",
      domain: core.options.domain,
      bus: core.options.announcement?.bus ?? null,
      busToken: core.options.announcement?.busToken ?? "",
    },
  });
  tellOffer(core, description.id);
  if (gateway !== null) announceGateways(core);
  reconcile(core, now, member, new Set(said.holding));
  tell(core, now, known === undefined ? "joined" : "connected", "node", description.id);
}

/** Tells every connected node which gateways listen now. */
function announceGateways(core: Core): void {
  const gateways = core.fleet.gateways(core.options.gateway);
  for (const member of core.fleet.members) send(core, member.connection, { kind: "gateways", gateways });
}

function joinToken(core: Core, now: Instant, secret: string | null) {
  if (secret === null) return undefined;
  const digest = core.options.cryptography.digest(secret);
  const token = core.tokensByDigest.get(digest);
  if (token?.use !== "join" || (token.expiresAt !== null && token.expiresAt < now)) return undefined;
  return token;
}

/** Why a hello is refused; null: it is not. */
function objectionTo(core: Core, now: Instant, connection: string, said: Hello): Refusal | null {
  const refusal = strangerTo(core, now, connection, said, said.description.id);
  if (refusal !== null) return refusal;
  const unpriced = pricesObjection(said);
  if (unpriced !== null) return unpriced;
  const { site } = said.description;
  return site.startsWith("@") ? domainsOwn("description.site", site, "--site") : null;
}

/** Why a node's prices, and the floor it keeps, are not taken; null: they are. */
export function pricesObjection({
  prices,
  floor = null,
}: {
  readonly prices: PriceList;
  readonly floor?: PriceList | null;
}): Refusal | null {
  const list = checkPrices(prices);
  const least = floor === null ? list : checkPrices(floor, "floor");
  return list.ok ? (least.ok ? null : least.refusal) : list.refusal;
}

/** A name that no node or site of ours may bear. */
const domainsOwn = (path: string, found: string, option: string): Refusal =>
  refuse("E_NODE_NAME", "names that begin with an @ are other domains'", {
    path,
    found,
    expected: "a name that begins with a letter or digit",
    hint: `choose another ${option}`,
  }).refusal;

/** Why nobody is taken in under this key, token and name; null: they are good. */
function strangerTo(
  core: Core,
  now: Instant,
  connection: string,
  said: Pick<Hello, "protocol" | "at" | "key" | "proof" | "joinToken">,
  node: NodeId,
): Refusal | null {
  const { options } = core;
  const nonce = core.nonces.get(connection);
  if (said.protocol !== PROTOCOL_VERSION) {
    return refuse("E_PROTOCOL", "agent and manager speak different protocols", {
      found: String(said.protocol),
      expected: String(PROTOCOL_VERSION),
      hint: "run the same version of weft on both",
    }).refusal;
  }
  const text = challengeText(options.signer.publicKey, nonce ?? "");
  if (nonce === undefined || !options.cryptography.verify(said.key, text, said.proof)) {
    return refuse("E_UNAUTHENTICATED", "the node did not prove its key", {
      path: "proof",
      expected: `a signature of ${said.key} over the manager's challenge`,
      hint: "start the node again; its key file may have been exchanged while it ran",
    }).refusal;
  }
  const known = core.fleet.member(node);
  // A node that is known is not turned away: its clock, or ours, may be off for a while (willing.ts).
  const skew = between(said.at, now);
  if (known === undefined && Math.abs(skew) > CLOCK_TOLERANCE) {
    return refuse("E_CLOCK_SKEW", `the node's clock is ${skew > 0 ? "behind" : "ahead of"} the manager's`, {
      found: formatTime(Math.abs(skew) as Micros),
      expected: `at most ${formatTime(CLOCK_TOLERANCE as Micros)}`,
      hint: "set the clock of that machine, then start the node again",
    }).refusal;
  }
  if (node.startsWith("@")) return domainsOwn("description.id", node, "--name");
  if (known !== undefined && known.row.key !== said.key) {
    return refuse("E_NODE_NAME_TAKEN", "another node joined under this name", {
      path: "description.id",
      found: node,
      expected: "a name that is free, or the key that first joined under it",
      hint: "choose another --name, or bring the key file that first joined under it",
    }).refusal;
  }
  if (known === undefined && joinToken(core, now, said.joinToken) === undefined) {
    return refuse("E_JOIN_TOKEN", "the join token is missing, unknown, or has expired", {
      path: "joinToken",
      hint: "ask the manager for one: weft token create --join",
    }).refusal;
  }
  return null;
}

/** Node and manager compare what the node should have and what it has [W1]. */
export function reconcile(core: Core, now: Instant, member: Member, holding: ReadonlySet<string>): void {
  const node = member.row.id;
  for (const run of core.tasks.liveOn(node)) {
    if (holding.has(run.view.id)) continue;
    if (run.accepted) {
      note(core, now, run.task, run.view.id, `${node} restarted and lost the run`);
      loseRun(core, now, run, "node_restarted", `${node} restarted`);
    } else if (run.live !== null) send(core, member.connection, { kind: "launch", launch: run.live.launch });
  }
  for (const id of holding) {
    const run = core.tasks.run(id);
    if (run?.live !== null && run !== undefined && run.view.node === node) run.accepted = true;
    else
      send(core, member.connection, { kind: run?.view.state === "finished" ? "settled" : "cancel", run: id });
  }
}

/**
 * After a restart of the manager, what live runs occupy on a node is taken again; until all of it could be, the node
 * gets nothing new.
 */
export function restoreReservations(core: Core, node: NodeId): void {
  const missing = core.tasks.liveOn(node).filter((run) => !core.reservations.has(run.view.id));
  if (missing.length === 0) return;
  core.pool.setAccepting(node, true);
  let restored = true;
  for (const run of missing) {
    const claim = run.live === null ? null : core.pool.claim(run.live.claim);
    const reserved = claim?.ok ? core.pool.reserve(claim.value) : null;
    if (reserved?.ok) core.reservations.set(run.view.id, reserved.value);
    else restored = false;
  }
  if (restored) setWilling(core, node);
  else core.pool.setAccepting(node, false);
}

/** A node that has been silent for too long has lost its runs. */
export function silent(core: Core, now: Instant, node: NodeId): void {
  const runs = core.tasks.liveOn(node);
  core.pool.removeNode(node);
  tell(core, now, "down", "node", node);
  for (const run of runs) loseRun(core, now, run, "node_silent", `${node} has not been heard of`);
}
