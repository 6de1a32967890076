import { readFileSync } from "node:fs";
import { readDocument } from "@weft/service-http";
import { parseDocument } from "yaml";
import { z } from "zod";
import { casesOfAnnouncement } from "../announcement/scenario.ts";
import { casesOf } from "../network/scenario.ts";
import type { Prepared } from "../study.ts";
import { buildAnnouncementScenario } from "./announcement.ts";
import { buildCellScenario } from "./cells.ts";
import { ScenarioFiles, troubleOf } from "./files.ts";
import { buildPricingStudy, buildTrustStudy, pricingScenario, trustScenario } from "./market.ts";
import { buildNetworkScenario } from "./network.ts";
import { checked, FieldProblems, ScenarioRefused } from "./problems.ts";
import { announcementScenario, cellScenario, networkScenario } from "./schema.ts";

/** A value put in the place of a scenario's own: `network.rate=10Gbps`. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Reads `path.to.field=value`; the value is YAML. Throws `ScenarioRefused` on anything else. */
export function parseSetting(text: string): Setting {
  const at = text.indexOf("=");
  if (at < 1)
    throw new ScenarioRefused([`--set: found "${text}", expected path.to.field=value  [E_ARGUMENT]`]);
  return { path: text.slice(0, at).split("."), value: parseDocument(text.slice(at + 1)).toJS() };
}

/**
 * Reads and checks a scenario file, and every file it names. Throws `ScenarioRefused` with everything that is wrong.
 * `settings` replace fields; a field or entry set to null is left out, one behind the last of a list is added.
 */
export function readScenario(path: string, settings: readonly Setting[] = []): Prepared {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ScenarioRefused([`${path}: ${troubleOf(error)}  [E_FILE]`]);
  }
  return prepareScenario(text, path, settings);
}

/** The same for a text; `path` names it, and the files it names are relative to it. */
export function prepareScenario(text: string, path: string, settings: readonly Setting[] = []): Prepared {
  const amend = (source: unknown): unknown => settings.reduce(amended, source);
  const anyStudy = z.looseObject({
    kind: z.literal("Scenario"),
    study: z.enum(["network", "cells", "announcement", "pricing", "trust"]),
  });
  const { study } = checked(readDocument(text, path, anyStudy, amend)).value;
  if (study === "network") {
    const { value, lineOf } = checked(readDocument(text, path, networkScenario, amend));
    const problems = new FieldProblems(path, lineOf);
    const data = buildNetworkScenario(value, new ScenarioFiles(path), problems);
    problems.check();
    return { study, ...named(value.metadata), cases: casesOf(data), data };
  }
  if (study === "announcement") {
    const { value, lineOf } = checked(readDocument(text, path, announcementScenario, amend));
    const problems = new FieldProblems(path, lineOf);
    const data = buildAnnouncementScenario(value, new ScenarioFiles(path), problems);
    return { study, ...named(value.metadata), cases: casesOfAnnouncement(data), data };
  }
  if (study === "pricing") {
    const { value } = checked(readDocument(text, path, pricingScenario, amend));
    const data = buildPricingStudy(value);
    return { study, ...named(value.metadata), cases: value.mechanisms, data };
  }
  if (study === "trust") {
    const { value } = checked(readDocument(text, path, trustScenario, amend));
    const cases = value.policies.map(({ name }) => name);
    return { study, ...named(value.metadata), cases, data: buildTrustStudy(value) };
  }
  const { value, lineOf } = checked(readDocument(text, path, cellScenario, amend));
  const data = buildCellScenario(value, new FieldProblems(path, lineOf));
  return { study, ...named(value.metadata), cases: value.tiers, data };
}

const named = ({ name, title }: { readonly name: string; readonly title?: string | undefined }) => ({
  name,
  title: title ?? name,
});

function amended(source: unknown, { path, value }: Setting): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(source)) {
    const at = Number(step);
    if (!Number.isInteger(at) || at < 0 || at > source.length)
      throw new ScenarioRefused([`--set: no entry ${step} in a list of ${source.length}  [E_ARGUMENT]`]);
    if (rest.length === 0 && value === null) return source.filter((_, i) => i !== at);
    return [...source.slice(0, at), amended(source[at], { path: rest, value }), ...source.slice(at + 1)];
  }
  const record = (typeof source === "object" && source !== null ? source : {}) as Record<string, unknown>;
  if (rest.length === 0 && value === null) {
    const { [step]: _, ...left } = record;
    return left;
  }
  return { ...record, [step]: amended(record[step], { path: rest, value }) };
}
