import fc from "fast-check";
import { expect, it } from "vitest";
import { DATA_TYPES, type NamedTensor, readTensors, writeTensors } from "./safetensors.ts";

const tensor = fc
  .record({
    name: fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
    type: fc.constantFrom(...DATA_TYPES),
    shape: fc.array(fc.nat(5), { maxLength: 3 }),
    fill: fc.nat(255),
  })
  .map(({ name, type, shape, fill }): NamedTensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = new Uint8Array(count * type.bytes).fill(fill);
    return { name, type: type.type, shape, data: new type.view(bytes.buffer, 0, count) };
  });
// An object's keys that look like numbers come first, whatever their order in the text.
const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
const byName = (a: NamedTensor, b: NamedTensor) => (a.name < b.name ? -1 : 1);

it("reads back what it wrote, wherever the container lies in memory", () => {
  fc.assert(
    fc.property(tensors, fc.nat(7), (written, shift) => {
      const bytes = Buffer.concat([Buffer.alloc(shift), ...writeTensors(written)]).subarray(shift);
      const read = readTensors(bytes);
      expect(read.ok && [...read.value].sort(byName)).toEqual([...written].sort(byName));
    }),
  );
});

it("refuses, and never throws at, what is cut short or changed", () => {
  fc.assert(
    fc.property(tensors, fc.nat(), fc.nat(255), (written, place, byte) => {
      const bytes = Buffer.concat(writeTensors(written));
      const changed = Buffer.from(bytes);
      changed[place % bytes.length] = byte;
      for (const wrong of [changed, bytes.subarray(0, place % bytes.length)]) {
        const read = readTensors(wrong);
        if (!read.ok) expect(read.refusal.code).toBe("bad_input");
      }
    }),
  );
});
