import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EchoResponder } from "@weft/infrastructure-host";
import { type Money, micros, type Result, SECOND, type Signer } from "@weft/kernel";
import { Driver, GroupCommit, liveClock, loadSigner, nodeCryptography } from "@weft/live";
import { ContentStore, Gateway } from "@weft/orchestration-data";
import {
  type Command,
  type FederationOptions,
  Manager,
  type ManagerOptions,
  type ManagerOutput,
  type OpenedHistory,
  type Store,
  type StoreChange,
} from "@weft/service";
import { createApiServer } from "@weft/service-http";
import { type OpenedStore, openStore } from "@weft/store-postgres";
import { Agents } from "./agents.ts";
import { LiveManager } from "./api.ts";
import { issueDue } from "./billing.ts";
import { bootstrap } from "./bootstrap.ts";
import type { ManagerConfig } from "./config.ts";
import { DomainBus } from "./domain-bus.ts";
import { Peering } from "./peering.ts";
import { TaskLogs } from "./task-logs.ts";
import { Tickets } from "./tickets.ts";

type Effect = Exclude<ManagerOutput, { kind: "store" }>;

export interface RunningManager {
  readonly url: string;
  /** What keeps its state, in words. */
  readonly store: string;
  /** Gives a command to the core; resolves once its effects are durable. */
  readonly command: (command: Command) => Promise<Result<string>>;
  stop(): Promise<void>;
}

const VERSION = "0.1.0";
const STORE_STOPS_MS = 5_000;
/** How often it is looked whether invoices of a period that is over are still to be issued. */
const BILLS_EVERY_MS = 600_000;

/**
 * One manager, live: the core driven by real time, its changes committed in groups, its messages released once they
 * are durable, agents and HTTP on one port. `failed` is called when the store fails: nothing later can be
 * acknowledged, so the process should end and start again from what is durable.
 */
