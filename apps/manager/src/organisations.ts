import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { type Caller, type Command, type Manager, organisationOf, type TokenRow } from "@weft/service";
import type { OrganisationsApi, OrganisationView, TokenView } from "@weft/service-http";

type Core = Manager["core"];

const absent = (found: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", "no such organisation", { found, hint: "weft get organisations lists yours" });

/** A token as others see it: everything but its digest. */
export const tokenView = ({ digest: _, ...view }: TokenRow): TokenView => view;

function organisationView(core: Core, id: string): OrganisationView | null {
  const organisation = organisationOf(core, id);
  if (organisation === null) return null;
  const { name, kind, account, members } = organisation;
  const own = <T extends { readonly account: string }>(rows: Iterable<T>): T[] =>
    [...rows].filter((row) => row.account === account);
  return {
    id,
    name,
    kind,
    account,
    members,
    keys: own(core.keys.values()),
    tokens: own(core.tokens.values()).map(tokenView),
  };
}

/** Organisations over a live core: what changes goes through its commands and is durable once answered. */
export function liveOrganisations(
  core: () => Core,
  command: (command: Command) => Promise<Result<string>>,
): OrganisationsApi {
  const one = (caller: Caller, id: string): Result<OrganisationView> => {
    const view = organisationView(core(), id);
    const mine = view !== null && (caller.role === "manager" || view.account === caller.account);
    return mine ? ok(view) : absent(id);
  };
  const token = (id: string): Result<TokenView> => {
    const row = core().tokens.get(id);
    return row === undefined ? absent(id) : ok(tokenView(row));
  };
  return {
    list: (caller) =>
      core()
        .organisations.all(core())
        .filter(({ account }) => caller.role === "manager" || account === caller.account)
        .flatMap(({ id }) => organisationView(core(), id) ?? []),
    one,
    register: async (registration, proof, made) => {
      const answer = await command({ kind: "register-organisation", registration, proof, token: made });
      if (!answer.ok) return answer;
      const view = organisationView(core(), answer.value);
      return view === null ? absent(answer.value) : ok(view);
    },
    invite: async (caller, organisation, member, made) => {
      const answer = await command({ kind: "invite-member", caller, organisation, ...member, token: made });
      return answer.ok ? ok(member) : answer;
    },
    remove: async (caller, organisation, person) => {
      const before = one(caller, organisation);
      const answer = await command({ kind: "remove-member", caller, organisation, person });
      if (!answer.ok) return answer;
      const gone = before.ok ? before.value.members.find((member) => member.person === person) : undefined;
      return gone === undefined ? absent(person) : ok(gone);
    },
    issue: async (caller, organisation, acts, made) => {
      const answer = await command({ kind: "issue-member-token", caller, organisation, acts, token: made });
      return answer.ok ? token(answer.value) : answer;
    },
    rotate: async (caller, id, digest) => {
      const answer = await command({ kind: "rotate-token", caller, id, digest });
      return answer.ok ? token(answer.value) : answer;
    },
  };
}
