import type { BitsPerSecond } from "@weft/kernel";
import { type Cable, type SitePlace, type Topology, uniqueNames } from "../topology.ts";
import { type Imported, importing, Unreadable } from "./problem.ts";
import { type XmlStart, xmlTags } from "./xml.ts";

interface Element {
  readonly tag: XmlStart;
  readonly data: Map<string, string>;
}

/**
 * A network of the Internet Topology Zoo (Knight et al. 2011), or any GraphML with its attribute names: `label`,
 * `Latitude`, `Longitude`, `Country` on nodes; `LinkSpeedRaw` (bits a second) on edges. Self-loops are left out, and
 * of parallel edges the fastest is kept.
 */
export function readGraphml(text: string, file: string): Imported<Topology> {
  return importing(file, () => {
    const keys = new Map<string, string>();
    const nodes: Element[] = [];
    const edges: Element[] = [];
    let name = "";
    let current: Element | null = null;
    for (const tag of xmlTags(text)) {
      if (tag.kind === "end") {
        if (tag.name === "node" || tag.name === "edge") current = null;
        continue;
      }
      if (tag.name === "key") keys.set(attribute(tag, "id"), attribute(tag, "attr.name"));
      if (tag.name === "node" || tag.name === "edge") {
        current = { tag, data: new Map() };
        (tag.name === "node" ? nodes : edges).push(current);
      }
      if (tag.name === "data") {
        const key = keys.get(attribute(tag, "key"));
        if (key === undefined) throw new Unreadable(tag.line, `no <key id="${tag.attributes.get("key")}">`);
        if (current !== null) current.data.set(key, tag.text);
        else if (key === "Network") name = tag.text;
      }
    }
    if (nodes.length === 0) throw new Unreadable(1, "no <node> in it", "a GraphML file is expected");
    const index = new Map(nodes.map(({ tag }, i) => [attribute(tag, "id"), i]));
    const labels = uniqueNames(nodes.map(({ tag, data }) => data.get("label") || attribute(tag, "id")));
    return {
      name: name || (file.split("/").pop() ?? file).replace(/\.graphml$/, ""),
      sites: nodes.map((node, i) => siteOf(node, labels[i] as string)),
      cables: withoutParallels(edges.flatMap((edge) => cableOf(edge, index))),
      demands: [],
    };
  });
}

function siteOf({ tag, data }: Element, name: string): SitePlace {
  const latitude = coordinate(tag, data.get("Latitude"), 90);
  const longitude = coordinate(tag, data.get("Longitude"), 180);
  return { name, latitude, longitude, region: data.get("Country") ?? null };
}

function cableOf({ tag, data }: Element, index: ReadonlyMap<string, number>): Cable[] {
  const end = (which: string): number => {
    const id = attribute(tag, which);
    const node = index.get(id);
    if (node === undefined) throw new Unreadable(tag.line, `an edge to node "${id}", which is not there`);
    return node;
  };
  const [a, b] = [end("source"), end("target")];
  const raw = data.get("LinkSpeedRaw");
  const rate = raw === undefined ? null : Number(raw);
  if (rate !== null && !(rate > 0)) throw new Unreadable(tag.line, `LinkSpeedRaw "${raw}" is not a speed`);
  return a === b ? [] : [{ a, b, delay: null, rate: rate as BitsPerSecond | null }];
}

/** Of the cables between two sites the fastest. */
export function withoutParallels(cables: readonly Cable[]): Cable[] {
  const kept = new Map<string, Cable>();
  for (const cable of cables) {
    const key = `${Math.min(cable.a, cable.b)}-${Math.max(cable.a, cable.b)}`;
    const before = kept.get(key);
    if (before === undefined || (cable.rate ?? 0) > (before.rate ?? 0)) kept.set(key, cable);
  }
  return [...kept.values()];
}

function coordinate(tag: XmlStart, text: string | undefined, limit: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === "" || !(Math.abs(value) <= limit)) {
    throw new Unreadable(tag.line, `"${text}" is not a coordinate within ${limit} degrees`);
  }
  return value;
}

function attribute(tag: XmlStart, name: string): string {
  const value = tag.attributes.get(name);
  if (value === undefined) throw new Unreadable(tag.line, `<${tag.name}> without "${name}"`);
  return value;
}
