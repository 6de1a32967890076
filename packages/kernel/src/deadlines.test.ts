import fc from "fast-check";
import { expect, it } from "vitest";
import { Deadlines, type Instant, NEVER } from "./index.ts";

it("fires what is due, earliest first, like a plain sorted list would", () => {
  const step = fc.oneof(
    fc.record({ set: fc.nat(9), at: fc.nat(100) }),
    fc.record({ clear: fc.nat(9) }),
    fc.record({ due: fc.nat(100) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const deadlines = new Deadlines<number>();
      let model: { key: number; at: number }[] = [];
      for (const s of steps) {
        if ("set" in s) {
          deadlines.set(s.set, s.at as Instant);
          model = [...model.filter((entry) => entry.key !== s.set), { key: s.set, at: s.at }];
        } else if ("clear" in s) {
          deadlines.clear(s.clear);
          model = model.filter((entry) => entry.key !== s.clear);
        } else {
          const due = model.filter((entry) => entry.at <= s.due).sort((a, b) => a.at - b.at);
          expect(deadlines.due(s.due as Instant)).toEqual(due.map((entry) => entry.key));
          model = model.filter((entry) => entry.at > s.due);
        }
        expect(deadlines.next).toBe(model.length === 0 ? NEVER : Math.min(...model.map((entry) => entry.at)));
      }
    }),
  );
});
