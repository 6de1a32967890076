import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Bytes,
  canonicalText,
  formatBytes,
  formatInstant,
  formatMemory,
  formatMoney,
  formatTime,
  type Instant,
  type Micros,
  type Money,
  parseBitRate,
  parseByteRate,
  parseBytes,
  parseComputingPower,
  parseGrams,
  parseJoules,
  parseMoney,
  parseTime,
  parseWatts,
  parseWork,
  Rng,
  scaleMoney,
} from "./index.ts";

const value = <T>(result: { ok: true; value: T } | { ok: false }): T => {
  if (!result.ok) throw new Error("refused");
  return result.value;
};

describe("human units", () => {
  it("reads the forms people write", () => {
    expect(value(parseTime("20ms"))).toBe(20_000);
    expect(value(parseTime("1.5 s"))).toBe(1_500_000);
    expect(value(parseBytes("2.3MB"))).toBe(2_300_000);
    expect(value(parseBytes("8GiB"))).toBe(8 * 1024 ** 3);
    expect(value(parseBytes("512Mi"))).toBe(512 * 1024 ** 2);
    expect(value(parseBitRate("50Mbps"))).toBe(50e6);
    expect(value(parseWork("9.1 GFLOP"))).toBeCloseTo(9.1e9);
    expect(value(parseComputingPower("4 TFLOPS"))).toBe(4e12);
    expect(value(parseTime("0"))).toBe(0);
  });

  it("reads every prefix and unit as what it stands for", () => {
    const forms: readonly (readonly [(text: string) => { ok: boolean; value?: number }, string, number])[] = [
      ...["", "k", "M", "G", "T", "P", "E"].flatMap((prefix, i) => [
        [parseBytes, `3${prefix}B`, 3 * 1000 ** i] as const,
        [parseByteRate, `3${prefix}B/s`, 3 * 1000 ** i] as const,
        [parseBitRate, `3${prefix}bps`, 3 * 1000 ** i] as const,
        [parseBitRate, `3${prefix}bit/s`, 3 * 1000 ** i] as const,
        [parseWork, `3${prefix}OP`, 3 * 1000 ** i] as const,
        [parseComputingPower, `3${prefix}FLOP/s`, 3 * 1000 ** i] as const,
      ]),
      ...["Ki", "Mi", "Gi", "Ti", "Pi"].flatMap((prefix, i) => [
        [parseBytes, `3${prefix}B`, 3 * 1024 ** (i + 1)] as const,
        [parseBytes, `3${prefix}`, 3 * 1024 ** (i + 1)] as const,
        [parseByteRate, `3${prefix}B/s`, 3 * 1024 ** (i + 1)] as const,
      ]),
      ...(
        [
          ["us", 1],
          ["ms", 1e3],
          ["s", 1e6],
          ["min", 60e6],
          ["m", 60e6],
          ["h", 3600e6],
          ["d", 86_400e6],
        ] as const
      ).map(([unit, factor]) => [parseTime, `3${unit}`, 3 * factor] as const),
      [parseWatts, "1.5 kW", 1500],
      [parseWatts, "250mW", 0.25],
      [parseJoules, "2 Wh", 7200],
      [parseJoules, "1kWh", 3.6e6],
      [parseGrams, "12g", 12],
      [parseByteRate, "0.5 B/s", 0.5],
      [parseBitRate, "0.5bps", 0.5],
      [parseWork, "0.5 OP", 0.5],
      [parseComputingPower, "0.5 OPS", 0.5],
      [parseJoules, "0.5 J", 0.5],
      [parseGrams, "0.5 kg", 500],
    ];
    for (const [parse, text, expected] of forms) {
      const read = parse(text);
      expect(read.ok, text).toBe(true);
      expect((read.value as number) / expected, text).toBeCloseTo(1, 12);
    }
  });

  it("refuses a bare number and hints at the unit", () => {
    const refused = parseTime("20");
    expect(refused).toMatchObject({
      ok: false,
      refusal: { code: "E_UNIT", expected: "a time such as 20ms", hint: "did you mean 20ms?" },
    });
  });

  it("refuses negatives, nonsense and a wrong case, and never throws", () => {
    for (const text of ["-1ms", "", "ms", "1e999s", "5 parsecs", "NaN s"])
      expect(parseTime(text).ok).toBe(false);
    expect(parseBitRate("50mbps")).toMatchObject({ ok: false, refusal: { hint: "did you mean 50Mbps?" } });
    fc.assert(fc.property(fc.string(), (text) => typeof parseBytes(text).ok === "boolean"));
  });

  it("prints a form that reads back within its three digits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e15 }), (n) => {
        const back = value(parseBytes(formatBytes(n as Bytes)));
        expect(Math.abs(back - n) / n).toBeLessThan(0.006);
        const time = value(parseTime(formatTime(n as Micros)));
        expect(Math.abs(time - n) / n).toBeLessThan(0.006);
      }),
    );
    expect(["999 B", "1 kB", "1.02 kB"]).toEqual([999, 1000, 1024].map((n) => formatBytes(n as Bytes)));
    expect(["1023 B", "8 GiB", "1.5 MiB"]).toEqual(
      [1023, 8 * 2 ** 30, 1.5 * 2 ** 20].map((n) => formatMemory(n as Bytes)),
    );
    expect(formatBytes(1e21 as Bytes)).toBe("1000 EB"); // beyond the last prefix
    expect(formatTime(1_500 as Micros)).toBe("1.5 ms");
    expect(formatTime(1.7559126e45 as Micros)).toBe("2.03e+34 d"); // three, however long
    expect(value(parseTime("2.03e+34 d")) / 1.7559e45).toBeCloseTo(1, 2);
  });
});

