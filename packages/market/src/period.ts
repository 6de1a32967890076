import type { Instant } from "@weft/kernel";

/** A stretch of the UTC calendar, from its first instant until before `to`. */
export interface Period {
  readonly kind: PeriodKind;
  readonly from: Instant;
  readonly to: Instant;
  /** `2026-11-22`, `2026-W47` (ISO 8601) or `2026-11`. */
  readonly name: string;
}
export type PeriodKind = "day" | "week" | "month";

const DAY_MS = 86_400_000;
const two = (value: number): string => String(value).padStart(2, "0");
const instantOf = (ms: number): Instant => (ms * 1000) as Instant;

/** The period of that kind that an instant lies in. Weeks begin on Monday. */
export function periodOf(at: Instant, kind: PeriodKind): Period {
  const date = new Date(Math.floor(at / 1000));
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (kind) {
    case "day": {
      const from = Date.UTC(year, month, day);
      const name = `${year}-${two(month + 1)}-${two(day)}`;
      return { kind, from: instantOf(from), to: instantOf(from + DAY_MS), name };
    }
    case "week": {
      const from = Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7));
      const thursday = new Date(from + 3 * DAY_MS); // the week belongs to the year that has its Thursday
      const name = `${thursday.getUTCFullYear()}-W${two(weekOf(thursday))}`;
      return { kind, from: instantOf(from), to: instantOf(from + 7 * DAY_MS), name };
    }
    case "month":
      return {
        kind,
        from: instantOf(Date.UTC(year, month, 1)),
        to: instantOf(Date.UTC(year, month + 1, 1)),
        name: `${year}-${two(month + 1)}`,
      };
  }
}

/** ISO 8601 week number of a Thursday: how many Thursdays its year has had. */
function weekOf(thursday: Date): number {
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return Math.floor((thursday.getTime() - first) / (7 * DAY_MS)) + 1;
}

/** An instant as its reader's clock shows it, such as `2026-11-22 15:30:00 GMT+8`. Periods themselves stay UTC. */
export function localTime(at: Instant, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).formatToParts(new Date(Math.floor(at / 1000)));
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")} ${of("timeZoneName")}`;
}

/** A day, an ISO week or a month by its name; null where there is no such. */
export function periodNamed(name: string): Period | null {
  const week = /^(\d{4})-W(\d{2})$/.exec(name);
  const kind = week !== null ? "week" : /^\d{4}-\d{2}$/.test(name) ? "month" : "day";
  // The fourth of January is always in the first ISO week.
  const day = week !== null ? `${week[1]}-01-04` : kind === "month" ? `${name}-01` : name;
  const start = Date.parse(`${day}T00:00:00Z`) + (week === null ? 0 : (Number(week[2]) - 1) * 7 * DAY_MS);
  const period = Number.isNaN(start) ? null : periodOf(instantOf(start), kind);
  return period?.name === name ? period : null;
}
