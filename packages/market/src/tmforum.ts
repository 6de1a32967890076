import { type Currency, formatInstant, formatMoney, type Instant, type Money } from "@weft/kernel";
import type { Invoice } from "./billing.ts";
import type { Contract } from "./contract.ts";
import type { Offer } from "./offer.ts";
import { type Charge, priceEntries } from "./prices.ts";
import type { UsageRecord } from "./usage.ts";

/*
 * The market in the shapes that operators' systems speak: TM Forum Open APIs v4, 620 catalogue, 622 ordering, 635
 * usage, 678 customer bill. One way only: our own documents are what counts. Amounts become decimal numbers here and
 * nowhere else, because these schemas have no other form for money.
 */

export interface TmfMoney {
  readonly unit: Currency;
  readonly value: number;
}
interface TmfParty {
  readonly id: string;
  readonly role: string;
  readonly "@referredType": string;
}
interface TmfReference {
  readonly id: string;
  readonly href?: string;
  readonly name?: string;
}
interface TmfTimePeriod {
  readonly startDateTime: string;
  readonly endDateTime?: string;
}

export interface TmfUsage {
  readonly id: string;
  readonly href: string;
  readonly "@type": "Usage";
  readonly usageDate: string;
  readonly usageType: string;
  readonly description: string;
  readonly status: "received" | "rejected" | "rated" | "billed";
  readonly usageCharacteristic: readonly {
    readonly name: string;
    readonly valueType: string;
    readonly value: unknown;
  }[];
  readonly ratedProductUsage: readonly {
    readonly isBilled: boolean;
    readonly ratingDate: string;
    readonly ratingAmountType: string;
    readonly usageRatingTag: "usage";
    readonly taxExcludedRatingAmount: TmfMoney;
  }[];
  readonly relatedParty: readonly TmfParty[];
}

export const moneyOf = (amount: Money, unit: Currency): TmfMoney => ({
  unit,
  value: Number(formatMoney(amount)),
});
export const partyOf = (id: string, role: string): TmfParty => ({
  id,
  role,
  "@referredType": "Organization",
});
export const hrefOf = (api: string, resource: string, id: string): string =>
  `/tmf-api/${api}/v4/${resource}/${encodeURIComponent(id)}`;

/** A metered run as TMF635 Usage. `rated` is null where the record was refused or is not rated yet. */
export function tmfUsage(
  record: UsageRecord,
  contract: Contract,
  rated: { readonly charge: Charge; readonly at: Instant; readonly billed: boolean } | null,
  status: "received" | "rejected" | "rated" | "billed",
): TmfUsage {
  const { terms } = contract;
  const characteristic = (name: string, valueType: string, value: unknown) => ({ name, valueType, value });
  return {
    id: record.id,
    href: hrefOf("usageManagement", "usage", record.id),
    "@type": "Usage",
    usageDate: formatInstant(record.endedAt),
    usageType: terms.compute,
    description: `run of ${terms.task} on ${terms.node.id}`,
    status,
    usageCharacteristic: [
      characteristic("contract", "string", record.contract),
      characteristic("cpuTimeMicroseconds", "number", record.cpuTime),
      characteristic("wallTimeMicroseconds", "number", record.wallTime),
      // beyond what a JSON number holds exactly
      characteristic("operations", "string", String(record.operations)),
      characteristic("memoryByteMicroseconds", "string", String(record.memoryTime)),
      characteristic("storageByteMicroseconds", "string", String(record.storageTime)),
      characteristic("inputBytes", "number", record.inputBytes),
      characteristic("outputBytes", "number", record.outputBytes),
    ],
    ratedProductUsage:
      rated === null
        ? []
        : rated.charge.lines.map((line) => ({
            isBilled: rated.billed,
            ratingDate: formatInstant(rated.at),
            ratingAmountType: line.what,
            usageRatingTag: "usage" as const,
            taxExcludedRatingAmount: moneyOf(line.amount, terms.currency),
          })),
    relatedParty: [partyOf(terms.consumer.account, "consumer"), partyOf(terms.provider.account, "provider")],
  };
}

