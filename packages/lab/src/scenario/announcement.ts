import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import type { Micros } from "@weft/kernel";
import {
  type AnnouncementNetwork,
  type AnnouncementScenario,
  ARCHITECTURES,
} from "../announcement/scenario.ts";
import { readGraphml } from "../importers/graphml.ts";
import { readSndlib } from "../importers/sndlib.ts";
import { type Topology, uniqueNames } from "../topology.ts";
import type { ScenarioFiles } from "./files.ts";
import { type FieldProblems, imported } from "./problems.ts";
import type { AnnouncementDocument } from "./schema.ts";
import { generatedTopology } from "./topology.ts";

const FORMATS = /\.(graphml|json)$/;

/** A checked scenario of announcing as what the study reads. Networks are named by their files, or by how they are generated. */
export function buildAnnouncementScenario(
  document: AnnouncementDocument,
  files: ScenarioFiles,
  problems: FieldProblems,
): AnnouncementScenario {
  const topologies = document.topologies.flatMap((entry, i) => {
    if (typeof entry !== "string") return [generatedTopology(entry)];
    return expanded(entry, files, (message) => problems.say(["topologies", i], message)).map((path) =>
      topologyOf(path, files),
    );
  });
  const generated = document.generated ?? [];
  const names = uniqueNames([
    ...topologies.map(({ name }) => name),
    ...generated.map((sites) => `generated-${sites}`),
  ]);
  const networks: AnnouncementNetwork[] = [
    ...topologies.map((topology, i) => ({ name: names[i] as string, topology })),
    ...generated.map((sites, i) => ({ name: names[topologies.length + i] as string, sites })),
  ];
  if (networks.length === 0) problems.say(["topologies"], "no network to announce on");
  problems.check();
  return {
    networks,
    architectures: document.architectures ?? ARCHITECTURES,
    changes: document.changes,
    changeEvery: document.changeEvery,
    generatedChanges: document.generatedChanges ?? 3,
    generatedTime: (document.generatedTime ?? 90e6) as Micros,
    decisions: document.decisions,
    decisionEvery: document.decisionEvery,
    task: document.task,
    withdrawals: document.withdrawals ?? 2,
  };
}

/** The files an entry names: a file, a folder's, or those that a variable of the environment lists, separated by colons. */
function expanded(entry: string, files: ScenarioFiles, say: (message: string) => void): string[] {
  const variable = /^\$([A-Z_][A-Z0-9_]*)$/.exec(entry)?.[1];
  const paths =
    variable === undefined ? [entry] : (process.env[variable] ?? "").split(":").filter((path) => path !== "");
  return paths.flatMap((path) => {
    // What the environment names is where the reader stands, what the scenario names is beside it.
    const full = isAbsolute(path)
      ? path
      : variable === undefined
        ? files.resolve(path)
        : join(process.cwd(), path);
    if (!existsSync(full)) {
      say(`no file or folder ${full}`);
      return [];
    }
    if (!statSync(full).isDirectory()) return [full];
    return readdirSync(full)
      .filter((file) => FORMATS.test(file))
      .sort()
      .map((file) => join(full, file));
  });
}

function topologyOf(path: string, files: ScenarioFiles): Topology {
  const text = files.text(path);
  const read = path.endsWith(".graphml") ? readGraphml(text, path) : readSndlib(text, path);
  return { ...imported(read), name: basename(path).replace(/(\.sndlib)?\.(graphml|json)$/, "") };
}
