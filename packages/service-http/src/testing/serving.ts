import type { Instant, Money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { signOrder } from "@weft/market";
import type { Role } from "@weft/service";
import { manifestText } from "../manifest/index.ts";
import { type ApiServer, createApiServer } from "../server/server.ts";
import { wireText } from "../wire/quantities.ts";
import { MemoryManager } from "./memory-manager.ts";

/*
 * The API server over a manager in memory, and callers of every role.
 */

export const ROLES: readonly Role[] = ["consumer", "provider", "manager"];
export const consumer = createSigner();
/** The manager behind the server. */
export const manager = new MemoryManager();
/** A consumer's, a provider's and a manager's token, and that of another consumer. */
export const tokens = {} as Record<Role | "stranger", string>;
export let server: ApiServer;
export let url: string;

/** Before the tests of a file. */
export async function begin(): Promise<void> {
  for (const role of ROLES) tokens[role] = manager.issue(role, `${role}-1`);
  tokens.stranger = manager.issue("consumer", "consumer-2");
  server = createApiServer({
    manager,
    data: (incoming, response) => {
      if (!incoming.url?.startsWith("/data/")) return false;
      response.end("data");
      return true;
    },
    upgrade: (request, socket) => {
      if (request.url !== "/v1/agents") return false;
      socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      return true;
    },
  });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
}

/** After the tests of a file. */
export const end = (): Promise<void> => server.close();

/** A small task's manifest. */
export const MANIFEST = manifestText({
  apiVersion: "weft.dev/v1",
  kind: "Task",
  metadata: { name: "count", labels: { team: "a" } },
  spec: {
    compute: { type: "logical", work: "1 GOP" },
    run: { wasm: { module: `sha256:${"c".repeat(64)}` } },
  },
});
export const CONTENTS = [{ digest: "c".repeat(64), size: 1000 }];

/** A task handed in under an order of its own. */
export function submission(id: string, manifest = MANIFEST) {
  const order = {
    id,
    consumer: consumer.publicKey,
    taskDigest: nodeCryptography.digest(manifest),
    payAtMost: 1000n as Money,
    notAfter: 9e15 as Instant,
  };
  return { manifest, contents: CONTENTS, order: signOrder(order, consumer) };
}

export async function call(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : wireText(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}

/** Reads a stream until `enough`, then hangs up. */
export async function read(path: string, token: string, enough: (text: string) => boolean, headers = {}) {
  const abort = new AbortController();
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: abort.signal,
  });
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(chunk);
    if (enough(text)) break;
  }
  abort.abort();
  return { status: response.status, text };
}
