import { formatBytes, formatInstant } from "@weft/kernel";
import type {
  AccountView,
  ContractView,
  KeyView,
  OfferView,
  SiteView,
  TokenView,
  UsageView,
} from "@weft/service-http/client";
import { must } from "../failure.ts";
import { age, amount, known, percent, since, time, UNKNOWN } from "../text.ts";
import { atMost, gather, type Resource } from "./resource.ts";

const page = (limit: number | null) => ({
  limit: limit === null ? 1000 : Math.min(1000, Math.max(1, limit)),
});

export const contracts: Resource<ContractView> = {
  kind: "contract",
  plural: "contracts",
  aliases: ["co"],
  subject: "contract",
  nameOf: (contract) => contract.id,
  columns: [
    { header: "CONTRACT", cell: (contract) => contract.id },
    { header: "STATE", cell: (contract) => contract.state },
    { header: "TASK", cell: (contract) => contract.task },
    { header: "NODE", cell: (contract) => contract.node },
    { header: "AT-MOST", cell: ({ ceiling }) => amount(ceiling), sort: ({ ceiling }) => Number(ceiling) },
    {
      header: "CHARGED",
      cell: ({ charged }) => amount(charged),
      sort: ({ charged }) => (charged === null ? null : Number(charged)),
    },
    {
      header: "OPENED",
      cell: (contract, now) => `${since(now, contract.openedAt)} ago`,
      sort: (contract) => -contract.openedAt,
    },
    { header: "CONSUMER", wide: true, cell: (contract) => contract.consumer },
    { header: "PROVIDER", wide: true, cell: (contract) => contract.provider },
    { header: "CLOSED", wide: true, cell: (contract) => contract.closedBecause ?? UNKNOWN },
    { header: "PENALTY", wide: true, cell: ({ penalty }) => amount(penalty) },
    {
      header: "DUE",
      wide: true,
      cell: ({ completeBy }) => known(completeBy, (at) => formatInstant(at).slice(0, 19)),
    },
  ],
  list: (client, { limit }) => gather(client.all("GET /v1/contracts", page(limit)), limit),
  one: async (client, name) =>
    must(await client.call("GET /v1/contracts/{contract}", { params: { contract: name } })),
};

export const usage: Resource<UsageView> = {
  kind: "usage",
  plural: "usage",
  aliases: ["us"],
  nameOf: (record) => record.id,
  columns: [
    { header: "RECORD", cell: (record) => record.id },
    { header: "TASK", cell: (record) => record.task },
    { header: "NODE", cell: (record) => record.usage.record.node },
    {
      header: "CPU",
      cell: (record) => time(record.usage.record.cpuTime),
      sort: (record) => record.usage.record.cpuTime,
    },
    {
      header: "WALL",
      cell: (record) => time(record.usage.record.wallTime),
      sort: (record) => record.usage.record.wallTime,
    },
    {
      header: "IN",
      cell: (record) => formatBytes(record.usage.record.inputBytes),
      sort: (record) => record.usage.record.inputBytes,
    },
    {
      header: "OUT",
      cell: (record) => formatBytes(record.usage.record.outputBytes),
      sort: (record) => record.usage.record.outputBytes,
    },
    {
      header: "CHARGE",
      cell: (record) => amount(record.charge.total),
      sort: (record) => Number(record.charge.total),
    },
    {
      header: "AGE",
      cell: (record, now) => since(now, record.receivedAt),
      sort: (record) => -record.receivedAt,
    },
    { header: "OUTCOME", wide: true, cell: (record) => record.usage.record.outcome },
    { header: "CONTRACT", wide: true, cell: (record) => record.usage.record.contract },
  ],
  list: (client, { limit }) => gather(client.all("GET /v1/usage", page(limit)), limit),
};

