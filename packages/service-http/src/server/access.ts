import { createHash, randomBytes } from "node:crypto";
import type { Digest, Refusal } from "@weft/kernel";
import type { OrganisationAct } from "@weft/market";
import type { Caller } from "@weft/service";
import type { Awaitable } from "../asked.ts";
import type { Access } from "../route.ts";
import { UNAUTHENTICATED } from "./errors.ts";

/** A token's two kinds by their prefix, so that a leaked one is recognised and a mistaken one explained. */
const PREFIX = { api: "wt_", join: "wj_" } as const;
const TOKEN = /^w[tj]_[A-Za-z0-9_-]{43}$/;

/** A new secret of 256 random bits: hashed once it needs no salt. */
export const newSecret = (use: keyof typeof PREFIX): string =>
  PREFIX[use] + randomBytes(32).toString("base64url");

/** What is kept of a token, and what it is found by. */
export const tokenDigest = (secret: string): Digest => createHash("sha256").update(secret).digest("hex");

export type Admission =
  | { readonly ok: true; readonly caller: Caller | null }
  | { readonly ok: false; readonly refusal: Refusal };

/** Whether the bearer of an Authorization header may pass; `caller` is null only where none is needed. */
export async function admit(
  access: Access,
  authorization: string | undefined,
  fromThisMachine: boolean,
  authenticate: (digest: Digest) => Awaitable<Caller | null>,
  act?: OrganisationAct,
): Promise<Admission> {
  if (access === "anyone" || (access === "local" && fromThisMachine)) return { ok: true, caller: null };
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) return { ok: false, refusal: UNAUTHENTICATED };
  const caller = TOKEN.test(token) ? await authenticate(tokenDigest(token)) : null;
  if (caller === null) return { ok: false, refusal: { ...UNAUTHENTICATED, message: wrongToken(token) } };
  const roles = access === "local" ? ["manager"] : access;
  if (act !== undefined && caller.acts !== undefined && !caller.acts.includes(act)) {
    return { ok: false, refusal: beyondToken(caller, act) };
  }
  if (roles.includes(caller.role)) return { ok: true, caller };
  return {
    ok: false,
    refusal: {
      code: "E_FORBIDDEN",
      message: `not for a ${caller.role}`,
      found: caller.role,
      expected: roles.join(" or "),
      hint: `use a token of the role ${roles.join(" or ")}`,
    },
  };
}

const beyondToken = ({ person, acts }: Caller, act: OrganisationAct): Refusal => ({
  code: "E_FORBIDDEN",
  message: `not for ${person ?? "this token"}`,
  found: acts?.join(", ") || "nothing",
  expected: act,
  hint: "ask an owner of the organisation for another role or token",
});

const wrongToken = (token: string): string =>
  token.startsWith(PREFIX.join)
    ? "a join token lets a node join; it does not open the API"
    : "unknown, revoked or expired token";

/** Whether a peer's address is this machine itself. */
export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(?:127\.|::1$|::ffff:127\.)/.test(address);
