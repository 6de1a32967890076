import { type Digest, type Instant, MINUTE, ok, type Refusal, type Result, refuse, ZERO } from "@weft/kernel";
import {
  type AccountId,
  change,
  type Member,
  type Organisation,
  type OrganisationAct,
  type OrganisationCommand,
  type OrganisationRole,
  type Registration,
  ROLE_ACTS,
  register,
} from "@weft/market";
import type { Caller } from "../resources.ts";
import type { AccountRow, StoreState, TokenRow } from "../store.ts";
import { type Core, store } from "./core.ts";

/*
 * Who acts for an account, as the manager keeps it. Name and members of an organisation are a document; its keys and
 * tokens are the rows that orders and requests are checked by, so nothing is kept twice. An account that was opened
 * without registration is an organisation of one owner, and whoever bears a token that names no person acts as that owner.
 */

/** A token's own part, made by whoever hands the secret out: the manager keeps its digest alone. */
export interface NewMemberToken {
  readonly id: string;
  readonly digest: Digest;
  readonly note: string;
  readonly expiresAt: Instant | null;
}

export type OrganisationsCommand =
  | {
      readonly kind: "register-organisation";
      readonly registration: Registration;
      readonly proof: string;
      /** Of the owner, with all that an owner may do. */
      readonly token: NewMemberToken;
    }
  | {
      readonly kind: "invite-member";
      readonly caller: Caller;
      readonly organisation: string;
      readonly person: string;
      readonly role: OrganisationRole;
      /** null: the member has one already, only the role changes. */
      readonly token: NewMemberToken | null;
    }
  | {
      readonly kind: "remove-member";
      readonly caller: Caller;
      readonly organisation: string;
      readonly person: string;
    }
  | {
      readonly kind: "issue-member-token";
      readonly caller: Caller;
      readonly organisation: string;
      readonly acts: readonly OrganisationAct[];
      readonly token: NewMemberToken;
    }
  | { readonly kind: "rotate-token"; readonly caller: Caller; readonly id: string; readonly digest: Digest };

/** What is kept of an organisation beside its rows. */
interface Kept {
  readonly id: string;
  readonly name: string;
  readonly kind: Organisation["kind"];
  readonly account: AccountId;
  readonly members: readonly Member[];
}

const COLLECTION = "organisation";
const FIRST_OWNER = "owner";
/** Registration asks nobody, so a flood of it is slowed down. */
const MOST_REGISTRATIONS = 60;
const REGISTRATIONS_IN = MINUTE;

export class Organisations {
  readonly #byId = new Map<string, Kept>();
  readonly #idOfAccount = new Map<AccountId, string>();
  /** When the latest were registered, oldest first. */
  #registered: Instant[] = [];

  constructor(state: StoreState) {
    for (const row of state.documents) if (row.collection === COLLECTION) this.keep(row.body as Kept);
  }

  keep(kept: Kept): void {
    this.#byId.set(kept.id, kept);
    this.#idOfAccount.set(kept.account, kept.id);
  }

