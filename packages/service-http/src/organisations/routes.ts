import { type Member, type OrganisationAct, type OrganisationRole, ROLE_ACTS } from "@weft/market";
import { z } from "zod";
import type { Route } from "../route.ts";
import { issuedToken, keyView, tokenView } from "../wire/market.ts";
import { instant, publicKey, signature } from "../wire/quantities.ts";
import type { OrganisationView } from "./api.ts";

type IssuedToken = z.output<typeof issuedToken>;

const ALL = ["consumer", "provider", "manager"] as const;
const ACTS = ROLE_ACTS.owner as readonly [OrganisationAct, ...OrganisationAct[]];
const ROLES = Object.keys(ROLE_ACTS) as [OrganisationRole, ...OrganisationRole[]];

const id = () =>
  z.string().regex(/^[a-z0-9][a-z0-9-]{1,62}$/, "2 to 63 lower-case letters, digits and dashes");
const person = () => z.string().min(1).max(128);
const role = () =>
  z.enum(ROLES).describe("owner, admin, billing or member; docs/guides/market.md says what each may do.");
const acts = () => z.array(z.enum(ACTS)).max(ACTS.length);

const member: z.ZodType<Member> = z.looseObject({ person: z.string(), role: role() });

export const organisationView: z.ZodType<OrganisationView> = z.looseObject({
  id: z.string(),
  name: z.string(),
  kind: z.enum(["consumer", "provider", "manager"]),
  account: z.string(),
  members: z.array(member),
  keys: z.array(keyView),
  tokens: z.array(tokenView),
});

const list = <T>(item: z.ZodType<T>): z.ZodType<{ readonly items: readonly T[] }> =>
  z.looseObject({ items: z.array(item) });
const registered: z.ZodType<{ readonly organisation: OrganisationView; readonly token: IssuedToken }> =
  z.looseObject({ organisation: organisationView, token: issuedToken });
const invited: z.ZodType<{ readonly member: Member; readonly token: IssuedToken | null }> = z.looseObject({
  member,
  token: issuedToken.nullable(),
});

const organisationParams = z.strictObject({ organisation: z.string().min(1).max(128) });
const memberParams = organisationParams.extend({ person: person() });
const memberTokenParams = organisationParams.extend({ token: z.string().min(1).max(128) });

const registrationBody = z.strictObject({
  registration: z.strictObject({
    id: id(),
    name: z.string().trim().min(1).max(200),
    kind: z.enum(["consumer", "provider"]),
    owner: person(),
    key: publicKey().describe("Signs for the account from now on."),
  }),
  proof: signature().describe(
    'By that key, of the canonical text {"kind":"weft/registration/1","registration":REGISTRATION}.',
  ),
});
const memberBody = z.strictObject({
  person: person(),
  role: role(),
  token: z
    .boolean()
    .default(true)
    .describe("Whether a token is made for the member; its secret is told once."),
});
const memberTokenBody = z.strictObject({
  acts: acts().optional().describe("What it opens; all that its maker may do unless said otherwise."),
  note: z.string().max(200).default(""),
  expiresAt: instant().nullable().default(null),
});

/** Organisations, their members and tokens; part of the one table of routes. */
export const ORGANISATION_ROUTES = {
  "POST /v1/organisations": {
    access: "anyone",
    summary: "Register an organisation of one; needs no token but the key it brings",
    body: registrationBody,
    answer: registered,
    status: 201,
  },
  "GET /v1/organisations": {
    access: ALL,
    summary: "Organisations: one's own, for a manager all",
    answer: list(organisationView),
  },
  "GET /v1/organisations/{organisation}": {
    access: ALL,
    summary: "One organisation",
    params: organisationParams,
    answer: organisationView,
  },
  "GET /v1/organisations/{organisation}/members": {
    access: ALL,
    summary: "Its members and their roles",
    params: organisationParams,
    answer: list(member),
  },
  "POST /v1/organisations/{organisation}/members": {
    access: ALL,
    act: "manage-members",
    summary: "Take in a member, or change its role; a token's secret is told once",
    params: organisationParams,
    body: memberBody,
    answer: invited,
    status: 201,
  },
  "DELETE /v1/organisations/{organisation}/members/{person}": {
    access: ALL,
    act: "manage-members",
    summary: "Let a member go, its tokens and keys with it",
    params: memberParams,
    answer: member,
  },
  "GET /v1/organisations/{organisation}/tokens": {
    access: ALL,
    summary: "Its tokens, without their secrets",
    params: organisationParams,
    answer: list(tokenView),
  },
  "POST /v1/organisations/{organisation}/tokens": {
    access: ALL,
    summary: "Make a token that opens no more than its maker may do; its secret is told once",
    params: organisationParams,
    body: memberTokenBody,
    answer: issuedToken,
    status: 201,
  },
  "DELETE /v1/organisations/{organisation}/tokens/{token}": {
    access: ALL,
    summary: "Revoke one of its tokens",
    params: memberTokenParams,
    answer: tokenView,
  },
  "POST /v1/tokens/{token}/rotate": {
    access: ALL,
    summary: "A new secret for a token, told once; the former one opens nothing from now on",
    params: z.strictObject({ token: z.string().min(1).max(128) }),
    answer: issuedToken,
  },
} as const satisfies Readonly<Record<string, Route>>;
