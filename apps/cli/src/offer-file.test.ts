import { expect, it } from "vitest";
import { parseOfferFile } from "./offer-file.ts";

const offer = (spec: string, nodes = "all"): string =>
  `apiVersion: weft.dev/v1\nkind: Offer\nmetadata: { nodes: ${nodes} }\nspec:\n${spec}\n`;
const wrong = (spec: string): string => {
  try {
    parseOfferFile(offer(spec), "offer.yaml");
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was taken");
};

it("reads prices, how they move, hours, limits and discounts in their human forms", () => {
  const text = `
  prices: 0.02 CNY/TFLOP
  pricing: { timeOfUse: { "22:00": 50%, "07:00": 120% } }
  reserve: 0.008 CNY/TFLOP
  discounts: [{ grade: entry, off: 5% }, { from: 100 CNY, off: 10% }]
  hours: [22:00-07:00]
  days: [sat, sun]
  shortest: 1s
  longest: 2h
  until: 2027-01-01T00:00:00Z`;
  const { nodes, offer: read } = parseOfferFile(offer(text, "[corner]"), "offer.yaml");
  expect(nodes).toEqual(["corner"]);
  expect(read).toMatchObject({
    prices: { petaOperation: { neural: 20_000_000n }, memoryGibHour: 10_000n, perTask: 10n },
    pricing: {
      kind: "time-of-use",
      steps: [
        { fromHour: 7, ppm: 1_200_000 },
        { fromHour: 22, ppm: 500_000 },
      ],
    },
    reserve: { petaOperation: { logical: 8_000_000n } },
    discounts: [
      { grade: "entry", fromVolume: 0n, ppm: 50_000 },
      { grade: null, fromVolume: 100_000_000n, ppm: 100_000 },
    ],
    windows: [{ from: 1320, to: 420, days: [6, 0] }],
    shortest: 1_000_000,
    longest: 7_200_000_000,
    validUntil: Date.parse("2027-01-01") * 1000,
  });
});

it("what is left out is the node's own list, posted, always open", () => {
  const { nodes, offer: read } = parseOfferFile(offer("  pricing: posted"), "offer.yaml");
  expect(nodes).toBeNull();
  expect(read).toEqual({
    prices: null,
    pricing: { kind: "posted" },
    reserve: null,
    discounts: [],
    windows: [],
    shortest: 0,
    longest: null,
    validUntil: null,
  });
  const congested = parseOfferFile(offer("  pricing: { congestion: { target: 80% } }"), "offer.yaml");
  expect(congested.offer.pricing).toMatchObject({ kind: "congestion", target: 0.8, lowestPpm: 500_000 });
});

it("names line, field, what was found and what was expected", () => {
  expect(wrong("  longest: 20")).toMatch(/^offer\.yaml:5 {2}spec\.longest {2}found "20", expected a time/);
  expect(wrong("  hours: 25:00-07:00")).toMatch(/spec\.hours/);
  expect(wrong('  pricing: { timeOfUse: { "22:30": 50% } }')).toMatch(/offer\.yaml:5 {2}spec\.pricing/);
  expect(wrong("  pricess: 1")).toMatch(
    /^offer\.yaml:5 {2}spec\.pricess {2}found "pricess", expected one of prices, /,
  );
  expect(wrong("  pricess: 1")).toMatch(/\n {2}hint: did you mean prices\? +\[E_MANIFEST_FIELD\]$/);
  expect(wrong("  pricing: { congestion: { target: much } }")).toMatch(
    /spec\.pricing\.congestion\.target {2}found "much", expected a part such as 45%\n +\[E_MANIFEST_UNIT\]/,
  );
});

it("refuses a price below zero wherever it stands", () => {
  expect(wrong("  prices: -0.02 CNY/TFLOP")).toMatch(
    /^offer\.yaml:5 {2}spec\.prices {2}found "-0.02 CNY\/TFLOP", expected 0 or more\n {2}hint: what costs nothing .*\[E_PRICE_NEGATIVE\]$/,
  );
  expect(wrong("  reserve: -1")).toContain("[E_PRICE_NEGATIVE]");
  const { prices } = parseOfferFile(offer("  prices: 1"), "offer.yaml").offer;
  const written = Object.entries({ ...prices, petaOperation: undefined, memoryGibHour: -1n })
    .filter(([name]) => name !== "petaOperation")
    .map(([name, value]) => `${name}: ${value}`);
  const whole = `  prices: { petaOperation: { logical: 1, parallel: 1, neural: 1 }, ${written.join(", ")} }`;
  expect(wrong(whole)).toMatch(/spec\.prices\.memoryGibHour {2}found "-1", expected 0 or more/);
  expect(wrong("  discounts: [{ from: -1, off: 5% }]")).toMatch(
    /spec\.discounts\[0\]\.from .*\n.*\[E_PRICE_NEGATIVE\]/,
  );
  expect(wrong("  discounts: [{ off: -5% }]")).toMatch(/spec\.discounts\[0\]\.off/);
});
