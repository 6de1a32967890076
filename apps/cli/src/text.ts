import { formatMoney, formatTime, type Instant, type Micros, type Money } from "@weft/kernel";

/** What stands where nothing is known. Never a zero. */
export const UNKNOWN = "-";

/** A value through its formatter; unknown stays unknown. */
export const known = <T>(value: T | null | undefined, format: (value: T) => string): string =>
  value === null || value === undefined ? UNKNOWN : format(value);

/** How long ago, in one unit, as kubectl writes ages: 12s, 5m, 3h, 4d. */
export function age(length: Micros): string {
  const seconds = Math.max(0, length / 1e6);
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 120) return `${Math.floor(seconds)}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export const since = (now: Instant, at: Instant): string => age((now - at) as Micros);
export const time = (length: Micros | null | undefined): string => known(length, formatTime);
export const amount = (value: Money | null | undefined): string =>
  known(value, (money) => formatMoney(money));
export const percent = (share: number | null | undefined): string =>
  known(share, (value) => `${Number((value * 100).toPrecision(2))} %`);
export const pairs = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",") || UNKNOWN;

/** Text of strangers (logs, names) without what would drive a terminal. */
export const harmless = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD");
