import fc from "fast-check";
import { expect, it } from "vitest";
import { GroupCommit } from "./group-commit.ts";

it("releases an effect only after every change before it, in order, in few commits", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(3), fc.nat(2), fc.boolean()), { maxLength: 40 }),
      async (pushes) => {
        const durable = new Set<number>();
        const released: number[] = [];
        let commits = 0;
        let serial = 0;
        const needs: number[] = [];
        const group = new GroupCommit<number, number>(
          async (changes) => {
            commits++;
            await Promise.resolve();
            for (const change of changes) durable.add(change);
          },
          (effect) => {
            for (let change = 0; change < needs[effect]!; change++) expect(durable.has(change)).toBe(true);
            released.push(effect);
          },
          (error) => expect.fail(String(error)),
        );
        for (const [changes, effects, pause] of pushes) {
          const batch = Array.from({ length: changes }, () => serial++);
          const after = Array.from({ length: effects }, () => needs.push(serial) - 1);
          group.push(batch, after);
          if (pause) await new Promise((resolve) => setImmediate(resolve));
        }
        await group.drained();
        expect(durable.size).toBe(serial);
        expect(released).toEqual(needs.map((_, i) => i));
        expect(commits).toBeLessThanOrEqual(pushes.length);
      },
    ),
    { numRuns: 50 },
  );
});

it("after a failed commit nothing is released", async () => {
  const released: string[] = [];
  let failure: unknown;
  const group = new GroupCommit<string, string>(
    () => Promise.reject(new Error("disk full")),
    (effect) => released.push(effect),
    (error) => {
      failure = error;
    },
  );
  group.push(["a"], ["acknowledge a"]);
  await group.drained();
  group.push([], ["later"]);
  expect(released).toEqual([]);
  expect(String(failure)).toContain("disk full");
});
