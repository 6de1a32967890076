import fc from "fast-check";
import { expect, it } from "vitest";
import { DirtySet } from "./changes.ts";

it("a dirty set tells each index once, in the order of marking, with all that was marked of it", () => {
  const step = fc.oneof(
    { weight: 9, arbitrary: fc.record({ index: fc.nat(200), what: fc.constantFrom(1, 2, 4, 8, 255) }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const set = new DirtySet();
      const plain = new Map<number, number>();
      for (const mark of steps) {
        if (mark === null) {
          set.clear();
          plain.clear();
        } else {
          set.mark(mark.index, mark.what);
          plain.set(mark.index, (plain.get(mark.index) ?? 0) | mark.what);
        }
        const marked = Array.from({ length: set.size }, (_, i) => [set.at(i), set.whatOf(set.at(i))]);
        expect(marked).toEqual([...plain]);
      }
    }),
  );
});
