import type { Digest, Instant } from "@weft/kernel";
import type { OrganisationAct } from "@weft/market";
import type { Program } from "@weft/orchestration";
import type { TaskNeeds } from "@weft/scheduling";
import type { ContentReference, Role, TaskPhase } from "@weft/service";
import type { LogLine, TokenUse } from "./views.ts";

/*
 * What a manager is asked with, and how it answers: the words of the port (manager-api.ts).
 */

export type Awaitable<T> = T | Promise<T>;

export interface Subscription {
  close(): void;
}

/** A page of a list in a stable order; `next` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface PageQuery {
  /** At most this many items; the server bounds it before asking. */
  readonly limit: number;
  /** `next` of the page before; null: from the start. */
  readonly cursor: string | null;
}

/** Newest first; every member given must hold. */
export interface TaskQuery extends PageQuery {
  readonly name?: string;
  readonly phases?: readonly TaskPhase[];
  readonly node?: string;
  readonly labels?: LabelSelector;
}

export interface ContractQuery extends PageQuery {
  readonly task?: string;
  readonly node?: string;
}

/** All must hold, as in `team=bookkeeping,tier!=cloud,gpu`. */
export type LabelSelector = readonly LabelRequirement[];

export type LabelRequirement =
  | { readonly key: string; readonly is: "equal" | "unequal"; readonly value: string }
  | { readonly key: string; readonly is: "present" | "absent" };

export interface PlanRequest {
  readonly name: string;
  readonly needs: TaskNeeds;
  readonly program: Program;
  readonly contents: readonly ContentReference[];
}

export interface LogReading {
  readonly after: number;
  readonly follow: boolean;
  readonly tell: (line: LogLine) => void;
  readonly end: () => void;
}

export interface NewToken {
  readonly id: string;
  readonly digest: Digest;
  readonly use: TokenUse;
  readonly account: string;
  readonly role: Role;
  readonly note: string;
  readonly expiresAt: Instant | null;
  readonly person?: string;
  readonly acts?: readonly OrganisationAct[];
}