export interface TmfCustomerBill {
  readonly id: string;
  readonly href: string;
  readonly "@type": "CustomerBill";
  readonly billNo: string;
  readonly billDate: string;
  readonly runType: "onCycle";
  readonly state: "new" | "validated" | "sent" | "partiallyPaid" | "settled";
  readonly billingAccount: TmfReference;
  readonly billingPeriod: TmfTimePeriod;
  readonly amountDue: TmfMoney;
  readonly remainingAmount: TmfMoney;
  readonly taxExcludedAmount: TmfMoney;
  readonly taxIncludedAmount: TmfMoney;
  readonly taxItem: readonly { readonly taxCategory: string; readonly taxAmount: TmfMoney }[];
  readonly relatedParty: readonly TmfParty[];
}

/** An invoice as TMF678 CustomerBill. `remaining` is what of it has not been paid yet. */
export function tmfCustomerBill(
  invoice: Invoice,
  remaining: Money,
  state: TmfCustomerBill["state"],
): TmfCustomerBill {
  const { currency, period } = invoice;
  const taxes = invoice.adjustments.filter(({ kind }) => kind === "tax");
  const tax = taxes.reduce((sum, { amount }) => sum + amount, 0n);
  return {
    id: invoice.id,
    href: hrefOf("customerBillManagement", "customerBill", invoice.id),
    "@type": "CustomerBill",
    billNo: String(invoice.number),
    billDate: formatInstant(invoice.issuedAt),
    runType: "onCycle",
    state,
    billingAccount: { id: invoice.account },
    billingPeriod: { startDateTime: formatInstant(period.from), endDateTime: formatInstant(period.to) },
    amountDue: moneyOf(invoice.total, currency),
    remainingAmount: moneyOf(remaining, currency),
    taxExcludedAmount: moneyOf((invoice.total - tax) as Money, currency),
    taxIncludedAmount: moneyOf(invoice.total, currency),
    taxItem: taxes.map(({ name, amount }) => ({ taxCategory: name, taxAmount: moneyOf(amount, currency) })),
    relatedParty: [partyOf(invoice.account, "customer")],
  };
}

export interface TmfAppliedRate {
  readonly id: string;
  readonly href: string;
  readonly "@type": "AppliedCustomerBillingRate";
  readonly date: string;
  readonly name: string;
  readonly description: string;
  readonly type: string;
  readonly isBilled: true;
  readonly bill: TmfReference;
  readonly taxExcludedAmount: TmfMoney;
}

/** An invoice's lines as TMF678 AppliedCustomerBillingRate. */
export const tmfAppliedRates = (invoice: Invoice): readonly TmfAppliedRate[] =>
  invoice.lines.map((line) => ({
    id: line.billable,
    href: hrefOf("customerBillManagement", "appliedCustomerBillingRate", line.billable),
    "@type": "AppliedCustomerBillingRate",
    date: formatInstant(line.at),
    name: line.billable,
    description: line.description,
    type: line.late ? "late usage" : "usage",
    isBilled: true,
    bill: { id: invoice.id },
    taxExcludedAmount: moneyOf(line.amount, invoice.currency),
  }));

export type TmfOrderState =
  | "acknowledged"
  | "rejected"
  | "pending"
  | "held"
  | "inProgress"
  | "cancelled"
  | "completed"
  | "failed";

export interface TmfProductOrder {
  readonly id: string;
  readonly href: string;
  readonly "@type": "ProductOrder";
  readonly externalId: string;
  readonly orderDate: string;
  readonly requestedStartDate: string;
  readonly expectedCompletionDate?: string;
  readonly completionDate?: string;
  readonly state: TmfOrderState;
  readonly agreement: readonly TmfReference[];
  readonly billingAccount: TmfReference;
  readonly productOrderItem: readonly {
    readonly id: string;
    readonly quantity: number;
    readonly action: "add";
    readonly state: TmfOrderState;
    readonly productOffering: TmfReference;
    readonly itemTotalPrice: readonly {
      readonly name: string;
      readonly priceType: "usage";
      readonly price: { readonly taxIncludedAmount: TmfMoney };
    }[];
  }[];
  readonly relatedParty: readonly TmfParty[];
}

