import { type BitsPerSecond, formatBitRate } from "@weft/kernel";
import type { LinkView } from "@weft/service";
import { failed, must } from "../failure.ts";
import { age, known, percent, time } from "../text.ts";
import { atMost, type Resource } from "./resource.ts";

export const linkName = ({ state }: LinkView): string => `${state.from}>${state.to}`;

export const links: Resource<LinkView> = {
  kind: "link",
  plural: "links",
  aliases: ["li"],
  subject: "link",
  nameOf: linkName,
  labelsOf: ({ state }) => ({ from: state.from, to: state.to, security: state.security }),
  columns: [
    { header: "LINK", cell: linkName },
    { header: "STATE", cell: ({ state }) => (state.up ? "up" : "down") },
    { header: "DELAY", cell: ({ state }) => time(state.delay), sort: ({ state }) => state.delay },
    { header: "JITTER", cell: ({ state }) => time(state.jitter), sort: ({ state }) => state.jitter },
    { header: "LOSS", cell: ({ state }) => percent(state.loss), sort: ({ state }) => state.loss },
    {
      header: "RATE",
      cell: ({ state }) => known(state.capacity, formatBitRate),
      sort: ({ state }) => state.capacity,
    },
    {
      header: "RESERVED",
      cell: ({ reservedBps }) => formatBitRate(reservedBps as BitsPerSecond),
      sort: (link) => link.reservedBps,
    },
    { header: "SECURITY", cell: ({ state }) => state.security },
    {
      header: "KNOWN",
      cell: (link) => `${age(link.age)} ago`,
      sort: (link) => link.age,
    },
    { header: "BIT-ERRORS", wide: true, cell: ({ state }) => known(state.bitErrorRate, String) },
    {
      header: "SPECTRUM",
      wide: true,
      cell: ({ state }) =>
        state.radio === null ? "no radio" : known(state.radio.availableSpectrumHz, (hz) => `${hz / 1e6} MHz`),
    },
    {
      header: "STATION-POWER",
      wide: true,
      cell: ({ state }) =>
        state.radio === null ? "no radio" : known(state.radio.baseStationPower, (watts) => `${watts} W`),
    },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/links", {})).items, query),
  one: async (client, name) => {
    const found = must(await client.call("GET /v1/links", {})).items.find((link) => linkName(link) === name);
    if (found === undefined)
      throw failed(
        "E_NOT_FOUND",
        `no link "${name}"`,
        "weft get links lists what there is; quote a name: 'a>b'",
      );
    return found;
  },
};
