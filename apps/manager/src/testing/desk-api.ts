import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSigner, nodeCryptography } from "@weft/live";
import type { ManagerOptions, Role } from "@weft/service";
import { Desk } from "@weft/service/testing";
import { createApiServer, newSecret, tokenDigest } from "@weft/service-http";
import { WeftClient } from "@weft/service-http/client";
import { LiveManager } from "../api.ts";
import { TaskLogs } from "../task-logs.ts";

/** A whole network on a desk behind the real HTTP server: what a client sees of a running manager. */
export interface DeskApi {
  readonly desk: Desk;
  readonly url: string;
  client(token: string): WeftClient;
  /** A token of an account that the desk knows: ann consumes, pat provides. */
  token(account: string, role: Role): string;
  fetch(path: string, token: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export async function deskApi(options: Partial<ManagerOptions> = {}): Promise<DeskApi> {
  const folder = mkdtempSync(join(tmpdir(), "weft-desk-"));
  const desk = new Desk(nodeCryptography, createSigner, options);
  const logs = new TaskLogs(folder);
  const live = new LiveManager({
    // Read anew each time: the desk puts another there when it restarts.
    get manager() {
      return desk.manager;
    },
    clock: () => desk.now,
    logs,
    command: async (command) => desk.command(command),
    connected: () => desk.nodes.size,
    history: desk.store,
    network: {
      name: "desk",
      version: "0.1.0",
      currency: "CNY",
      managerKey: desk.manager.core.options.signer.publicKey,
      defaultSite: desk.manager.core.options.site,
      domain: desk.manager.core.options.domain,
      announcement: "centralised",
      bus: "embedded",
    },
  });
  const server = createApiServer({ manager: live });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  desk.onHead = (size) => live.log.published(size);
  let tokens = 0;
  return {
    desk,
    url,
    client: (token) => new WeftClient({ server: url, token, retries: 0 }),
    token: (account, role) => {
      const secret = newSecret("api");
      const row = { id: `desk-${++tokens}`, digest: tokenDigest(secret), use: "api", account, role } as const;
      desk.command({ kind: "create-token", token: { ...row, note: "", expiresAt: null } });
      return secret;
    },
    fetch: (path, token, init) =>
      fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init?.headers } }),
    close: async () => {
      await server.close();
      await logs.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
