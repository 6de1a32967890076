import type { SitePlace } from "../topology.ts";
import { uniqueNames } from "../topology.ts";
import { csvRows } from "./csv.ts";
import { type Imported, importing, Unreadable } from "./problem.ts";

/**
 * Places with coordinates from CSV, as the EUA dataset (Lai et al. 2018) has them: columns LATITUDE and LONGITUDE in any
 * case, and a name from NAME or SITE_ID where there is one; STATE becomes the region.
 */
export function readPlaces(text: string, file: string): Imported<readonly SitePlace[]> {
  return importing(file, () => {
    const rows = csvRows(text, ["latitude", "longitude"]);
    if (rows.length === 0) throw new Unreadable(1, "no place in it");
    const header = (text.split("\n", 1)[0] as string)
      .toLowerCase()
      .split(",")
      .map((name) => name.trim());
    const column = (names: readonly string[]): string | undefined =>
      names.find((name) => header.includes(name));
    const named = column(["site_id", "name", "id"]);
    const region = column(["state", "region", "country"]);
    const names = uniqueNames(
      rows.map((row, i) => (named === undefined ? `place-${i + 1}` : row.text(named))),
    );
    return rows.map((row, i): SitePlace => {
      const latitude = row.number("latitude");
      const longitude = row.number("longitude");
      if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) {
        throw new Unreadable(row.line, `${latitude}, ${longitude} is not on Earth`);
      }
      return {
        name: names[i] as string,
        latitude,
        longitude,
        region: region === undefined ? null : row.text(region),
      };
    });
  });
}
