import type { Sent } from "./channel.ts";

/**
 * Many-to-many messages by subject: what managers and gateways talk over. At most once and unordered between
 * publishers; in order from one publisher to one subscriber. A message published while the bus is away is lost.
 */
export interface Bus {
  /** Sends to everybody who listens on the subject, itself included. Refused when too large or when it cannot keep up. */
  publish(subject: string, message: Uint8Array): Sent;
  /** Listens until the returned function is called. The bytes are the listener's own. */
  subscribe(subject: string, listener: (message: Uint8Array) => void): () => void;
  /** Resolves once all subscriptions made so far are in force at the other side. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Largest message any bus takes. */
export const BUS_MESSAGE_BYTES = 512 * 1024;

/** Subjects are words of letters, digits and a few signs, joined by dots: the same on every bus. No wildcards. */
export const isSubject = (subject: string): boolean =>
  subject.length <= 512 && /^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/.test(subject);
