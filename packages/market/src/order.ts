import {
  type Cryptography,
  canonicalText,
  type Digest,
  type Instant,
  type Money,
  type PublicKey,
  type Refusal,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";

/**
 * The consumer's mandate: whoever holds it may run this task for this consumer, for at most this price, until
 * this moment. A contract outside it is void; a contract within it needs no further word from the consumer.
 */
export interface Order {
  /** Chosen by the consumer, unique for ever: the same order submitted again is the same task. */
  readonly id: string;
  readonly consumer: PublicKey;
  /** SHA-256 of the task's canonical text. */
  readonly taskDigest: Digest;
  readonly payAtMost: Money;
  /** No contract under this order may begin later. */
  readonly notAfter: Instant;
}

export interface SignedOrder {
  readonly order: Order;
  readonly signature: Signature;
}

export type OrderRefusal = Refusal<"E_ORDER_SIGNATURE" | "E_ORDER_BOUND">;

/** What the consumer signs. The kind stands inside the text, so no other paper's signature ever fits it [K1.1]. */
const orderText = (order: Order): string => canonicalText({ kind: "weft/order/1", ...order });

/** Signs an order with the consumer's key; the key must be the one that the order names. */
export const signOrder = (order: Order, consumer: Signer): SignedOrder => ({
  order,
  signature: consumer.sign(orderText(order)),
});

/** null when the order is sound: signed by the consumer it names [K1.2], its price not negative [K1.3]. */
export function verifyOrder(signed: SignedOrder, cryptography: Cryptography): OrderRefusal | null {
  const { order, signature } = signed;
  if (order.payAtMost < 0n) {
    return refuse("E_ORDER_BOUND", "an order cannot ask to be paid", {
      path: "order.payAtMost",
      found: String(order.payAtMost),
      expected: "0 or more",
      hint: "name the most that it may cost; 0 is what costs nothing",
    }).refusal;
  }
  if (!cryptography.verify(order.consumer, orderText(order), signature)) {
    return refuse("E_ORDER_SIGNATURE", "the consumer did not sign this order", {
      path: "signature",
      expected: `a signature of ${order.consumer}`,
      hint: "sign the order exactly as it is sent, with the key that it names",
    }).refusal;
  }
  return null;
}
