import type {
  BitsPerSecond,
  Bytes,
  BytesPerSecond,
  GramsCo2,
  Joules,
  Operations,
  OperationsPerSecond,
  Watts,
} from "./quantity.ts";
import { ok, type Refusal, type Result, refuse } from "./refusal.ts";
import type { Micros } from "./time.ts";

/*
 * Human forms of quantities, parsed once at the edge and printed back the same way.
 * Decimal prefixes are powers of 1000, binary ones (Ki, Mi, ...) of 1024; letters' case matters for
 * the prefix only where SI says so (m is milli, M is mega).
 */

export type UnitRefusal = Refusal<"E_UNIT">;

interface Dimension {
  readonly noun: string;
  readonly example: string;
  /** Spelling -> how many base units it stands for. The first spelling is what a bare number is hinted as. */
  readonly units: ReadonlyMap<string, number>;
}

const DECIMAL = ["", "k", "M", "G", "T", "P", "E"] as const;
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi"] as const;

function prefixed(bases: readonly string[], prefixes: readonly string[], step: number): [string, number][] {
  return bases.flatMap((base) => prefixes.map((prefix, i): [string, number] => [prefix + base, step ** i]));
}

const TIME: Dimension = {
  noun: "a time",
  example: "20ms",
  units: new Map([
    ["ms", 1e3],
    ["us", 1],
    ["µs", 1],
    ["ns", 1e-3],
    ["s", 1e6],
    ["m", 60e6],
    ["min", 60e6],
    ["h", 3600e6],
    ["d", 86400e6],
  ]),
};
const BYTES: Dimension = {
  noun: "a size",
  example: "50MB",
  units: new Map([
    ["MB", 1e6],
    ...prefixed(["B"], DECIMAL, 1000),
    ...prefixed(["B"], BINARY, 1024),
    ...prefixed([""], BINARY, 1024).slice(1),
    ["KB", 1e3],
  ]),
};
const BYTE_RATE: Dimension = {
  noun: "a throughput",
  example: "20MB/s",
  units: new Map([["MB/s", 1e6], ...prefixed(["B/s"], DECIMAL, 1000), ...prefixed(["B/s"], BINARY, 1024)]),
};
const BIT_RATE: Dimension = {
  noun: "a bandwidth",
  example: "50Mbps",
  units: new Map([["Mbps", 1e6], ...prefixed(["bps", "b/s", "bit/s"], DECIMAL, 1000), ["Kbps", 1e3]]),
};
const WORK: Dimension = {
  noun: "an amount of work",
  example: "9.1 GFLOP",
  units: new Map([["GFLOP", 1e9], ...prefixed(["FLOP", "OP", "op"], DECIMAL, 1000)]),
};
const POWER_OF_COMPUTE: Dimension = {
  noun: "a computing power",
  example: "20 GFLOPS",
  units: new Map([["GFLOPS", 1e9], ...prefixed(["FLOPS", "OPS", "FLOP/s", "OP/s", "op/s"], DECIMAL, 1000)]),
};
const WATTS: Dimension = {
  noun: "a power",
  example: "65W",
  units: new Map([
    ["W", 1],
    ["mW", 1e-3],
    ["kW", 1e3],
    ["MW", 1e6],
  ]),
};
const JOULES: Dimension = {
  noun: "an energy",
  example: "120J",
  units: new Map([
    ["J", 1],
    ["kJ", 1e3],
    ["MJ", 1e6],
    ["Wh", 3600],
    ["kWh", 3.6e6],
  ]),
};
const GRAMS: Dimension = {
  noun: "a mass of CO2",
  example: "12g",
  units: new Map([
    ["g", 1],
    ["mg", 1e-3],
    ["kg", 1e3],
  ]),
};

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµ/]*)$/;

