import type { DomainView } from "@weft/service-http/client";
import { must } from "../failure.ts";
import { age, amount, known } from "../text.ts";
import { powerText } from "./nodes.ts";
import { atMost, type Column, type Resource } from "./resource.ts";

const power = (type: "logical" | "parallel" | "neural"): Column<DomainView> => ({
  header: type.toUpperCase(),
  cell: (domain) => known(domain.power, (best) => powerText(best[type], type)),
  sort: (domain) => domain.power?.[type] ?? null,
});

export const domains: Resource<DomainView> = {
  kind: "domain",
  plural: "domains",
  aliases: ["do"],
  nameOf: (domain) => domain.id,
  columns: [
    { header: "DOMAIN", cell: (domain) => domain.id },
    { header: "STATE", cell: (domain) => domain.state },
    { header: "AS", cell: (domain) => known(domain.node, String) },
    {
      header: "NODES",
      cell: (domain) => known(domain.nodes, String),
      sort: (domain) => domain.nodes,
    },
    power("logical"),
    power("parallel"),
    power("neural"),
    {
      header: "FROM/POP",
      cell: (domain) => amount(domain.prices?.petaOperation.logical),
      sort: ({ prices }) => (prices === null ? null : Number(prices.petaOperation.logical)),
    },
    { header: "VIA", cell: (domain) => known(domain.path, (path) => path.join(" > ")) },
    {
      header: "KNOWN",
      cell: (domain) => (domain.node === null ? "own" : known(domain.age, (old) => `${age(old)} ago`)),
    },
    { header: "SENT", cell: (domain) => String(domain.sent), sort: (domain) => domain.sent },
    { header: "TAKEN", cell: (domain) => String(domain.taken), sort: (domain) => domain.taken },
    {
      header: "OWED",
      cell: (domain) => amount(domain.owed),
      sort: ({ owed }) => (owed === null ? null : Number(owed)),
    },
    { header: "CREDIT", wide: true, cell: (domain) => amount(domain.credit) },
    { header: "RELATION", wide: true, cell: (domain) => known(domain.relation, String) },
    { header: "KEY", wide: true, cell: (domain) => domain.key },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/domains", {})).items, query),
};