  /** Of every account but the system's, by id. */
  all(core: Pick<Core, "books">): readonly Kept[] {
    const every = core.books.accounts.map((account) => this.ofAccount(account));
    return every.filter((kept) => kept !== null).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  find(core: Pick<Core, "books">, id: string): Kept | null {
    return this.#byId.get(id) ?? this.ofAccount(core.books.account(id));
  }

  ofAccount(account: AccountRow | undefined): Kept | null {
    if (account === undefined || account.role === "system") return null;
    const registered = this.#byId.get(this.#idOfAccount.get(account.id) ?? "");
    if (registered !== undefined) return registered;
    const { id, name, role: kind } = account;
    return { id, name, kind, account: id, members: [{ person: FIRST_OWNER, role: "owner" }] };
  }

  /** Whether one more may be registered now; counts it. */
  admits(now: Instant): boolean {
    this.#registered = this.#registered.filter((at) => at > now - REGISTRATIONS_IN);
    if (this.#registered.length >= MOST_REGISTRATIONS) return false;
    this.#registered.push(now);
    return true;
  }
}

type Readable = Pick<Core, "books" | "keys" | "tokens" | "organisations">;

/** An organisation as the market knows it, put together from its document and its rows; null when there is none. */
export function organisationOf(core: Readable, id: string): Organisation | null {
  const kept = core.organisations.find(core, id);
  if (kept === null) return null;
  const owner = kept.members.find(({ role }) => role === "owner")?.person ?? FIRST_OWNER;
  return {
    ...kept,
    keys: [...core.keys.values()]
      .filter(({ account }) => account === kept.account)
      .map(({ key, note, addedAt }) => ({ key, note, addedAt })),
    tokens: [...core.tokens.values()]
      .filter(({ account, use }) => account === kept.account && use === "api")
      .map(({ id: token, digest, acts, person, expiresAt }) => ({
        id: token,
        digest,
        acts: acts ?? ROLE_ACTS.owner,
        by: person ?? owner,
        expiresAt,
      })),
  };
}

/** What a token's bearer may do now: within what its member may still do. null: everything of its account's role. */
export function actsOf(core: Readable, token: TokenRow): readonly OrganisationAct[] | null {
  if (token.person === undefined) return null;
  const kept = core.organisations.ofAccount(core.books.account(token.account));
  const member = kept?.members.find(({ person }) => person === token.person);
  if (member === undefined) return [];
  const may = ROLE_ACTS[member.role];
  return (token.acts ?? may).filter((act) => may.includes(act));
}

/** Carries out a command about organisations; the answer is the id of what it made or changed. */
export function organisationsCommand(core: Core, now: Instant, asked: OrganisationsCommand): Result<string> {
  switch (asked.kind) {
    case "register-organisation":
      return enrol(core, now, asked);
    case "invite-member":
      return invite(core, now, asked);
    case "remove-member":
      return dismiss(core, now, asked);
    case "issue-member-token":
      return issue(core, now, asked);
    case "rotate-token":
      return rotate(core, asked);
  }
}

type Asked<K extends OrganisationsCommand["kind"]> = OrganisationsCommand & { readonly kind: K };

function enrol(core: Core, now: Instant, asked: Asked<"register-organisation">): Result<string> {
  const { registration, proof, token } = asked;
  const made = register(registration, proof, now, core.options.cryptography);
  if (!made.ok) return made;
  const { id, name, kind, account, members } = made.value;
  if (organisationOf(core, id) !== null || core.books.account(account) !== undefined) {
    return refuse("E_CONFLICT", "there is an organisation of this id already", {
      path: "registration.id",
      found: id,
      hint: "choose another id; a member of that one may invite you",
    });
  }
  if (core.keys.has(registration.key)) {
    return refuse("E_KEY_TAKEN", "the key speaks for another account", {
      path: "registration.key",
      found: registration.key,
      hint: "register with a key of its own",
    });
  }
  const closed = core.options.registration === "closed";
  if (closed)
    return refuse("E_FORBIDDEN", "this network takes nobody who was not invited", {
      hint: "ask its manager for an account and a token",
    });
  if (!core.organisations.admits(now)) {
    return refuse("E_TOO_MANY", "too many registrations just now", { hint: "try again in a minute" });
  }
  const { currency } = core.options;
  store(core, core.books.open({ id: account, name, role: kind, limit: ZERO, currency, createdAt: now }));
  keep(core, now, { id, name, kind, account, members });
  const key = {
    key: registration.key,
    account,
    note: "registration",
    addedAt: now,
    person: registration.owner,
  };
  core.keys.set(key.key, key);
  store(core, [{ kind: "put-key", row: key }]);
  return putToken(core, now, made.value, registration.owner, ROLE_ACTS.owner, token, id);
}

function keep(core: Core, now: Instant, { id, name, kind, account, members }: Kept): void {
  const body: Kept = { id, name, kind, account, members };
  core.organisations.keep(body);
  store(core, [{ kind: "put-document", row: { collection: COLLECTION, id, body, at: now } }]);
}

const absent = (what: string, found: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", `no such ${what}`, { found, hint: `weft get ${what}s lists what there is` });

/** The organisation after a command of its member, and who that member is; others' are not there for the caller. */
function changed(
  core: Core,
  now: Instant,
  caller: Caller,
  id: string,
  command: OrganisationCommand,
): Result<{ readonly organisation: Organisation; readonly by: string }> {
  const organisation = organisationOf(core, id);
  if (organisation === null || organisation.account !== caller.account) return absent("organisation", id);
  const owner = organisation.members.find(({ role }) => role === "owner")?.person ?? FIRST_OWNER;
  const by = caller.person ?? owner;
  const after = change(organisation, by, command, now);
  return after.ok ? ok({ organisation: after.value, by }) : after;
}

function invite(core: Core, now: Instant, asked: Asked<"invite-member">): Result<string> {
  const { caller, organisation: id, person, role, token } = asked;
  const after = changed(core, now, caller, id, { kind: "set-member", person, role });
  if (!after.ok) return after;
  keep(core, now, after.value.organisation);
  if (token === null) return ok(person);
  return putToken(core, now, after.value.organisation, person, ROLE_ACTS[role], token, person);
}

function dismiss(core: Core, now: Instant, asked: Asked<"remove-member">): Result<string> {
  const { caller, organisation: id, person } = asked;
  const after = changed(core, now, caller, id, { kind: "remove-member", person });
  if (!after.ok) return after;
  const { organisation } = after.value;
  keep(core, now, organisation);
  // Whoever leaves takes along neither a token that opens the API nor a key that signs for the account.
  for (const row of [...core.tokens.values()]) {
    if (row.account !== organisation.account || row.person !== person) continue;
    core.tokens.delete(row.id);
    core.tokensByDigest.delete(row.digest);
    store(core, [{ kind: "remove-token", id: row.id }]);
  }
  for (const row of [...core.keys.values()]) {
    if (row.account !== organisation.account || row.person !== person) continue;
    core.keys.delete(row.key);
    store(core, [{ kind: "remove-key", id: row.key }]);
  }
  return ok(person);
}

function issue(core: Core, now: Instant, asked: Asked<"issue-member-token">): Result<string> {
  const { caller, organisation: id, acts, token } = asked;
  const beyond = acts.find((act) => caller.acts !== undefined && !caller.acts.includes(act));
  if (beyond !== undefined) {
    return refuse("E_ORGANISATION_FORBIDDEN", "a token gives no more than the one that made it", {
      path: "acts",
      found: beyond,
      expected: "acts that the token in use may do",
      hint: "ask for fewer acts, or use another token",
    });
  }
  const { digest, expiresAt } = token;
  const after = changed(core, now, caller, id, {
    kind: "issue-token",
    token: { id: token.id, digest, acts, expiresAt },
  });
  if (!after.ok) return after;
  return putToken(core, now, after.value.organisation, after.value.by, acts, token, token.id);
}

function putToken(
  core: Core,
  now: Instant,
  { account, kind: role }: Organisation,
  person: string,
  acts: readonly OrganisationAct[],
  token: NewMemberToken,
  answer: string,
): Result<string> {
  if (core.tokensByDigest.has(token.digest) || core.tokens.has(token.id)) {
    return refuse("E_CONFLICT", "there is such a token already", { path: "token", hint: "make another" });
  }
  const row: TokenRow = { ...token, use: "api", account, role, createdAt: now, person, acts };
  core.tokens.set(row.id, row);
  core.tokensByDigest.set(row.digest, row);
  store(core, [{ kind: "put-token", row }]);
  return ok(answer);
}

/** A new secret under the same id; the old one opens nothing from now on. */
function rotate(core: Core, { caller, id, digest }: Asked<"rotate-token">): Result<string> {
  const row = core.tokens.get(id);
  if (row === undefined || !mayTouch(caller, row)) return absent("token", id);
  if (core.tokensByDigest.has(digest)) {
    return refuse("E_CONFLICT", "there is such a token already", { path: "digest", hint: "make another" });
  }
  const fresh: TokenRow = { ...row, digest };
  core.tokens.set(id, fresh);
  core.tokensByDigest.delete(row.digest);
  core.tokensByDigest.set(digest, fresh);
  store(core, [{ kind: "put-token", row: fresh }]);
  return ok(id);
}

/** Whether a caller may take back a token or a key: its own, its organisation's where it manages keys, any as the manager. */
export function mayTouch(
  caller: Caller,
  { account, person }: { readonly account: AccountId; readonly person?: string },
): boolean {
  if (caller.role === "manager" && caller.acts === undefined) return true;
  if (account !== caller.account) return false;
  return caller.acts === undefined || caller.acts.includes("manage-keys") || person === caller.person;
}
