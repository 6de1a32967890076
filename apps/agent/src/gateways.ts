import type { SiteId } from "@weft/infrastructure";
import type { Address } from "@weft/orchestration-data";
import type { GatewayAddress } from "@weft/service";

/** Which gateways there are, and where each is dialled from here. */
export class Gateways {
  readonly #via: Readonly<Record<string, string>>;
  #bySite = new Map<SiteId, GatewayAddress>();
  dataToken = "";

  constructor(via: Readonly<Record<string, string>>) {
    this.#via = via;
  }

  update(gateways: readonly GatewayAddress[], dataToken: string): void {
    this.#bySite = new Map(gateways.map((gateway) => [gateway.site, gateway]));
    this.dataToken = dataToken;
  }

  get all(): Iterable<GatewayAddress> {
    return this.#bySite.values();
  }

  /** Where to dial for an announced address. */
  readonly route = (address: Address): Address => this.#via[address] ?? address;

  readonly known = (address: Address): boolean =>
    [...this.#bySite.values()].some((gateway) => addressOf(gateway.url) === address);

  /** Addresses of gateways to pass, the first as it is dialled from here; null when one does not listen now. */
  segments(sites: readonly SiteId[]): readonly Address[] | null {
    const addresses: Address[] = [];
    for (const site of sites) {
      const gateway = this.#bySite.get(site);
      if (gateway === undefined) return null;
      addresses.push(addressOf(gateway.url));
    }
    const [first, ...rest] = addresses;
    return first === undefined ? null : [this.route(first), ...rest];
  }
}

/** `host:port` of a gateway's URL. */
export function addressOf(url: string): Address {
  const { host, port, protocol } = new URL(url);
  if (port !== "") return host;
  return `${host}:${protocol === "https:" ? 443 : 80}`;
}
