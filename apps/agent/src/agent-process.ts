import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ManagerConnection } from "@weft/announcement-net";
import type { DomainId, NodeDescription, NodeId, SiteId } from "@weft/infrastructure";
import { type HostMeasurement, limitShare, measuredPart, measureHost } from "@weft/infrastructure-host";
import type { Bytes, Refusal, Signer } from "@weft/kernel";
import { Driver, liveClock, loadSigner, nodeCryptography } from "@weft/live";
import type { PriceList } from "@weft/market";
import type { Runtime } from "@weft/orchestration";
import { ContentStore } from "@weft/orchestration-data";
import { createOnnxRuntime } from "@weft/orchestration-onnx";
import { createProcessRuntime } from "@weft/orchestration-process";
import { createWasmRuntime } from "@weft/orchestration-wasm";
import { AgentCore, type AgentOutput, decodeToAgent, encodeMessage } from "@weft/service";
import { askAdmission } from "./admission.ts";
import { Announcing } from "./announcing.ts";
import type { AgentConfig } from "./config.ts";
import { Gateways } from "./gateways.ts";
import { Outlook } from "./outlook.ts";
import { openGateway } from "./own-gateway.ts";
import { RunFloor } from "./run-floor.ts";

export interface RunningAgent {
  readonly description: NodeDescription;
  readonly host: HostMeasurement;
  /** What holds it to its share, in words. */
  readonly share: string;
  /** Resolves once the manager has taken the node in; rejects when it refuses to. */
  readonly joined: Promise<void>;
  /** Runs that are not settled yet. */
  readonly holding: () => number;
  /** Takes no new tasks, or takes them again. What runs goes on. */
  pause(paused: boolean): void;
  stop(): Promise<void>;
}

const CONTROL = "weft/1";

