import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { Bus } from "./bus.ts";
import { NatsBus } from "./bus-nats.ts";
import { WebSocketBus } from "./bus-websocket.ts";
import type { ConnectionOptions } from "./connection.ts";

/**
 * The bus that configuration names: `nats://...` (what `WEFT_BUS` holds) for NATS, `http(s)://...` for the embedded bus
 * of that manager; undefined: the embedded bus at `embedded.urls`. Refuses with `E_BUS` what it cannot read or reach.
 */
export async function openBus(
  named: string | undefined,
  embedded: Omit<ConnectionOptions, "path" | "limits">,
): Promise<Result<Bus, Refusal<"E_BUS">>> {
  if (named === undefined || named === "") return ok(new WebSocketBus(embedded));
  if (/^https?:\/\//.test(named)) return ok(new WebSocketBus({ ...embedded, urls: [named] }));
  if (!named.startsWith("nats://")) {
    return refuse("E_BUS", "no such bus", { found: named, expected: "nats://host:port or http://host:port" });
  }
  try {
    return ok(await NatsBus.connect(named));
  } catch (error) {
    const hint = "is nats-server running there?";
    return refuse("E_BUS", `NATS cannot be reached: ${(error as Error).message}`, { found: named, hint });
  }
}
