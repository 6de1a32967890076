import { misused } from "../failure.ts";
import { applications } from "./applications.ts";
import { domains } from "./domains.ts";
import { links } from "./links.ts";
import { accounts, contracts, keys, offers, sites, tokens, usage } from "./market.ts";
import { nodes } from "./nodes.ts";
import { members, organisations } from "./organisations.ts";
import type { AnyResource } from "./resource.ts";
import { tasks } from "./tasks.ts";

/** Everything `weft get` knows, in the order in which it is listed. */
export const RESOURCES: readonly AnyResource[] = [
  nodes,
  links,
  sites,
  domains,
  tasks,
  applications,
  contracts,
  usage,
  accounts,
  offers,
  tokens,
  keys,
  organisations,
  members,
];

/** A resource by its name in singular or plural, or an alias. */
export async function resourceNamed(word: string): Promise<AnyResource> {
  const asked = word.toLowerCase();
  const found = RESOURCES.find(
    ({ kind, plural, aliases }) => kind === asked || plural === asked || aliases.includes(asked),
  );
  if (found !== undefined) return found;
  const hint = await nearestOf(
    asked,
    RESOURCES.map(({ plural }) => plural),
  );
  throw misused(
    `no resource "${word}": expected one of ${RESOURCES.map(({ plural }) => plural).join(", ")}`,
    hint,
  );
}

/** A hint at what a mistyped word most likely meant; undefined where no word is close. */
export async function nearestOf(word: string, candidates: readonly string[]): Promise<string | undefined> {
  const { nearest } = await import("@weft/service-http/manifest");
  const close = nearest(word, candidates);
  return close === null ? undefined : `did you mean ${close}?`;
}
