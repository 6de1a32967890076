import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinkState, SiteId } from "@weft/infrastructure";
import { EmulatedLinks } from "@weft/infrastructure-emulator";
import { EchoResponder, LinkProber } from "@weft/infrastructure-host";
import type { BitsPerSecond, Micros } from "@weft/kernel";
import { ContentStore, Gateway } from "@weft/orchestration-data";
import type { Bench } from "./bench.ts";

const [here, there] = ["here", "there"] as SiteId[] as [SiteId, SiteId];
/** Milliseconds one way and megabits a second: next door, a city, a country. */
const DISTANCES = [
  [0.5, 1000],
  [4.2, 310],
  [38, 930],
] as const;

/** What links are asked to be, against what the program's own probes then see of them. */
export const distance: Bench = {
  name: "distance",
  async run(size, report) {
    const dir = mkdtempSync(join(tmpdir(), "weft-bench-distance-"));
    const gateway = new Gateway({
      store: new ContentStore(dir, { maxBytes: 0 }),
      authorize: () => true,
      allow: () => false,
      maxContentBytes: 0,
    });
    const server = createServer((request, response) => void gateway.handle(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const echo = await EchoResponder.listen();
    try {
      for (const [ms, mbps] of size === "smoke" ? DISTANCES.slice(1, 2) : DISTANCES) {
        const delay = (ms * 1000) as Micros;
        const rate = (mbps * 1e6) as BitsPerSecond;
        const links = await EmulatedLinks.start({ links: [{ from: here, to: there, delay, rate }] });
        const { port } = server.address() as AddressInfo;
        await links.attach(there, { tcp: `127.0.0.1:${port}`, udp: echo.address });
        const seen = await perceive(links.addressFor(here, there) as string);
        await links.close();
        const name = `distance/${ms}ms-${mbps}Mbps`;
        report({
          name: `${name}/delay`,
          value: (seen.delay as number) / 1e6,
          unit: "s",
          against: "the one-way delay asked",
          ratio: (seen.delay as number) / delay,
        });
        report({
          name: `${name}/rate`,
          value: seen.capacity as number,
          unit: "b/s",
          against: "the rate asked",
          ratio: (seen.capacity as number) / rate,
        });
      }
    } finally {
      echo.close();
      gateway.close();
      server.close();
      server.closeAllConnections();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

/** The first state in which everything is known. */
function perceive(address: string): Promise<LinkState> {
  return new Promise((resolve) => {
    const prober = new LinkProber({
      from: here,
      everyMs: 400,
      timeoutMs: 200,
      onState: ([state]) => {
        if (state.capacity === null || state.delay === null) return;
        prober.close();
        resolve(state);
      },
    });
    prober.add({ site: there, udp: address, tcp: address });
  });
}
