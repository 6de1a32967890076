import { randomBytes } from "node:crypto";
import { ok, refuse } from "@weft/kernel";
import { ROLE_ACTS } from "@weft/market";
import type { NewMemberToken } from "@weft/service";
import { newSecret, tokenDigest } from "../server/access.ts";
import type { Handlers } from "../server/handler.ts";
import type { TokenView } from "../views.ts";
import type { ORGANISATION_ROUTES } from "./routes.ts";

/** A token that nobody knows yet: its secret leaves with the answer alone. */
function fresh(note: string, expiresAt: NewMemberToken["expiresAt"]) {
  const secret = newSecret("api");
  const id = `t${randomBytes(6).toString("hex")}`;
  return { secret, token: { id, digest: tokenDigest(secret), note, expiresAt } };
}

const told = (view: TokenView | undefined, secret: string) =>
  view === undefined ? null : { ...view, secret };

/** One handler for each route of organisations. */
export const ORGANISATION_HANDLERS: Handlers<keyof typeof ORGANISATION_ROUTES> = {
  "POST /v1/organisations": async ({ organisations }, { body: { registration, proof } }) => {
    const { secret, token } = fresh("registration", null);
    const made = await organisations.register(registration, proof, token);
    if (!made.ok) return made;
    const view = made.value.tokens.find(({ id }) => id === token.id) as TokenView;
    return ok({ organisation: made.value, token: { ...view, secret } });
  },
  "GET /v1/organisations": async ({ organisations }, { caller }) =>
    ok({ items: await organisations.list(caller) }),
  "GET /v1/organisations/{organisation}": ({ organisations }, { caller, params }) =>
    organisations.one(caller, params.organisation),
  "GET /v1/organisations/{organisation}/members": async ({ organisations }, { caller, params }) => {
    const one = await organisations.one(caller, params.organisation);
    return one.ok ? ok({ items: one.value.members }) : one;
  },
  "POST /v1/organisations/{organisation}/members": async ({ organisations }, { caller, params, body }) => {
    const { person, role } = body;
    const made = body.token ? fresh(`for ${person}`, null) : null;
    const member = await organisations.invite(
      caller,
      params.organisation,
      { person, role },
      made?.token ?? null,
    );
    if (!member.ok || made === null) return member.ok ? ok({ member: member.value, token: null }) : member;
    const one = await organisations.one(caller, params.organisation);
    const view = one.ok ? one.value.tokens.find(({ id }) => id === made.token.id) : undefined;
    return ok({ member: member.value, token: told(view, made.secret) });
  },
  "DELETE /v1/organisations/{organisation}/members/{person}": ({ organisations }, { caller, params }) =>
    organisations.remove(caller, params.organisation, params.person),
  "GET /v1/organisations/{organisation}/tokens": async ({ organisations }, { caller, params }) => {
    const one = await organisations.one(caller, params.organisation);
    return one.ok ? ok({ items: one.value.tokens }) : one;
  },
  "POST /v1/organisations/{organisation}/tokens": async ({ organisations }, { caller, params, body }) => {
    const { secret, token } = fresh(body.note, body.expiresAt);
    const acts = body.acts ?? caller.acts ?? ROLE_ACTS.owner;
    const made = await organisations.issue(caller, params.organisation, acts, token);
    return made.ok ? ok({ ...made.value, secret }) : made;
  },
  "DELETE /v1/organisations/{organisation}/tokens/{token}": async (manager, { caller, params }) => {
    const one = await manager.organisations.one(caller, params.organisation);
    if (!one.ok) return one;
    if (one.value.tokens.some(({ id }) => id === params.token))
      return manager.revokeToken(caller, params.token);
    return refuse("E_NOT_FOUND", `no token "${params.token}"`, {
      hint: "weft get tokens lists what there is",
    });
  },
  "POST /v1/tokens/{token}/rotate": async (manager, { caller, params }) => {
    const known = (await manager.tokens(caller)).find(({ id }) => id === params.token);
    if (known === undefined) {
      return refuse("E_NOT_FOUND", `no token "${params.token}"`, {
        hint: "weft get tokens lists what there is",
      });
    }
    const secret = newSecret(known.use);
    const made = await manager.organisations.rotate(caller, params.token, tokenDigest(secret));
    return made.ok ? ok({ ...made.value, secret }) : made;
  },
};
