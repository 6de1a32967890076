import type { OrganisationView } from "@weft/service-http/client";
import { must } from "../failure.ts";
import { UNKNOWN } from "../text.ts";
import { atMost, type Resource } from "./resource.ts";

export const organisations: Resource<OrganisationView> = {
  kind: "organisation",
  plural: "organisations",
  aliases: ["org", "orgs"],
  nameOf: (organisation) => organisation.id,
  columns: [
    { header: "ORGANISATION", cell: ({ id }) => id },
    { header: "KIND", cell: ({ kind }) => kind },
    { header: "ACCOUNT", cell: ({ account }) => account },
    {
      header: "MEMBERS",
      cell: ({ members }) => String(members.length),
      sort: ({ members }) => members.length,
    },
    { header: "KEYS", cell: ({ keys }) => String(keys.length), sort: ({ keys }) => keys.length },
    { header: "TOKENS", cell: ({ tokens }) => String(tokens.length), sort: ({ tokens }) => tokens.length },
    { header: "NAME", wide: true, cell: ({ name }) => name || UNKNOWN },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/organisations", {})).items, query),
  one: async (client, name) =>
    must(await client.call("GET /v1/organisations/{organisation}", { params: { organisation: name } })),
};

interface MemberRow {
  readonly organisation: string;
  readonly person: string;
  readonly role: string;
  readonly tokens: number;
}

export const members: Resource<MemberRow> = {
  kind: "member",
  plural: "members",
  aliases: ["me"],
  nameOf: ({ person }) => person,
  labelsOf: ({ organisation, role }) => ({ organisation, role }),
  columns: [
    { header: "MEMBER", cell: ({ person }) => person },
    { header: "ROLE", cell: ({ role }) => role },
    { header: "ORGANISATION", cell: ({ organisation }) => organisation },
    { header: "TOKENS", cell: ({ tokens }) => String(tokens), sort: ({ tokens }) => tokens },
  ],
  list: async (client, query) => {
    const { items } = must(await client.call("GET /v1/organisations", {}));
    const rows = items.flatMap(({ id, members: people, tokens }) =>
      people.map(({ person, role }) => ({
        organisation: id,
        person,
        role,
        tokens: tokens.filter((token) => token.person === person).length,
      })),
    );
    return atMost(rows, query);
  },
};
