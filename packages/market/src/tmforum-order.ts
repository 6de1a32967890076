import { type Currency, formatInstant, type Instant, type Money } from "@weft/kernel";
import type { AccountId } from "./ledger.ts";
import { hrefOf, moneyOf, partyOf, type TmfOrderState, type TmfProductOrder } from "./tmforum.ts";

/** The one offering that tasks are ordered by: computing power wherever it fits best, at that node's price. */
export const TASK_OFFERING = "task";

/** What is known of an order for one task, placed or not. */
export interface TaskOrderFacts {
  readonly id: string;
  /** The id of the consumer's signed order. */
  readonly order: string;
  readonly state: TmfOrderState;
  readonly consumer: AccountId;
  readonly provider: AccountId | null;
  readonly orderedAt: Instant;
  readonly completeBy: Instant | null;
  readonly finishedAt: Instant | null;
  readonly atMost: Money;
  readonly currency: Currency;
  /** Contracts made under it so far. */
  readonly contracts: readonly string[];
}

/** A task as TMF622 ProductOrder of one item; the contracts under it are its agreements. */
export function tmfTaskOrder(facts: TaskOrderFacts): TmfProductOrder {
  const { id, state, orderedAt, completeBy, finishedAt, currency } = facts;
  return {
    id,
    href: hrefOf("productOrderingManagement", "productOrder", id),
    "@type": "ProductOrder",
    externalId: facts.order,
    orderDate: formatInstant(orderedAt),
    requestedStartDate: formatInstant(orderedAt),
    ...(completeBy === null ? {} : { expectedCompletionDate: formatInstant(completeBy) }),
    ...(finishedAt === null ? {} : { completionDate: formatInstant(finishedAt) }),
    state,
    agreement: facts.contracts.map((contract) => ({ id: contract })),
    billingAccount: { id: facts.consumer },
    productOrderItem: [
      {
        id: "1",
        quantity: 1,
        action: "add",
        state,
        productOffering: {
          id: TASK_OFFERING,
          href: hrefOf("productCatalogManagement", "productOffering", TASK_OFFERING),
        },
        itemTotalPrice: [
          {
            name: "ceiling",
            priceType: "usage",
            price: { taxIncludedAmount: moneyOf(facts.atMost, currency) },
          },
        ],
      },
    ],
    relatedParty: [
      partyOf(facts.consumer, "consumer"),
      ...(facts.provider === null ? [] : [partyOf(facts.provider, "provider")]),
    ],
  };
}
