import type { Ratio } from "@weft/kernel";

/** Whether a node takes new tasks, and if not, the owner's reason in words. */
export type Availability =
  | { readonly accepting: true }
  | { readonly accepting: false; readonly because: string };

/** What the owner allows, at this local time and charge (null: mains power). */
export function availability(
  rules: { readonly hours: string | null; readonly batteryAtLeast: number },
  paused: boolean,
  localTime: Date,
  battery: Ratio | null,
): Availability {
  if (paused) return { accepting: false, because: "paused by its owner" };
  if (rules.hours !== null && !within(rules.hours, localTime.getHours() * 60 + localTime.getMinutes())) {
    return { accepting: false, because: `outside its hours ${rules.hours}` };
  }
  if (battery !== null && battery < rules.batteryAtLeast) {
    return { accepting: false, because: `battery at ${Math.round(battery * 100)} %` };
  }
  return { accepting: true };
}

/** `22:00-07:00` spans midnight; equal ends are the whole day. */
function within(hours: string, minute: number): boolean {
  const [from, to] = hours.split("-").map((time) => {
    const [h, m] = time.split(":").map(Number) as [number, number];
    return h * 60 + m;
  }) as [number, number];
  if (from === to) return true;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
