import type { Architecture } from "@weft/announcement";
import type { OrganisationRole } from "@weft/market";

/*
 * What flags may say, written out: help and completion stay quick when they load neither market nor announcement. That
 * each list is the whole one is checked by the compiler.
 */

const all =
  <Word extends string>() =>
  <const Words extends readonly Word[]>(
    ...words: Words & (Exclude<Word, Words[number]> extends never ? unknown : never)
  ): Words =>
    words;

/** By what they may do, most first. */
export const ROLES = all<OrganisationRole>()("owner", "admin", "billing", "member");
export const ARCHITECTURES = all<Architecture>()(
  "centralised",
  "link-state",
  "path-vector",
  "hybrid",
  "canopy",
);
