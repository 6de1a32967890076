import { type Architecture, MANAGER_PARTICIPANT } from "@weft/announcement";
import { type Bus, BusServer, fromNode, openBus, readFromNode, subjectOf } from "@weft/announcement-net";
import type { NodeId } from "@weft/infrastructure";
import { ok, refuse } from "@weft/kernel";
import type { ManagerInput } from "@weft/service";

/**
 * The manager as a participant on its domain's bus, and the embedded bus itself, which it holds whether or not the
 * domain's nodes use another.
 */
export class DomainBus {
  readonly server: BusServer;
  readonly #scope: string;
  #bus: Bus | null = null;

  /** `token` admits to the embedded bus; `domain` scopes subjects where several domains share a bus. */
  constructor(domain: string, token: string) {
    this.#scope = domain;
    this.server = new BusServer((knock) =>
      knock.token === token ? ok(null) : refuse("bad_token", "the bus of this domain is for its members"),
    );
  }

  /** Opens the bus named, or the embedded one at `url`; what comes for the manager is handed to the core. */
  async open(
    architecture: Architecture,
    named: string | null,
    url: string,
    token: string,
    handle: (input: ManagerInput) => void,
  ): Promise<void> {
    if (architecture === "centralised") return;
    const opened = await openBus(named ?? undefined, {
      urls: [url],
      token: () => token,
      jitter: Math.random,
    });
    if (!opened.ok) {
      const { message, hint, code } = opened.refusal;
      throw Object.assign(new Error(message), { code, hint });
    }
    this.#bus = opened.value;
    this.#bus.subscribe(subjectOf(MANAGER_PARTICIPANT, this.#scope), (message) => {
      const read = readFromNode(message);
      if (read !== null) handle({ kind: "announced", ...read });
    });
  }

  /** What a full or broken bus drops the protocols repair. */
  announce(to: NodeId, bytes: Uint8Array): void {
    this.#bus?.publish(subjectOf(to, this.#scope), fromNode(MANAGER_PARTICIPANT, bytes));
  }

  async close(): Promise<void> {
    await this.#bus?.close();
    this.server.close();
  }
}
