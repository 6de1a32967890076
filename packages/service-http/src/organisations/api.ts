import type { Result, Signature } from "@weft/kernel";
import type { Member, OrganisationAct, OrganisationRole, Registration } from "@weft/market";
import type { Caller, NewMemberToken } from "@weft/service";
import type { Awaitable } from "../asked.ts";
import type { KeyView, TokenView } from "../views.ts";

/** Who acts for an account; keys and tokens without their secrets. */
export interface OrganisationView {
  readonly id: string;
  readonly name: string;
  readonly kind: "consumer" | "provider" | "manager";
  readonly account: string;
  readonly members: readonly Member[];
  readonly keys: readonly KeyView[];
  readonly tokens: readonly TokenView[];
}

/** Organisations as the server asks for them. Callers see their own, managers all; secrets stay with the server. */
export interface OrganisationsApi {
  list(caller: Caller): Awaitable<readonly OrganisationView[]>;
  one(caller: Caller, id: string): Awaitable<Result<OrganisationView>>;
  /** Open to anybody who proves the key it brings. `token` becomes the owner's. */
  register(
    registration: Registration,
    proof: Signature,
    token: NewMemberToken,
  ): Promise<Result<OrganisationView>>;
  /** Makes a member or changes its role; `token` is for a new member. */
  invite(
    caller: Caller,
    id: string,
    member: { readonly person: string; readonly role: OrganisationRole },
    token: NewMemberToken | null,
  ): Promise<Result<Member>>;
  remove(caller: Caller, id: string, person: string): Promise<Result<Member>>;
  issue(
    caller: Caller,
    id: string,
    acts: readonly OrganisationAct[],
    token: NewMemberToken,
  ): Promise<Result<TokenView>>;
  /** The token opens with the secret of this digest from now on, and with its former one no more. */
  rotate(caller: Caller, token: string, digest: string): Promise<Result<TokenView>>;
}
