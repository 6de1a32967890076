import { randomBytes } from "node:crypto";
import { decodeCentralised, encodeCentralised, type ResyncMessage } from "@weft/announcement";
import { AgentEndpoint, type Channel } from "@weft/announcement-net";
import { ok } from "@weft/kernel";
import { decodeFromAgent, encodeMessage, type ManagerInput, type ToAgent } from "@weft/service";

/** The one control channel that agent and manager speak on. */
const CONTROL = "weft/1";

/** Joins the agents' connections to the core: frames in become inputs, messages out become frames. */
export class Agents {
  readonly endpoint: AgentEndpoint<null>;
  readonly #channels = new Map<string, Channel>();
  #serial = 0;

  constructor(handle: (input: ManagerInput) => void) {
    this.endpoint = new AgentEndpoint<null>({
      // Who it is shows in its hello: a key proves more than a token that was sent before the challenge.
      authorize: () => ok(null),
      accept: (channel) => {
        const connection = `c${++this.#serial}`;
        this.#channels.set(connection, channel);
        // After the handlers are in place: the core's first word is the challenge.
        queueMicrotask(() => handle({ kind: "opened", connection, nonce: randomBytes(32).toString("hex") }));
        return {
          announcement: (bytes) => {
            const decoded = decodeCentralised(bytes);
            if (decoded.ok && decoded.value.kind === "report") {
              handle({ kind: "report", connection, message: decoded.value });
            }
          },
          control: (name, body) => {
            if (name !== CONTROL) return;
            const message = decodeFromAgent(body);
            if (message.ok) handle({ kind: "control", connection, message: message.value });
            else channel.close(`${message.refusal.message} at ${message.refusal.path ?? "its root"}`);
          },
          closed: () => {
            this.#channels.delete(connection);
            handle({ kind: "closed", connection });
          },
        };
      },
    });
  }

  get connected(): number {
    return this.#channels.size;
  }

  send(connection: string, message: ToAgent): void {
    this.#channels.get(connection)?.sendControl(CONTROL, encodeMessage(message));
  }

  resync(connection: string, message: ResyncMessage): void {
    this.#channels.get(connection)?.sendAnnouncement(encodeCentralised(message));
  }

  hangUp(connection: string): void {
    this.#channels.get(connection)?.close("the manager hung up");
  }

  close(): void {
    this.endpoint.close();
  }
}
