import type { NodeDescription, NodeId, SiteId } from "@weft/infrastructure";
import type { Instant, Money, PublicKey } from "@weft/kernel";
import type { AccountId, PriceList } from "@weft/market";
import type { GatewayAddress } from "../protocol.ts";
import type { NodeRow, StoreChange } from "../store.ts";

/** A node that joined, and the connection it speaks on now. */
export interface Member {
  row: NodeRow;
  /** null: not connected. */
  connection: string | null;
  /** Its own gateway, while connected. */
  gateway: GatewayAddress | null;
  /** Last usage record that is durable. */
  recorded: number;
}

/** Every node that ever joined, by name, and which connection is whose. */
export class Fleet {
  readonly #members = new Map<NodeId, Member>();
  readonly #byConnection = new Map<string, Member>();

  constructor(rows: readonly NodeRow[]) {
    for (const row of rows) this.#members.set(row.id, { row, connection: null, gateway: null, recorded: 0 });
  }

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  member(node: NodeId): Member | undefined {
    return this.#members.get(node);
  }

  speaking(connection: string): Member | undefined {
    return this.#byConnection.get(connection);
  }

  keyOf(node: NodeId): PublicKey | null {
    return this.#members.get(node)?.row.key ?? null;
  }

  /** Enters a node, or what changed about it. */
  enter(
    description: NodeDescription,
    prices: PriceList,
    provider: AccountId,
    key: PublicKey,
    now: Instant,
    floor: PriceList | null = null,
  ): { readonly member: Member; readonly changes: StoreChange[] } {
    const known = this.#members.get(description.id);
    const row: NodeRow = {
      id: description.id,
      provider,
      key,
      description,
      prices,
      floor,
      joinedAt: known?.row.joinedAt ?? now,
      earned: known?.row.earned ?? (0n as Money),
    };
    const member = known ?? { row, connection: null, gateway: null, recorded: 0 };
    member.row = row;
    this.#members.set(row.id, member);
    return { member, changes: [{ kind: "put-node", row }] };
  }

  /** The node speaks on this connection from now on; returns the one it spoke on before, if still open. */
  connect(member: Member, connection: string, gateway: GatewayAddress | null): string | null {
    const before = member.connection;
    if (before !== null) this.#byConnection.delete(before);
    member.connection = connection;
    member.gateway = gateway;
    this.#byConnection.set(connection, member);
    return before;
  }

  /** The connection is gone; undefined when it was nobody's, or not any more. */
  disconnect(connection: string): Member | undefined {
    const member = this.#byConnection.get(connection);
    if (member === undefined) return undefined;
    this.#byConnection.delete(connection);
    member.connection = null;
    return member;
  }

  earn(member: Member, amount: Money): StoreChange {
    member.row = { ...member.row, earned: (member.row.earned + amount) as Money };
    return { kind: "put-node", row: member.row };
  }

  /** Gateways that listen now, one a site: the manager's own first, then by node name. */
  gateways(own: GatewayAddress): readonly GatewayAddress[] {
    const bySite = new Map<SiteId, GatewayAddress>([[own.site, own]]);
    const listening = [...this.#members.values()]
      .filter((member) => member.connection !== null && member.gateway !== null)
      .sort((a, b) => (a.row.id < b.row.id ? -1 : 1));
    for (const { gateway } of listening) {
      if (gateway !== null && !bySite.has(gateway.site)) bySite.set(gateway.site, gateway);
    }
    return [...bySite.values()];
  }
}