export const accounts: Resource<AccountView> = {
  kind: "account",
  plural: "accounts",
  aliases: ["ac"],
  nameOf: (account) => account.id,
  columns: [
    { header: "ACCOUNT", cell: (account) => account.id },
    { header: "ROLE", cell: (account) => account.role },
    {
      header: "BALANCE",
      cell: ({ balance }) => amount(balance.posted),
      sort: ({ balance }) => Number(balance.posted),
    },
    {
      header: "HELD",
      cell: ({ balance }) => amount(balance.held),
      sort: ({ balance }) => Number(balance.held),
    },
    {
      header: "AVAILABLE",
      cell: ({ balance }) => (balance.available === null ? "no limit" : amount(balance.available)),
      sort: ({ balance }) => (balance.available === null ? null : Number(balance.available)),
    },
    { header: "CURRENCY", cell: (account) => account.currency },
    { header: "NAME", wide: true, cell: (account) => account.name },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/accounts", {})).items, query),
};

/** Whether and how long something is sold: `now`, `for 3 h` until it closes, or why not. */
function onSale({ accepting, conditions }: OfferView): string {
  if (conditions !== null && conditions.openFor === 0) return "closed";
  if (!accepting) return "not now";
  const bounded = conditions !== null && (conditions.windows.length > 0 || conditions.validUntil !== null);
  return bounded ? `for ${age(conditions.openFor)}` : "now";
}

function lengths(conditions: OfferView["conditions"]): string {
  if (conditions === null || (conditions.shortest === 0 && conditions.longest === null)) return "any";
  const { shortest, longest } = conditions;
  return `${shortest === 0 ? "" : `from ${time(shortest)}`}${longest === null ? "" : ` to ${time(longest)}`}`.trim();
}

export const offers: Resource<OfferView> = {
  kind: "offer",
  plural: "offers",
  aliases: ["of"],
  nameOf: (offer) => offer.node,
  labelsOf: ({ node, tier, provider, region, grade }) => ({ node, tier, provider, region, grade }),
  columns: [
    { header: "NODE", cell: (offer) => offer.node },
    { header: "TIER", cell: (offer) => offer.tier },
    { header: "REGION", cell: (offer) => offer.region },
    { header: "GRADE", cell: (offer) => offer.grade },
    { header: "ON SALE", cell: onSale },
    {
      header: "PRICING",
      cell: ({ conditions }) =>
        conditions === null ? "posted" : `${conditions.pricing.kind} ${percent(conditions.ppm / 1e6)}`,
    },
    { header: "LOGICAL/POP", cell: ({ prices }) => amount(prices.petaOperation.logical) },
    { header: "PARALLEL/PFLOP", cell: ({ prices }) => amount(prices.petaOperation.parallel) },
    { header: "NEURAL/PFLOP", cell: ({ prices }) => amount(prices.petaOperation.neural) },
    { header: "MEMORY/GiB-h", cell: ({ prices }) => amount(prices.memoryGibHour) },
    { header: "MOVED/GB", cell: ({ prices }) => amount(prices.transferGb) },
    { header: "STORAGE/GiB-h", wide: true, cell: ({ prices }) => amount(prices.storageGibHour) },
    { header: "PATH/Gbps-h", wide: true, cell: ({ prices }) => amount(prices.bandwidthGbpsHour) },
    { header: "LEAST", wide: true, cell: ({ prices }) => amount(prices.perTask) },
    { header: "LENGTH", wide: true, cell: ({ conditions }) => lengths(conditions) },
    {
      header: "REPUTATION",
      wide: true,
      cell: ({ reputation }) => percent(reputation),
      sort: (offer) => offer.reputation,
    },
    { header: "RUNS", wide: true, cell: (offer) => offer.runs.join(",") || "none" },
    { header: "PROVIDER", wide: true, cell: (offer) => offer.provider },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/offers", {})).items, query),
};

export const sites: Resource<SiteView> = {
  kind: "site",
  plural: "sites",
  aliases: ["si"],
  nameOf: (site) => site.id,
  labelsOf: (site) => ({ domain: site.domain }),
  columns: [
    { header: "SITE", cell: (site) => site.id },
    { header: "DOMAIN", cell: (site) => site.domain },
    { header: "GATEWAY", cell: (site) => known(site.gateway, String) },
    { header: "NODES", cell: (site) => site.nodes.join(",") || "none", sort: (site) => site.nodes.length },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/sites", {})).items, query),
};

export const tokens: Resource<TokenView> = {
  kind: "token",
  plural: "tokens",
  aliases: ["to"],
  nameOf: (token) => token.id,
  columns: [
    { header: "TOKEN", cell: (token) => token.id },
    { header: "OPENS", cell: (token) => (token.use === "join" ? "joining" : "the API") },
    { header: "ROLE", cell: (token) => token.role },
    { header: "ACCOUNT", cell: (token) => token.account },
    { header: "MEMBER", wide: true, cell: (token) => token.person ?? UNKNOWN },
    { header: "ACTS", wide: true, cell: (token) => token.acts?.join(",") ?? "all of its role" },
    { header: "NOTE", cell: (token) => token.note || UNKNOWN },
    { header: "AGE", cell: (token, now) => since(now, token.createdAt), sort: (token) => -token.createdAt },
    {
      header: "EXPIRES",
      cell: ({ expiresAt }) => (expiresAt === null ? "never" : new Date(expiresAt / 1000).toISOString()),
    },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/tokens", {})).items, query),
};

export const keys: Resource<KeyView> = {
  kind: "key",
  plural: "keys",
  aliases: ["ke"],
  nameOf: (key) => key.key,
  columns: [
    { header: "KEY", cell: (key) => key.key },
    { header: "ACCOUNT", cell: (key) => key.account },
    { header: "NOTE", cell: (key) => key.note || UNKNOWN },
    { header: "AGE", cell: (key, now) => since(now, key.addedAt), sort: (key) => -key.addedAt },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/keys", {})).items, query),
};