function parse(text: string, dimension: Dimension): Result<number, UnitRefusal> {
  const trimmed = text.trim();
  const match = QUANTITY.exec(trimmed);
  const expected = `${dimension.noun} such as ${dimension.example}`;
  if (match === null) return refuse("E_UNIT", `not ${dimension.noun}`, { found: text, expected });
  const [, digits, unit] = match as unknown as [string, string, string];
  const value = Number(digits);
  if (unit === "" && value === 0) return ok(0);
  const factor = dimension.units.get(unit);
  if (factor === undefined) {
    const first = dimension.units.keys().next().value as string;
    const close = [...dimension.units.keys()].find((known) => known.toLowerCase() === unit.toLowerCase());
    return refuse("E_UNIT", unit === "" ? "a number without a unit" : `unknown unit "${unit}"`, {
      found: text,
      expected,
      hint: `did you mean ${digits}${unit === "" ? first : (close ?? first)}?`,
    });
  }
  if (!(value >= 0) || !Number.isFinite(value * factor)) {
    return refuse("E_UNIT", `${dimension.noun} is neither negative nor endless`, { found: text, expected });
  }
  return ok(value * factor);
}

const typed =
  <T extends number>(dimension: Dimension, whole: boolean) =>
  (text: string): Result<T, UnitRefusal> => {
    const parsed = parse(text, dimension);
    return parsed.ok ? ok((whole ? Math.round(parsed.value) : parsed.value) as T) : parsed;
  };

export const parseTime = typed<Micros>(TIME, true);
export const parseBytes = typed<Bytes>(BYTES, true);
export const parseByteRate = typed<BytesPerSecond>(BYTE_RATE, false);
export const parseBitRate = typed<BitsPerSecond>(BIT_RATE, false);
export const parseWork = typed<Operations>(WORK, false);
export const parseComputingPower = typed<OperationsPerSecond>(POWER_OF_COMPUTE, false);
export const parseWatts = typed<Watts>(WATTS, false);
export const parseJoules = typed<Joules>(JOULES, false);
export const parseGrams = typed<GramsCo2>(GRAMS, false);

/** Three significant digits, or as many as a whole number below 1000 has: what people read in a table. */
function short(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1e6) return Number(value.toPrecision(3)).toExponential();
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value
    .toFixed(Math.min(digits, 6))
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

function scaled(value: number, unit: string, step: number, prefixes: readonly string[], gap: string): string {
  let i = 0;
  let rest = Math.abs(value);
  while (i < prefixes.length - 1 && rest >= step * (1 - 0.0005)) {
    rest /= step;
    i++;
  }
  return `${value < 0 ? "-" : ""}${short(rest)}${gap}${prefixes[i]}${unit}`;
}

/** `4.2 ms`, `12 s`, `3 h`: three significant digits. */
export function formatTime(length: Micros): string {
  const value = Math.abs(length);
  const sign = length < 0 ? "-" : "";
  const steps: readonly [number, string][] = [
    [86400e6, "d"],
    [3600e6, "h"],
    [60e6, "min"],
    [1e6, "s"],
    [1e3, "ms"],
    [1, "us"],
  ];
  for (const [size, unit] of steps) {
    if (value >= size * 0.9995) return `${sign}${short(value / size)} ${unit}`;
  }
  return "0 us";
}

export const formatBytes = (size: Bytes): string => scaled(size, "B", 1000, DECIMAL, " ");
/** Memory as people know it: `8 GiB`. */
export const formatMemory = (size: Bytes): string => scaled(size, "B", 1024, BINARY, " ");
export const formatByteRate = (rate: BytesPerSecond): string => scaled(rate, "B/s", 1000, DECIMAL, " ");
export const formatBitRate = (rate: BitsPerSecond): string => scaled(rate, "b/s", 1000, DECIMAL, " ");
export const formatWork = (work: Operations, flavour: "OP" | "FLOP"): string =>
  scaled(work, flavour, 1000, DECIMAL, " ");
export const formatComputingPower = (rate: OperationsPerSecond, flavour: "OPS" | "FLOPS"): string =>
  scaled(rate, flavour, 1000, DECIMAL, " ");
