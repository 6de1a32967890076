import type { Digest, PublicKey, Result, Signature } from "@weft/kernel";
import type { SignedTreeHead } from "@weft/market";
import type { Caller } from "@weft/service";
import type { Awaitable } from "../asked.ts";

/** One line of the log, and where it stands. */
export interface LogEntryView {
  readonly index: number;
  readonly entry: string;
}

/** That a line stands in the log: `proof` leads from it to the head's root (RFC 9162, 2.1.3). */
export interface InclusionView extends LogEntryView {
  readonly proof: readonly Digest[];
  readonly head: SignedTreeHead;
}

/** That the log of `second` lines begins with that of `first` (RFC 9162, 2.1.4). */
export interface ConsistencyView {
  readonly first: number;
  readonly second: number;
  readonly proof: readonly Digest[];
}

/** The manager's log as anyone may read it. Nothing of it is shown before it is durable. */
export interface LogApi {
  /** The latest head; refused while there is none. */
  head(): Awaitable<Result<SignedTreeHead>>;
  /** The latest heads with who stands by them, newest first. */
  heads(): Awaitable<readonly SignedTreeHead[]>;
  /** Lines from `first` on, at most `limit`, of those under the latest head. */
  entries(first: number, limit: number): Awaitable<readonly LogEntryView[]>;
  /** The proof for one line, or for the line of a contract that the caller may see, under the latest head. */
  inclusion(
    caller: Caller,
    of: { readonly index: number } | { readonly contract: string },
  ): Awaitable<Result<InclusionView>>;
  consistency(first: number, second: number): Awaitable<Result<ConsistencyView>>;
  /** A witness stands by the kept head of that size. */
  cosign(size: number, witness: PublicKey, signature: Signature): Promise<Result<SignedTreeHead>>;
}
