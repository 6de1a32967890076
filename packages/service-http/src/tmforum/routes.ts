import type { OrganisationAct } from "@weft/market";
import type { Caller, Role } from "@weft/service";
import type { Awaitable } from "../asked.ts";
import type { TmfApi, TmfList } from "./api.ts";

/** One resource of a TM Forum API: listed at its path, one item below it. */
export interface TmfResource {
  readonly path: string;
  readonly access: readonly Role[];
  readonly act?: OrganisationAct;
  readonly summary: string;
  list(api: TmfApi, caller: Caller): Awaitable<TmfList<object>>;
}

const ALL: readonly Role[] = ["consumer", "provider", "manager"];

export const TMF_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder";
export const TMF_CANCELS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder";

/** What can be read: TMF635 usage, TMF678 bills, TMF622 orders, TMF620 catalogue; all of version 4. */
export const TMF_RESOURCES: readonly TmfResource[] = [
  {
    path: "/tmf-api/usageManagement/v4/usage",
    access: ALL,
    act: "see-tasks",
    summary: "TMF635: signed usage and its rating",
    list: (api, caller) => api.usage(caller),
  },
  {
    path: "/tmf-api/customerBillManagement/v4/customerBill",
    access: ["consumer", "manager"],
    act: "see-bills",
    summary: "TMF678: bills",
    list: (api, caller) => api.bills(caller),
  },
  {
    path: "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate",
    access: ["consumer", "manager"],
    act: "see-bills",
    summary: "TMF678: the lines of bills",
    list: (api, caller) => api.rates(caller),
  },
  {
    path: TMF_ORDERS,
    access: ALL,
    act: "see-tasks",
    summary: "TMF622: orders, each a task",
    list: (api, caller) => api.orders(caller),
  },
  {
    path: "/tmf-api/productCatalogManagement/v4/productOffering",
    access: ALL,
    summary: "TMF620: what is on sale",
    list: (api, caller) => api.offerings(caller),
  },
  {
    path: "/tmf-api/productCatalogManagement/v4/productOfferingPrice",
    access: ALL,
    summary: "TMF620: the prices in force",
    list: (api, caller) => api.prices(caller),
  },
];
