import { ok, type Refusal, refuse } from "@weft/kernel";
import { nodeCryptography } from "@weft/live";
import { type Organisation, register } from "@weft/market";
import type { OrganisationsApi, OrganisationView } from "../organisations/api.ts";

/** Organisations that answer the server's tests: registration is the market's own, the rest is held empty. */
export function memoryOrganisations(): OrganisationsApi {
  const known = new Map<string, Organisation>();
  const view = ({ id, name, kind, account, members }: Organisation): OrganisationView => ({
    id,
    name,
    kind,
    account,
    members,
    keys: [],
    tokens: [],
  });
  const absent = (found: string): { readonly ok: false; readonly refusal: Refusal } =>
    refuse("E_NOT_FOUND", "no such organisation", { found });
  return {
    list: ({ account }) => [...known.values()].filter((one) => one.account === account).map(view),
    one: (_, id) => absent(id),
    register: async (registration, proof, { id, note, expiresAt }) => {
      const made = register(registration, proof, 0 as never, nodeCryptography);
      if (!made.ok) return made;
      known.set(made.value.id, made.value);
      const { account, kind: role } = made.value;
      const token = { id, use: "api" as const, account, role, note, createdAt: 0 as never, expiresAt };
      return ok({ ...view(made.value), tokens: [token] });
    },
    invite: async (_, id) => absent(id),
    remove: async (_, id) => absent(id),
    issue: async (_, id) => absent(id),
    rotate: async (_, id) => absent(id),
  };
}
