import type { ServerResponse } from "node:http";
import { ok, type Refusal, type Result } from "@weft/kernel";
import type { Caller } from "@weft/service";
import type { Subscription } from "../asked.ts";
import type { ManagerApi } from "../manager-api.ts";
import type { EventView } from "../views.ts";
import { wireText } from "../wire/quantities.ts";
import { asCloudEvent } from "./cloud-events.ts";

/** A comment this often keeps proxies from closing a quiet stream, and finds out that a watcher is gone. */
const HEARTBEAT_MS = 15_000;
/** A watcher with more than this unread is cut off; it resumes from the last it read. */
const MOST_UNREAD_BYTES = 1 << 20;
const MOST_STREAMS = 1024;
/** Events of one batch; the rest is asked for after the last of it. */
const MOST_PAST = 1000;
const MOST_STREAMS_OF_ACCOUNT = 64;

const TOO_MANY: Refusal = {
  code: "E_TOO_MANY",
  message: "too many streams open at once",
  expected: `at most ${MOST_STREAMS_OF_ACCOUNT} of one account`,
};

/** The streams open now: bounded, and all ended when the server closes. */
export class Streams {
  readonly #open = new Map<ServerResponse, string>();

  get size(): number {
    return this.#open.size;
  }

  endAll(): void {
    for (const response of this.#open.keys()) response.end();
  }

  /** A refusal when no further stream may be opened for this account. */
  full(account: string): Refusal | null {
    let own = 0;
    for (const owner of this.#open.values()) if (owner === account) own++;
    return own >= MOST_STREAMS_OF_ACCOUNT || this.#open.size >= MOST_STREAMS ? TOO_MANY : null;
  }

  /** Server-sent events (WHATWG HTML, 9.2). Heads are sent only once the manager has agreed. */
  async events(
    response: ServerResponse,
    manager: ManagerApi,
    caller: Caller,
    after: string | null,
    subjects: readonly EventView["subject"][],
    asCloudEvents = false,
  ): Promise<Refusal | null> {
    const send = this.#sender(response, "text/event-stream", "retry: 1000\n\n");
    const tell = (event: EventView): void => {
      if (!subjects.includes(event.subject)) return;
      const told = asCloudEvents ? asCloudEvent(event, manager.network()) : event;
      send(`id: ${event.cursor}\nevent: ${event.subject}\ndata: ${wireText(told)}\n\n`);
    };
    const heartbeat = setInterval(() => send(": still here\n\n"), HEARTBEAT_MS);
    response.once("close", () => clearInterval(heartbeat));
    const refusal = await this.#serve(response, caller.account, () => manager.events(caller, after, tell));
    if (refusal !== null) clearInterval(heartbeat);
    else send(": watching\n\n");
    return refusal;
  }

  /** The kept events after `after`, at once. */
  async past(
    manager: ManagerApi,
    caller: Caller,
    after: string | null,
    subjects: readonly EventView["subject"][],
  ): Promise<Result<readonly EventView[]>> {
    const events: EventView[] = [];
    const started = await manager.events(caller, after, (event) => {
      if (subjects.includes(event.subject) && events.length < MOST_PAST) events.push(event);
    });
    if (!started.ok) return started;
    started.value.close();
    return ok(events);
  }

  /** One JSON object a line; ends after the last, however long that takes when following. */
  logs(
    response: ServerResponse,
    manager: ManagerApi,
    caller: Caller,
    task: string,
    reading: { readonly after: number; readonly follow: boolean },
  ): Promise<Refusal | null> {
    const send = this.#sender(response, "application/x-ndjson", "");
    return this.#serve(response, caller.account, () =>
      manager.logs(caller, task, {
        ...reading,
        tell: (line) => send(`${wireText(line)}\n`),
        end: () => {
          send("");
          response.end();
        },
      }),
    );
  }

  async #serve(
    response: ServerResponse,
    account: string,
    start: () => Promise<Result<Subscription>> | Result<Subscription>,
  ): Promise<Refusal | null> {
    const full = this.full(account);
    if (full !== null) return full;
    this.#open.set(response, account);
    let subscription: Subscription | null = null;
    let closed = false;
    response.once("close", () => {
      closed = true;
      this.#open.delete(response);
      subscription?.close();
    });
    const started = await start();
    if (!started.ok) {
      this.#open.delete(response);
      return started.refusal;
    }
    subscription = started.value;
    if (closed) subscription.close();
    return null;
  }

  /** Writes; opens the stream with the first write; cuts off who does not read. */
  #sender(response: ServerResponse, type: string, preamble: string): (text: string) => void {
    let begun = false;
    return (text) => {
      if (response.destroyed || response.writableEnded) return;
      if (!begun) {
        begun = true;
        response.writeHead(200, {
          "content-type": `${type}; charset=utf-8`,
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        });
        response.flushHeaders();
        if (preamble !== "") response.write(preamble);
      }
      if (text !== "") response.write(text);
      if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
    };
  }
}