export async function startManager(
  config: ManagerConfig,
  failed: (error: unknown) => void,
): Promise<RunningManager> {
  mkdirSync(config.stateDir, { recursive: true });
  const { databaseUrl, stateDir } = config;
  const store = await openStore(
    databaseUrl === undefined ? { dataDir: join(stateDir, "postgres") } : { databaseUrl },
  );
  let failing = false;
  const end = (error: unknown): void => {
    if (failing) return;
    failing = true;
    // A server of our own must not outlive us; one that does not even stop is adopted at the next start.
    const waited = new Promise((resolve) => setTimeout(resolve, STORE_STOPS_MS));
    void Promise.race([store.close(), waited]).then(
      () => failed(error),
      () => failed(error),
    );
  };
  void store.lost.then(end);
  try {
    return await serveManager(config, store, end);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The same on a store that is open already, which `stop` closes. */
export async function serveManager(
  config: ManagerConfig,
  store: Store &
    Pick<OpenedStore, "adopted" | "description"> & { readonly openHistory: () => Promise<OpenedHistory> },
  failed: (error: unknown) => void,
): Promise<RunningManager> {
  const { stateDir } = config;
  mkdirSync(stateDir, { recursive: true });
  const signer = loadSigner(join(stateDir, "manager.pem"));
  const dataToken = nodeCryptography.digest(signer.sign("weft/data-plane/1"));
  const busToken = nodeCryptography.digest(signer.sign("weft/bus/1"));
  const logs = new TaskLogs(join(stateDir, "logs"));
  const clock = liveClock();
  // Its URL is known once the port is: before the first agent can be told of it.
  const ownGateway = { site: config.site, url: "", echo: null as string | null };
  const manager = new Manager(
    optionsOf(config, signer, ownGateway, { dataToken, busToken }),
    await store.load(),
    clock(),
  );
  const bus = new DomainBus(config.domain, busToken);
  const history = await store.openHistory();
  const agents = new Agents((input) => driver.handle(input));
  const tickets = new Tickets((ticket, command) => driver.handle({ kind: "command", ticket, command }));
  const api = new LiveManager({
    manager,
    clock,
    logs,
    command: (command) => tickets.command(command),
    connected: () => agents.connected,
    history,
    network: {
      name: config.name,
      version: VERSION,
      currency: config.currency,
      managerKey: signer.publicKey,
      defaultSite: config.site,
      domain: config.domain,
      announcement: config.announcement,
      bus: config.bus === null ? "embedded" : new URL(config.bus).host,
    },
  });
  const content = new ContentStore(join(stateDir, "content"), { maxBytes: config.contentBytes });
  const peering = new Peering({
    config,
    signer,
    clock,
    content,
    handle: (input) => driver.handle(input),
    say: (line) => console.error(`weft manager: ${line}`),
  });
  const ways: Ways = { agents, peering, bus, tickets, api, logs };
  const commits = new GroupCommit<StoreChange, Effect>(
    (changes) => store.commit(changes),
    (effect) => release(ways, effect),
    (error) => {
      api.storeFailed(String(error));
      failed(error);
    },
  );
  const driver = new Driver(manager, clock, (outputs) => {
    const changes: StoreChange[] = [];
    const effects: Effect[] = [];
    for (const output of outputs) {
      if (output.kind === "store") changes.push(output.change);
      else effects.push(output);
    }
    commits.push(changes, effects);
  });
  const gateway = new Gateway({
    store: content,
    maxContentBytes: config.contentBytes,
    authorize: ({ token }) =>
      token !== null && (token === dataToken || api.mayMoveContent(token) || peering.holder(token) !== null),
    relayAs: (token) => (peering.holder(token) === null ? null : dataToken),
    allow: (address) => api.isGateway(address),
    route: (address) => config.via[address] ?? address,
  });
  const server = createApiServer({
    manager: api,
    data: gateway.handle,
    upgrade: (request, socket, head) =>
      agents.endpoint.upgrade(request, socket, head) ||
      bus.server.upgrade(request, socket, head) ||
      peering.server.upgrade(request, socket, head),
  });
  ownGateway.url = await server.listen(config.listen).catch((error) => {
    throw listenError(error, config.listen);
  });
  const echo = await EchoResponder.listen(config.listen.host, Number(new URL(ownGateway.url).port));
  ownGateway.echo = echo.address;
  await bus.open(config.announcement, config.bus, ownGateway.url, busToken, (input) => driver.handle(input));
  await peering.open(ownGateway.url);
  await bootstrap(config, manager, (command) => tickets.command(command));
  const bills = every(BILLS_EVERY_MS, () => issueDue(api.billing, () => manager.core, clock()));
  return {
    url: ownGateway.url,
    store: `${store.description}${store.adopted ? ", adopted from a manager that was killed" : ""}`,
    command: (command) => tickets.command(command),
    stop: async () => {
      clearInterval(bills);
      driver.close();
      agents.close();
      await peering.close();
      await bus.close();
      gateway.close();
      echo.close();
      await server.close();
      await commits.drained();
      await logs.close();
      await history.close();
      await store.close();
    },
  };
}

/** What a manager's effects go out through. */
interface Ways {
  readonly agents: Agents;
  readonly peering: Peering;
  readonly bus: DomainBus;
  readonly tickets: Tickets;
  readonly api: LiveManager;
  readonly logs: TaskLogs;
}

/** Carries out one effect, once the changes before it are durable. */
function release({ agents, peering, bus, tickets, api, logs }: Ways, effect: Effect): void {
  switch (effect.kind) {
    case "send":
      return agents.send(effect.connection, effect.message);
    case "resync":
      return agents.resync(effect.connection, effect.message);
    case "to-peer":
      return peering.send(effect.domain, effect.message);
    case "peer-gateway":
      return peering.gateway(effect.domain, effect.gateway);
    case "bring":
      return void peering.bring(effect.crossing);
    case "deliver":
      return void peering.deliver(effect.crossing);
    case "announce":
      return bus.announce(effect.to, effect.bytes);
    case "hang-up":
      return agents.hangUp(effect.connection);
    case "answer":
      return tickets.answer(effect.ticket, effect.result);
    case "event":
      return api.publish(effect.event);
    case "head":
      return api.log.published(effect.size);
    case "log":
      return logs.add(effect.task, effect);
  }
}

/** What the core is told of its configuration. */
function optionsOf(
  config: ManagerConfig,
  signer: Signer,
  gateway: ManagerOptions["gateway"],
  { dataToken, busToken }: { readonly dataToken: string; readonly busToken: string },
): ManagerOptions {
  return {
    signer,
    cryptography: nodeCryptography,
    account: "manager",
    currency: config.currency,
    fee: { commissionPpm: config.commissionPpm },
    latePenaltyPpm: config.latePenaltyPpm,
    billing: config.billing,
    site: config.site,
    domain: config.domain,
    gateway,
    dataToken,
    newId: (kind) => `${kind}-${randomUUID().replaceAll("-", "").slice(0, 16)}`,
    registration: config.registration,
    silence: micros(config.silenceSeconds * SECOND),
    ...(config.federation.peers.length === 0 ? {} : { federation: federationOf(config) }),
    announcement: { architecture: config.announcement, bus: config.bus, busToken },
  };
}

const federationOf = ({ federation }: ManagerConfig): FederationOptions => ({
  peers: federation.peers.map(({ url: _, credit, ...peer }) => ({
    ...peer,
    credit: BigInt(credit) as Money,
  })),
  offer: federation.offer,
  silence: micros(federation.silenceSeconds * SECOND),
});

/** Does it now and every so often; what fails is said, and tried again next time. */
function every(ms: number, work: () => Promise<unknown>): NodeJS.Timeout {
  const step = (): void =>
    void work().catch((error: Error) => console.error(`weft manager: bills: ${error.message}`));
  step();
  return setInterval(step, ms);
}

function listenError(error: NodeJS.ErrnoException, { host, port }: ManagerConfig["listen"]): Error {
  if (error.code !== "EADDRINUSE") return error;
  return Object.assign(new Error(`port ${port} of ${host} is taken`), {
    code: "E_PORT_TAKEN",
    hint: "another weft up? weft get nodes shows what answers there; --port names another port",
  });
}
