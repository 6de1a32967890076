import type { SiteId } from "@weft/infrastructure";
import { Relays } from "./relays.ts";
import type { Distance, EmulatedLinksSpec, GatewayPlace } from "./spec.ts";

/** What the parent asks of the process that runs the relays; each is answered with the same number. */
export type Order = { readonly id: number } & (
  | { readonly kind: "open"; readonly spec: EmulatedLinksSpec }
  | { readonly kind: "attach"; readonly site: SiteId; readonly place: GatewayPlace }
  | {
      readonly kind: "change";
      readonly from: SiteId;
      readonly to: SiteId;
      readonly change: Partial<Distance>;
    }
);

export interface Answer {
  readonly id: number;
  readonly ports: Readonly<Record<string, number>>;
  readonly error: string | null;
}

let relays: Relays | undefined;

async function obey(order: Order): Promise<void> {
  if (order.kind === "open") relays = await Relays.open(order.spec);
  else if (order.kind === "attach") relays?.attach(order.site, order.place);
  else relays?.change(order.from, order.to, order.change);
}

process.on("message", (order: Order) => {
  const answer = (error: string | null): void => {
    process.send?.({ id: order.id, ports: relays?.ports() ?? {}, error } satisfies Answer);
  };
  obey(order).then(
    () => answer(null),
    (error: Error) => answer(error.message),
  );
});
// The parent ends this process by closing the channel; an interrupt meant for the parent is not for it.
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
