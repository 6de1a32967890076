import {
  type Cryptography,
  type Currency,
  canonicalText,
  formatInstant,
  type Instant,
  type Micros,
  type Money,
  type PublicKey,
  type Refusal,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";
import type { AccountId } from "./ledger.ts";
import { type SignedOrder, verifyOrder } from "./order.ts";
import { checkPrices, type PricedCompute, type PriceList } from "./prices.ts";

/*
 * A contract binds three parties for one attempt at one task. The consumer has signed the order it stands
 * on; the manager signs the terms when it places the task; the provider countersigns before it runs anything.
 * Rules: docs/spec/contract.md.
 */

export interface Party {
  readonly account: AccountId;
  readonly key: PublicKey;
}

/** Shares are in millionths: 990_000 is 99 %. `penaltyPpm` is the share of the charge given back when it is missed. */
export type ServiceLevel =
  | { readonly kind: "completion"; readonly by: Instant; readonly penaltyPpm: number }
  | {
      readonly kind: "delay";
      readonly atMost: Micros;
      /** How many of the measured deliveries must be within it. */
      readonly sharePpm: number;
      readonly penaltyPpm: number;
    }
  | { readonly kind: "availability"; readonly atLeastPpm: number; readonly penaltyPpm: number };

export interface ContractTerms {
  readonly id: string;
  /** The mandate, whole: the contract can be checked by anyone, with nothing else at hand. */
  readonly order: SignedOrder;
  readonly task: string;
  /** 1 for the first contract of a task; each further placement has a contract and a number of its own. */
  readonly attempt: number;
  readonly consumer: Party;
  readonly provider: Party;
  readonly manager: Party;
  /** The node that runs it, and the key that signs its meter's records. */
  readonly node: { readonly id: string; readonly key: PublicKey };
  readonly compute: PricedCompute;
  readonly currency: Currency;
  /** The price list in force when it was made, and until it ends. */
  readonly prices: PriceList;
  /** The highest price, whatever is used. */
  readonly ceiling: Money;
  /** When the result is promised; null: no promise. */
  readonly completeBy: Instant | null;
  /** Promises whose breach costs the provider a share of the charge. */
  readonly levels?: readonly ServiceLevel[];
  readonly validFrom: Instant;
  /** The contract expires then, unless it ended before. */
  readonly validUntil: Instant;
}

/** The terms and who has signed them so far. */
export interface Contract {
  readonly terms: ContractTerms;
  readonly manager: Signature | null;
  readonly provider: Signature | null;
}

/** Where a contract is in its life (docs/spec/contract.md, K3). */
export type ContractState =
  | "requested"
  | "quoted"
  | "accepted"
  | "signed"
  | "active"
  | "fulfilled"
  | "breached"
  | "cancelled"
  | "expired"
  | "settled"
  | "disputed"
  | "resolved";

export type ContractRefusal = Refusal<
  | "E_ORDER_SIGNATURE"
  | "E_ORDER_BOUND"
  | "E_PRICE_NEGATIVE"
  | "E_CONTRACT_TASK"
  | "E_CONTRACT_PARTY"
  | "E_CONTRACT_CEILING"
  | "E_CONTRACT_TIME"
  | "E_CONTRACT_SIGNATURE"
>;

/** Terms never change once written, so the text of the same terms is made once. */
const texts = new WeakMap<ContractTerms, string>();

/** What manager and provider sign: one text for one set of terms, its kind inside it [K2.1]. */
export function contractText(terms: ContractTerms): string {
  let text = texts.get(terms);
  if (text === undefined) texts.set(terms, (text = writeTerms(terms)));
  return text;
}

const writeTerms = (terms: ContractTerms): string =>
  canonicalText({
    kind: "weft/contract/1",
    ...terms,
    order: { order: { ...terms.order.order }, signature: terms.order.signature },
    consumer: { ...terms.consumer },
    provider: { ...terms.provider },
    manager: { ...terms.manager },
    node: { ...terms.node },
    prices: { ...terms.prices, petaOperation: { ...terms.prices.petaOperation } },
    levels: terms.levels?.map((level) => ({ ...level })),
  });

/** One party's signature under the terms. */
export const signContract = (terms: ContractTerms, signer: Signer): Signature =>
  signer.sign(contractText(terms));

/** null when the terms stay within the order [K2.2 to K2.5] and the order is sound. Looks at no signature but the order's. */
export function verifyTerms(terms: ContractTerms, cryptography: Cryptography): ContractRefusal | null {
  const { order } = terms.order;
  const unsound = verifyOrder(terms.order, cryptography);
  if (unsound !== null) return unsound;
  if (terms.consumer.key !== order.consumer) {
    return refuse("E_CONTRACT_PARTY", "the consumer is not the one who ordered", {
      path: "consumer.key",
      found: terms.consumer.key,
      expected: order.consumer,
    }).refusal;
  }
  if (terms.ceiling < 0n || terms.ceiling > order.payAtMost) {
    return refuse("E_CONTRACT_CEILING", "the highest price is outside the order", {
      path: "ceiling",
      found: String(terms.ceiling),
      expected: `0 to ${order.payAtMost}`,
      hint: "the order names what its contract may cost at most",
    }).refusal;
  }
  if (terms.validFrom > order.notAfter || terms.validUntil <= terms.validFrom) {
    return refuse("E_CONTRACT_TIME", "begins after the order has lapsed, or ends before it begins", {
      path: "validFrom",
      found: `${formatInstant(terms.validFrom)} to ${formatInstant(terms.validUntil)}`,
      expected: `from ${formatInstant(order.notAfter)} at the latest, to a later moment`,
      hint: "the order names the last moment that a contract may begin",
    }).refusal;
  }
  const prices = checkPrices(terms.prices);
  return prices.ok ? null : prices.refusal;
}

/**
 * null when the contract binds all three: the order is the consumer's, the terms stay within it, and manager
 * and provider signed exactly these terms [K2.6]. Needs nothing but the contract, so anyone can check it offline.
 */
export function verifyContract(contract: Contract, cryptography: Cryptography): ContractRefusal | null {
  const { terms } = contract;
  const outside = verifyTerms(terms, cryptography);
  if (outside !== null) return outside;
  const text = contractText(terms);
  for (const role of ["manager", "provider"] as const) {
    const signature = contract[role];
    if (signature === null || !cryptography.verify(terms[role].key, text, signature)) {
      return refuse("E_CONTRACT_SIGNATURE", `the ${role} did not sign these terms`, {
        path: role,
        found: signature ?? "no signature",
        expected: `a signature of ${terms[role].key}`,
      }).refusal;
    }
  }
  return null;
}

/** null when the contract is about the task with this digest: a contract swapped for another's is refused [K2.7]. */
export function verifyTaskOf(contract: Contract, taskDigest: string): ContractRefusal | null {
  if (contract.terms.order.order.taskDigest === taskDigest) return null;
  return refuse("E_CONTRACT_TASK", "the contract is about another task", {
    path: "order.taskDigest",
    found: contract.terms.order.order.taskDigest,
    expected: taskDigest,
  }).refusal;
}