describe("money", () => {
  it("prints exactly what it reads, for every amount", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (amount) => {
        expect(value(parseMoney(formatMoney(amount as Money, "CNY")))).toBe(amount);
      }),
    );
    expect(formatMoney(410n as Money)).toBe("0.00041");
    expect(formatMoney(2_000_000n as Money, "CNY")).toBe("2.00 CNY");
  });

  it("refuses a seventh decimal and another currency", () => {
    expect(parseMoney("0.0000001").ok).toBe(false);
    expect(parseMoney("1 USD")).toMatchObject({ ok: false, refusal: { code: "E_UNIT_CURRENCY" } });
  });

  it("scales with the rounding it was told", () => {
    fc.assert(
      fc.property(fc.bigInt(-1000n, 1000n), fc.bigInt(0n, 50n), fc.bigInt(1n, 50n), (a, n, d) => {
        const up = scaleMoney(a as Money, n, d, "up");
        const down = scaleMoney(a as Money, n, d, "down");
        expect(down * d <= a * n && a * n <= up * d && up - down <= 1n).toBe(true);
      }),
    );
  });
});

describe("canonical text", () => {
  it("does not depend on the order in which members were written", () => {
    expect(canonicalText({ b: 1, a: [true, null, 3n], c: undefined })).toBe('{"a":[true,null,"3"],"b":1}');
  });
  it("is JSON that reads back to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const text = canonicalText(json as never);
        expect(canonicalText(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

describe("chance", () => {
  it("a seed reproduces its stream, and a fork does not depend on what was drawn", () => {
    const one = new Rng(7);
    const two = new Rng(7);
    const forkedEarly = one.fork("link/a->b").uint32();
    for (let i = 0; i < 100; i++) expect(one.uint32()).toBe(two.uint32());
    expect(one.fork("link/a->b").uint32()).toBe(forkedEarly);
    expect(one.fork("link/b->a").uint32()).not.toBe(forkedEarly);
  });
  it("draws evenly: mean and variance of a uniform and an exponential stream", () => {
    const rng = new Rng(1);
    let sum = 0;
    let squares = 0;
    let waits = 0;
    const n = 200_000;
    for (let i = 0; i < n; i++) {
      const u = rng.float();
      sum += u;
      squares += u * u;
      waits += rng.exponential(3);
    }
    expect(sum / n).toBeCloseTo(0.5, 2);
    expect(squares / n).toBeCloseTo(1 / 3, 2);
    expect(waits / n).toBeCloseTo(3, 1);
  });
  it("is xoshiro128** seeded through splitmix32, so that a seed gives the same run anywhere and at any time", () => {
    const word = (n: bigint): bigint => BigInt.asUintN(32, n);
    const rotated = (n: bigint, by: bigint): bigint => word(n << by) | (n >> (32n - by));
    fc.assert(
      fc.property(fc.nat(0xffffffff), (seed) => {
        let counter = BigInt(seed);
        let [a, b, c, d] = [0, 0, 0, 0].map(() => {
          counter = word(counter + 0x9e3779b9n);
          let z = word((counter ^ (counter >> 16n)) * 0x21f0aaadn);
          z = word((z ^ (z >> 15n)) * 0x735a2d97n);
          return z ^ (z >> 15n);
        }) as [bigint, bigint, bigint, bigint];
        d |= 1n;
        const rng = new Rng(seed);
        for (let i = 0; i < 50; i++) {
          expect(rng.uint32()).toBe(Number(word(rotated(word(b * 5n), 7n) * 9n)));
          const shifted = word(b << 9n);
          [c, d] = [c ^ a, d ^ b];
          [a, b] = [a ^ d, b ^ c];
          [c, d] = [c ^ shifted, rotated(d, 11n)];
        }
      }),
      { numRuns: 30 },
    );
  });
  it("draws a normal stream of the mean and deviation it was told, lopsided to no side", () => {
    const rng = new Rng(2);
    const draws = Array.from({ length: 100_000 }, () => (rng.normal(7, 2) - 7) / 2);
    const share = (of: (z: number) => boolean): number => draws.filter(of).length / draws.length;
    expect(share((z) => z < 0)).toBeCloseTo(0.5, 2);
    expect(share((z) => Math.abs(z) < 1)).toBeCloseTo(0.683, 2);
    expect(share((z) => Math.abs(z) < 2)).toBeCloseTo(0.954, 2);
  });
  it("shuffles every item to every place equally often, and loses none", () => {
    const rng = new Rng(3);
    const items = [0, 1, 2, 3];
    const seen = items.map(() => [0, 0, 0, 0]);
    for (let i = 0; i < 10_000; i++) {
      const shuffled = rng.shuffle([...items]);
      expect(shuffled.toSorted()).toEqual(items);
      shuffled.forEach((item, place) => {
        (seen[item] as number[])[place]! += 1 / 10_000;
      });
    }
    for (const share of seen.flat()) expect(share).toBeCloseTo(0.25, 1);
    expect(rng.shuffle([])).toEqual([]);
  });
});

it("an instant prints as ISO 8601 to the microsecond", () => {
  expect(formatInstant(1_766_000_000_123_456 as Instant)).toMatch(/^2025-12-17T\d\d:\d\d:20\.123456Z$/);
});
