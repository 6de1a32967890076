import { createServer, type Server } from "node:http";
import { EchoResponder } from "@weft/infrastructure-host";
import { type ContentStore, Gateway } from "@weft/orchestration-data";
import type { AgentConfig } from "./config.ts";
import type { Gateways } from "./gateways.ts";

export interface OpenGateway {
  readonly url: string;
  readonly echo: EchoResponder;
  close(): Promise<void>;
}

/** Opens the node's own gateway, where its owner lets it listen. */
export async function openGateway(
  config: AgentConfig,
  content: ContentStore,
  gateways: Gateways,
): Promise<OpenGateway | null> {
  if (config.listen === null) return null;
  const { host, port } = config.listen;
  const gateway = new Gateway({
    store: content,
    maxContentBytes: config.contentBytes,
    authorize: ({ token }) => token !== null && token !== "" && token === gateways.dataToken,
    allow: gateways.known,
    route: gateways.route,
  });
  const server: Server = createServer((request, response) => {
    if (!gateway.handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const boundPort = typeof bound === "object" && bound !== null ? bound.port : port;
  const echo = await EchoResponder.listen(host, boundPort);
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${boundPort}`,
    echo,
    close: async () => {
      gateway.close();
      echo.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
