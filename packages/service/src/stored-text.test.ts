import fc from "fast-check";
import { expect, it } from "vitest";
import { fromStoredText, storedText } from "./index.ts";

it("gives back what was written: bigint, endless numbers, and strings that look like them", () => {
  const tricky = { a: 12n, b: -3n, c: Number.POSITIVE_INFINITY, d: "12n", e: "~12n", f: "Infinityn", g: "n" };
  expect(fromStoredText(storedText(tricky))).toEqual(tricky);
});

it("gives back any plain data", () => {
  const digits = fc.string({ unit: fc.constantFrom("~", "-", "1", "n", "Infinity") });
  const leaf = fc.oneof(fc.string(), digits, fc.bigInt(), fc.integer(), fc.boolean(), fc.constant(null));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("tree")),
      fc.dictionary(fc.string(), tie("tree"), { noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      expect(fromStoredText(storedText(value))).toEqual(value);
    }),
    { numRuns: 300 },
  );
});
