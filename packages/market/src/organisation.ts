import {
  type Cryptography,
  canonicalText,
  type Digest,
  type Instant,
  ok,
  type PublicKey,
  type Refusal,
  type Result,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";
import type { AccountId } from "./ledger.ts";

/*
 * Who acts for an account. An organisation has members with roles, keys that sign for it and tokens that open the API.
 * A person with one phone registers as an organisation of one; an operator with thousands of nodes signs an
 * endorsement for each, offline, and registers no more often.
 */

export type OrganisationRole = "owner" | "admin" | "billing" | "member";

export type OrganisationAct =
  | "manage-members"
  | "manage-keys"
  | "manage-nodes"
  | "manage-offers"
  | "see-bills"
  | "withdraw"
  | "submit-tasks"
  | "see-tasks";

/** What each role may do. */
export const ROLE_ACTS: { readonly [role in OrganisationRole]: readonly OrganisationAct[] } = {
  owner: [
    "manage-members",
    "manage-keys",
    "manage-nodes",
    "manage-offers",
    "see-bills",
    "withdraw",
    "submit-tasks",
    "see-tasks",
  ],
  admin: ["manage-members", "manage-keys", "manage-nodes", "manage-offers", "submit-tasks", "see-tasks"],
  billing: ["see-bills", "withdraw", "see-tasks"],
  member: ["submit-tasks", "see-tasks"],
};

export interface Member {
  readonly person: string;
  readonly role: OrganisationRole;
}

export interface OrganisationKey {
  readonly key: PublicKey;
  readonly note: string;
  readonly addedAt: Instant;
}

export interface OrganisationToken {
  readonly id: string;
  /** SHA-256 of the token: the token itself is known to its holder alone. */
  readonly digest: Digest;
  readonly acts: readonly OrganisationAct[];
  readonly by: string;
  readonly expiresAt: Instant | null;
}

export interface Organisation {
  readonly id: string;
  readonly name: string;
  readonly kind: "consumer" | "provider" | "manager";
  readonly account: AccountId;
  readonly members: readonly Member[];
  readonly keys: readonly OrganisationKey[];
  readonly tokens: readonly OrganisationToken[];
}

export type OrganisationRefusal = Refusal<
  | "E_ORGANISATION_NAME"
  | "E_ORGANISATION_KEY_PROOF"
  | "E_ORGANISATION_FORBIDDEN"
  | "E_ORGANISATION_LAST_OWNER"
  | "E_ORGANISATION_LAST_KEY"
  | "E_ORGANISATION_NO_MEMBER"
  | "E_ORGANISATION_TOKEN"
>;

/** What somebody fills in to take part. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly kind: "consumer" | "provider";
  readonly owner: string;
  readonly key: PublicKey;
}

const registrationText = (registration: Registration): string =>
  canonicalText({ kind: "weft/registration/1", registration: { ...registration } });

/** Signs a registration with the key it brings: proof that whoever registers holds it. */
export const signRegistration = (registration: Registration, key: Signer): Signature =>
  key.sign(registrationText(registration));

/** Makes an organisation of one: nobody needs to be asked, and nobody can register another's key. */
export function register(
  registration: Registration,
  proof: Signature,
  at: Instant,
  cryptography: Cryptography,
): Result<Organisation, OrganisationRefusal> {
  const { id, name, kind, owner, key } = registration;
  if (!/^[a-z0-9][a-z0-9-]{1,62}$/.test(id) || name.trim() === "") {
    return refuse("E_ORGANISATION_NAME", "an id is 2 to 63 lower-case letters, digits and dashes", {
      path: name.trim() === "" ? "registration.name" : "registration.id",
      found: name.trim() === "" ? name : id,
      expected: "an id such as acme-video, and a name that is not empty",
      hint: "choose another",
    });
  }
  if (!cryptography.verify(key, registrationText(registration), proof)) {
    return refuse("E_ORGANISATION_KEY_PROOF", "the registration is not signed by the key it brings", {
      path: "proof",
      expected: `a signature of ${key}`,
      hint: "sign the registration exactly as it is sent",
    });
  }
  return ok({
    id,
    name,
    kind,
    account: `${kind}/${id}`,
    members: [{ person: owner, role: "owner" }],
    keys: [{ key, note: "registration", addedAt: at }],
    tokens: [],
  });
}

export type OrganisationCommand =
  | { readonly kind: "set-member"; readonly person: string; readonly role: OrganisationRole }
  | { readonly kind: "remove-member"; readonly person: string }
  | { readonly kind: "add-key"; readonly key: PublicKey; readonly note: string }
  | { readonly kind: "remove-key"; readonly key: PublicKey }
  | { readonly kind: "issue-token"; readonly token: Omit<OrganisationToken, "by"> }
  | { readonly kind: "revoke-token"; readonly id: string };

/** Whether a person may do this in the organisation. */
export function mayAct(organisation: Organisation, person: string, act: OrganisationAct): boolean {
  const member = organisation.members.find((candidate) => candidate.person === person);
  return member !== undefined && ROLE_ACTS[member.role].includes(act);
}

/** The organisation after a member's command, or why not. */
export function change(
  organisation: Organisation,
  by: string,
  command: OrganisationCommand,
  at: Instant,
): Result<Organisation, OrganisationRefusal> {
  const act: OrganisationAct =
    command.kind === "set-member" || command.kind === "remove-member" ? "manage-members" : "manage-keys";
  const own = command.kind === "issue-token" || command.kind === "revoke-token";
  const isMember = organisation.members.some(({ person }) => person === by);
  if (own ? !isMember : !mayAct(organisation, by, act)) {
    return refuse("E_ORGANISATION_FORBIDDEN", "this member may not do that", {
      path: "person",
      found: `${by}: ${command.kind}`,
      expected: `a member that may ${act}`,
      hint: "an owner may let it: weft org invite --role",
    });
  }
  switch (command.kind) {
    case "set-member":
    case "remove-member":
      return changeMembers(organisation, by, command);
    case "add-key":
    case "remove-key":
      return changeKeys(organisation, command, at);
    default:
      return changeTokens(organisation, by, command);
  }
}

function changeMembers(
  organisation: Organisation,
  by: string,
  command: OrganisationCommand & { kind: "set-member" | "remove-member" },
): Result<Organisation, OrganisationRefusal> {
  const { person } = command;
  const before = organisation.members.find((member) => member.person === person);
  const others = organisation.members.filter((member) => member.person !== person);
  const role = command.kind === "set-member" ? command.role : null;
  if (role === null && before === undefined) {
    return refuse("E_ORGANISATION_NO_MEMBER", "no such member", {
      path: "person",
      found: person,
      hint: "weft get members lists them",
    });
  }
  const touchesOwner = role === "owner" || before?.role === "owner";
  const actor = organisation.members.find((member) => member.person === by);
  if (touchesOwner && actor?.role !== "owner") {
    return refuse("E_ORGANISATION_FORBIDDEN", "only an owner makes or unmakes owners", {
      path: "person",
      found: by,
      expected: "an owner",
      hint: "ask an owner",
    });
  }
  const members = role === null ? others : [...others, { person, role }];
  if (!members.some((member) => member.role === "owner")) {
    return refuse("E_ORGANISATION_LAST_OWNER", "an organisation keeps at least one owner", {
      path: "person",
      found: person,
      expected: "another owner besides",
      hint: "make another member an owner first",
    });
  }
  // whoever leaves takes no door key along
  const tokens =
    role === null ? organisation.tokens.filter((token) => token.by !== person) : organisation.tokens;
  return ok({ ...organisation, members, tokens });
}

function changeKeys(
  organisation: Organisation,
  command: OrganisationCommand & { kind: "add-key" | "remove-key" },
  at: Instant,
): Result<Organisation, OrganisationRefusal> {
  const others = organisation.keys.filter(({ key }) => key !== command.key);
  if (command.kind === "add-key") {
    return ok({ ...organisation, keys: [...others, { key: command.key, note: command.note, addedAt: at }] });
  }
  if (others.length === 0) {
    return refuse("E_ORGANISATION_LAST_KEY", "an organisation keeps at least one key", {
      path: "key",
      found: command.key,
      expected: "another key besides",
      hint: "add another key first",
    });
  }
  return ok({ ...organisation, keys: others });
}

function changeTokens(
  organisation: Organisation,
  by: string,
  command: OrganisationCommand & { kind: "issue-token" | "revoke-token" },
): Result<Organisation, OrganisationRefusal> {
  if (command.kind === "revoke-token") {
    const token = organisation.tokens.find(({ id }) => id === command.id);
    if (token === undefined)
      return refuse("E_ORGANISATION_TOKEN", "no such token", {
        path: "id",
        found: command.id,
        hint: "weft get tokens lists them",
      });
    if (token.by !== by && !mayAct(organisation, by, "manage-keys")) {
      return refuse("E_ORGANISATION_FORBIDDEN", "another member's token", {
        path: "id",
        found: by,
        expected: token.by,
        hint: "who manages keys may revoke it",
      });
    }
    return ok({ ...organisation, tokens: organisation.tokens.filter(({ id }) => id !== command.id) });
  }
  const beyond = command.token.acts.find((act) => !mayAct(organisation, by, act));
  if (beyond !== undefined) {
    return refuse("E_ORGANISATION_FORBIDDEN", "a token gives no more than its maker may do", {
      path: "token.acts",
      found: beyond,
      expected: "acts that its maker may do",
      hint: "ask for fewer acts",
    });
  }
  if (organisation.tokens.some(({ id }) => id === command.token.id)) {
    return refuse("E_ORGANISATION_TOKEN", "this id is taken", {
      path: "token.id",
      found: command.token.id,
      hint: "choose another",
    });
  }
  return ok({ ...organisation, tokens: [...organisation.tokens, { ...command.token, by }] });
}
