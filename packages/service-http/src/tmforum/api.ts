import type {
  TmfAppliedRate,
  TmfCustomerBill,
  TmfProductOffering,
  TmfProductOfferingPrice,
  TmfProductOrder,
  TmfUsage,
} from "@weft/market";
import type { Caller } from "@weft/service";
import type { Awaitable } from "../asked.ts";

/** A list whose items are made when they are asked for, so that a page costs no more than it shows. */
export interface TmfList<T> {
  readonly length: number;
  at(index: number): T;
  find(id: string): T | undefined;
}

/** What operators' systems read, each caller its own: newest first, catalogues by name. */
export interface TmfApi {
  usage(caller: Caller): Awaitable<TmfList<TmfUsage>>;
  bills(caller: Caller): Awaitable<TmfList<TmfCustomerBill>>;
  rates(caller: Caller): Awaitable<TmfList<TmfAppliedRate>>;
  orders(caller: Caller): Awaitable<TmfList<TmfProductOrder>>;
  offerings(caller: Caller): Awaitable<TmfList<TmfProductOffering>>;
  prices(caller: Caller): Awaitable<TmfList<TmfProductOfferingPrice>>;
}