/** One agent, live: measures its machine, joins its manager by one outbound connection, runs what it is asked. */
export async function startAgent(config: AgentConfig, words: (line: string) => void): Promise<RunningAgent> {
  let say = words;
  const storageDir = config.storageDir ?? config.stateDir;
  for (const folder of [config.stateDir, storageDir]) mkdirSync(folder, { recursive: true });
  const signer = loadSigner(join(config.stateDir, "node.pem"));
  await knock(config, signer, say);
  const share = await limitShare(config.share);
  const host = await measureHost({
    share: config.share,
    storageDir,
    fresh: config.fresh,
    ...(config.cacheDir === undefined ? {} : { cacheDir: config.cacheDir }),
  });
  const description = describeNode(config, host);
  const content = new ContentStore(join(config.stateDir, "content"), {
    maxBytes: config.contentBytes,
    durable: false,
  });
  const gateways = new Gateways(config.via);
  const data = await openGateway(config, content, gateways);
  const core = new AgentCore(
    {
      signer,
      cryptography: nodeCryptography,
      joinToken: config.joinToken,
      owner: config.owner,
      gateway: data === null ? null : { url: data.url, echo: data.echo.address },
    },
    description,
    config.prices as PriceList,
  );
  const clock = liveClock();
  const runtimes = runtimesOf(config, share.threads);
  const floor = new RunFloor(join(config.stateDir, "runs"), content, gateways, runtimes, (input) =>
    agent.handle(input),
  );
  let admit: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const joined = new Promise<void>((resolve, fail) => {
    admit = resolve;
    reject = fail;
  });
  joined.catch(() => {});

  const perform = (output: AgentOutput): void => {
    switch (output.kind) {
      case "send":
        connection.sendControl(CONTROL, encodeMessage(output.message));
        break;
      case "fetch":
        void floor.fetch(output.launch);
        break;
      case "start":
        floor.start(output.launch);
        break;
      case "return":
        void floor.giveBack(output.launch);
        break;
      case "stop":
        floor.stop(output.run);
        break;
      case "forget":
        floor.forget(output.run);
        break;
      case "gateways":
        outlook.probe(output.gateways, output.dataToken);
        break;
      case "announce":
        outlook.look();
        void announcing.begin(output.terms).then((refusal) => {
          if (refusal === null) return admit();
          connection.close();
          reject(new JoinRefused(refusal));
        });
        break;
      case "neighbours":
        announcing.neighbours(output);
        break;
      case "rejected":
        connection.close();
        reject(new JoinRefused(output.refusal));
        break;
    }
  };

  const agent = new Driver(core, clock, (outputs) => outputs.forEach(perform));
  const announcing = new Announcing(config, description.id, signer, clock, say, (bytes) =>
    connection.sendAnnouncement(bytes),
  );
  let failure = "";
  const connection = new ManagerConnection(
    { urls: config.managers, token: () => null, jitter: Math.random },
    {
      connected: () => {
        failure = "";
        agent.handle({ kind: "connected" });
      },
      disconnected: (reason) => {
        if (announcing.begun) say(`connection lost (${reason}); dialling again`);
        announcing.disconnected();
        agent.handle({ kind: "disconnected" });
      },
      failed: (refusal, url) => {
        const words = `${url}: ${refusal.message} [${refusal.code}]; dialling again`;
        if (words !== failure) say(words); // once, not at every attempt
        failure = words;
      },
      control: (name, body) => {
        const message = name === CONTROL ? decodeToAgent(body) : null;
        if (message?.ok) agent.handle({ kind: "message", message: message.value });
        else if (message !== null) say(`an unreadable message: ${message.refusal.message}`);
      },
      announcement: (bytes) => announcing.asked(bytes),
    },
  );
  const outlook = new Outlook({
    ...{ config, description, host, storageDir, clock, gateways },
    say: (line) => say(line),
    accepting: (accepting) => agent.handle({ kind: "accepting", accepting }),
    publish: (publication) => announcing.publish(publication),
  });

  return {
    description,
    host,
    share: share.words,
    joined,
    holding: () => core.holding.length,
    pause: (paused) => outlook.pause(paused),
    stop: async () => {
      outlook.close();
      say = () => {}; // what ends now ends as it should
      announcing.leave();
      await new Promise((resolve) => setImmediate(resolve));
      connection.close();
      agent.close();
      await announcing.close();
      floor.close();
      await data?.close();
      share.release();
    },
  };
}

/** Finds out before the measuring what would be refused after it. */
async function knock(config: AgentConfig, signer: Signer, say: (line: string) => void): Promise<void> {
  const { managers, joinToken, name } = config;
  const refusal = await askAdmission({ managers, channel: CONTROL, signer, joinToken, node: name as NodeId });
  if (refusal === null) return;
  if (refusal.code !== "unreachable") throw new JoinRefused(refusal);
  say(`${refusal.message} [${refusal.code}]; measuring meanwhile, then dialling again`);
}

/** The manager will not have this node. */
export class JoinRefused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

function describeNode(config: AgentConfig, host: HostMeasurement): NodeDescription {
  const measured = measuredPart(host);
  return {
    ...measured,
    id: config.name as NodeId,
    tier: config.tier,
    site: config.site as SiteId,
    domain: config.domain as DomainId,
    labels: config.labels,
    memoryBytes: Math.min(measured.memoryBytes, config.memoryBytes ?? measured.memoryBytes) as Bytes,
    runs: config.runs,
    security: config.security,
    watts: config.watts as NodeDescription["watts"],
    gramsPerKwh: config.gramsPerKwh,
  };
}

function runtimesOf(config: AgentConfig, threads: number): readonly Runtime[] {
  const make: { readonly [kind in (typeof config.runs)[number]]: () => Runtime } = {
    wasm: () => createWasmRuntime({ warmWorkers: threads, maxWorkers: 4 * threads }),
    model: () => createOnnxRuntime({ maxProcesses: threads }),
    process: () => createProcessRuntime(),
  };
  return config.runs.map((kind) => make[kind]());
}
