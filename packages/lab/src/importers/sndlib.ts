import type { BitsPerSecond } from "@weft/kernel";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import type { Cable, Demand, SitePlace, Topology } from "../topology.ts";
import { withoutParallels } from "./graphml.ts";
import { type Imported, importing, Unreadable } from "./problem.ts";

/** SNDlib leaves the unit of capacities and demands open; its backbones read well in gigabits (Orlowski et al. 2010). */
const GIGABIT = 1e9 as BitsPerSecond;

/**
 * A network of SNDlib in its JSON form: nodes with coordinates, links with installed or installable capacity,
 * demands, both in multiples of `unit`. A link without capacity installed has the largest module that can be bought.
 */
export function readSndlib(text: string, file: string, unit = GIGABIT): Imported<Topology> {
  return importing(file, () => {
    const lines = new LineCounter();
    // Every JSON text is YAML; this parser knows where each value stands.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true });
    const lineOf = (node: Node | null | undefined): number => lines.linePos(node?.range?.[0] ?? 0).line;
    const first = document.errors[0];
    if (first !== undefined)
      throw new Unreadable(lines.linePos(first.pos[0]).line, first.message.split("\n")[0] as string);
    const root = document.contents;
    if (!isMap(root)) throw new Unreadable(1, "not a JSON object with nodes, links and demands");
    const list = (name: string, needed: boolean): YAMLMap[] => {
      const found = root.get(name, true);
      if (found === undefined && !needed) return [];
      if (!isSeq(found)) throw new Unreadable(lineOf(found ?? root), `no list "${name}"`);
      return found.items.map((item) => {
        if (!isMap(item))
          throw new Unreadable(lineOf(item as Node), `"${name}" holds something that is no object`);
        return item;
      });
    };
    const field = (item: YAMLMap, name: string): { value: unknown; line: number } => {
      const found = item.get(name, true);
      if (!isScalar(found)) throw new Unreadable(lineOf(item), `no "${name}" here`);
      return { value: found.value, line: lineOf(found) };
    };
    const number = (item: YAMLMap, name: string): number => {
      const { value, line } = field(item, name);
      if (typeof value !== "number" || !Number.isFinite(value))
        throw new Unreadable(line, `"${name}" is no number`);
      return value;
    };
    const nodes = list("nodes", true);
    const sites = nodes.map(
      (node): SitePlace => ({
        name: String(field(node, "id").value),
        latitude: number(node, "latitude"),
        longitude: number(node, "longitude"),
        region: null,
      }),
    );
    const index = new Map(sites.map(({ name }, i) => [name, i]));
    const end = (item: YAMLMap, name: string): number => {
      const { value, line } = field(item, name);
      const site = index.get(String(value));
      if (site === undefined) throw new Unreadable(line, `no node "${String(value)}"`);
      return site;
    };
    const cables = list("links", true).map((link): Cable => {
      const modules = link.get("modules", true);
      const largest = isSeq(modules)
        ? Math.max(0, ...modules.items.map((item) => (isMap(item) ? number(item, "module_capacity") : 0)))
        : 0;
      const capacity = number(link, "pre_installed_capacity") || largest;
      const rate = capacity > 0 ? ((capacity * unit) as BitsPerSecond) : null;
      return { a: end(link, "source"), b: end(link, "target"), delay: null, rate };
    });
    const demands = list("demands", false).map(
      (demand): Demand => ({
        from: end(demand, "source"),
        to: end(demand, "target"),
        rate: (number(demand, "demand_value") * unit) as BitsPerSecond,
      }),
    );
    const name = (file.split("/").pop() ?? file).replace(/(\.sndlib)?\.json$/, "");
    return { name, sites, cables: withoutParallels(cables), demands };
  });
}
