import type { Micros } from "@weft/kernel";
import { type Imported, importing, Unreadable } from "./problem.ts";
import { type XmlStart, xmlTags } from "./xml.ts";

/** Where one vehicle was, one entry a time step: `x[i]`, `y[i]` at `at[i]`. */
export interface Track {
  readonly vehicle: string;
  readonly at: readonly Micros[];
  /** Longitude in degrees where the file has geographic coordinates, else metres in the file's own plane. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Floating-car data as SUMO writes it (`--fcd-output`): `<timestep time="..."><vehicle id x y .../></timestep>`. */
export function readSumoFcd(text: string, file: string): Imported<readonly Track[]> {
  return importing(file, () => {
    const tracks = new Map<string, { vehicle: string; at: Micros[]; x: number[]; y: number[] }>();
    let root = false;
    let now: number | null = null;
    for (const tag of xmlTags(text)) {
      if (tag.kind === "end") continue;
      if (!root) {
        if (tag.name !== "fcd-export") throw new Unreadable(tag.line, `<${tag.name}>, expected <fcd-export>`);
        root = true;
      }
      if (tag.name === "timestep") {
        const next = number(tag, "time") * 1e6;
        if (now !== null && next < now) throw new Unreadable(tag.line, "a time step before the one above");
        now = next;
      }
      if (tag.name !== "vehicle" && tag.name !== "person") continue;
      if (now === null) throw new Unreadable(tag.line, `<${tag.name}> outside of a time step`);
      const vehicle = tag.attributes.get("id");
      if (vehicle === undefined) throw new Unreadable(tag.line, `<${tag.name}> without "id"`);
      const track = tracks.get(vehicle) ?? { vehicle, at: [], x: [], y: [] };
      tracks.set(vehicle, track);
      track.at.push(Math.round(now) as Micros);
      track.x.push(number(tag, "x"));
      track.y.push(number(tag, "y"));
    }
    if (!root) throw new Unreadable(1, "no <fcd-export> in it");
    return [...tracks.values()];
  });
}

function number(tag: XmlStart, name: string): number {
  const text = tag.attributes.get(name);
  const value = Number(text);
  if (text === undefined || text === "" || !Number.isFinite(value)) {
    throw new Unreadable(
      tag.line,
      `<${tag.name}> ${name}: found ${text === undefined ? "nothing" : `"${text}"`}, expected a number`,
    );
  }
  return value;
}