export interface TmfProductOffering {
  readonly id: string;
  readonly href: string;
  readonly "@type": "ProductOffering";
  readonly name: string;
  readonly description: string;
  readonly isBundle: false;
  readonly isSellable: boolean;
  readonly lifecycleStatus: "Active" | "Retired";
  readonly validFor?: TmfTimePeriod;
  readonly place: readonly (TmfReference & { readonly "@referredType": string })[];
  readonly productOfferingPrice: readonly (TmfReference & { readonly "@referredType": string })[];
}

export interface TmfProductOfferingPrice {
  readonly id: string;
  readonly href: string;
  readonly "@type": "ProductOfferingPrice";
  readonly name: string;
  readonly priceType: "usage" | "oneTime";
  readonly lifecycleStatus: "Active";
  readonly price: TmfMoney;
  readonly unitOfMeasure: { readonly amount: number; readonly units: string };
}

/** What one unit of each price stands for. */
const UNITS: Readonly<Record<string, readonly [amount: number, units: string]>> = {
  "petaOperation.logical": [1e15, "operation"],
  "petaOperation.parallel": [1e15, "operation"],
  "petaOperation.neural": [1e15, "operation"],
  memoryGibHour: [1, "GiB·h"],
  storageGibHour: [1, "GiB·h"],
  transferGb: [1, "GB"],
  bandwidthGbpsHour: [1, "Gbit/s·h"],
  perTask: [1, "task"],
};

/** An offer as TMF620 ProductOffering; its prices are `tmfOfferingPrices`. */
export function tmfProductOffering(offer: Offer, onSale: boolean, now: Instant): TmfProductOffering {
  const ended = offer.validUntil !== null && offer.validUntil <= now;
  return {
    id: offer.id,
    href: hrefOf("productCatalogManagement", "productOffering", offer.id),
    "@type": "ProductOffering",
    name: offer.node,
    description: `${offer.grade} computing power (${offer.compute.join(", ")}) in ${offer.region}`,
    isBundle: false,
    isSellable: onSale && !ended,
    lifecycleStatus: ended ? "Retired" : "Active",
    ...(offer.validUntil === null
      ? {}
      : {
          validFor: {
            startDateTime: formatInstant(0 as Instant),
            endDateTime: formatInstant(offer.validUntil),
          },
        }),
    place: [{ id: offer.region, name: offer.region, "@referredType": "GeographicLocation" }],
    productOfferingPrice: priceEntries(offer.prices).map(([name]) => ({
      id: `${offer.id}.${name}`,
      "@referredType": "ProductOfferingPrice",
    })),
  };
}

/** An offer's prices as TMF620 ProductOfferingPrice. */
export const tmfOfferingPrices = (offer: Offer, currency: Currency): readonly TmfProductOfferingPrice[] =>
  priceEntries(offer.prices).map(([name, price]) => {
    const [amount, units] = UNITS[name] ?? [1, name];
    const id = `${offer.id}.${name}`;
    return {
      id,
      href: hrefOf("productCatalogManagement", "productOfferingPrice", id),
      "@type": "ProductOfferingPrice",
      name,
      priceType: name === "perTask" ? "oneTime" : "usage",
      lifecycleStatus: "Active",
      price: moneyOf(price, currency),
      unitOfMeasure: { amount, units },
    };
  });

/** What happened, as a CloudEvent (CloudEvents 1.0, JSON format). */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: unknown;
}

/** `type` is such as `dev.weft.contract.settled`; `source` the manager's URI; the same `id` is the same event. */
export const cloudEvent = (
  event: { readonly id: string; readonly type: string; readonly subject: string; readonly at: Instant },
  source: string,
  data: unknown,
): CloudEvent => ({
  specversion: "1.0",
  id: event.id,
  source,
  type: event.type,
  subject: event.subject,
  time: formatInstant(event.at),
  datacontenttype: "application/json",
  data,
});
