import binaryen from "binaryen";
import fc from "fast-check";
import { expect, it } from "vitest";
import { confine, GROW_REFUSED, HOST, MEMORY } from "./confine.ts";
import { type Module, webAssembly } from "./webassembly.ts";

const compile = (bytes: Uint8Array): Promise<Module> => webAssembly.compile(bytes);

function wat(body: string): Uint8Array {
  const module = binaryen.parseText(`(module ${body})`);
  module.setFeatures(binaryen.Features.All);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

/** A function body with an instruction of every shape of operands, and `memory.grow` between them. */
const MANY = `
  (type $t (func (param i32) (result i32))) (table 4 funcref) (elem declare func $f) (memory (export "memory") 1)
  (global $g (mut i64) (i64.const -1)) (data $d "passive")
  (func $f (type $t) (local.get 0))
  (func (export "_start") (local $i i32) (local $v v128) (local $r funcref)
    (block $out (loop $on
      (br_table $out $on $out (i32.const 0))
      (drop (memory.grow (i32.const 0)))))
    (drop (if (result i32) (i32.const 64) (then (memory.grow (i32.const 1))) (else (i32.const 0x40))))
    (drop (i64.const 0x4040404040404040)) (drop (f32.const 3.0)) (drop (f64.const 3.00000001))
    (global.set $g (i64.load offset=64 align=4 (i32.const 64)))
    (i64.store8 offset=0x4040 (i32.const 0) (i64.const 0x40))
    (local.set $v (v128.const i64x2 0x4040404040404040 0x4040404040404040))
    (local.set $v (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $v) (local.get $v)))
    (local.set $v (v128.load8_lane offset=64 3 (i32.const 0) (local.get $v)))
    (drop (i32x4.extract_lane 2 (local.get $v)))
    (v128.store (i32.const 128) (i32x4.add (local.get $v) (local.get $v)))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 7)) (data.drop $d)
    (memory.copy (i32.const 0) (i32.const 64) (i32.const 64)) (memory.fill (i32.const 0) (i32.const 64) (i32.const 64))
    (drop (i32.trunc_sat_f32_s (f32.const 64)))
    (local.set $r (ref.func $f)) (table.set 0 (i32.const 0) (local.get $r))
    (drop (table.grow 0 (local.get $r) (i32.const 1))) (drop (table.size 0)) (drop (ref.is_null (local.get $r)))
    (drop (call_indirect (type $t) (i32.const 64) (i32.const 0)))
    (drop (select (result i32) (i32.const 64) (i32.const 1) (memory.grow (i32.const 1))))
    (drop (memory.size)))`;

async function run(body: string, initial: number, maximum: number) {
  const confined = confine(wat(body));
  if (!confined.ok) throw new Error(confined.refusal.message);
  const memory = new webAssembly.Memory({ initial, maximum });
  const instance = new webAssembly.Instance(await compile(confined.value.bytes), {
    [HOST]: { [MEMORY]: memory },
  });
  (instance.exports._start as () => void)();
  return {
    pages: memory.buffer.byteLength / 65_536,
    refused: (instance.exports[GROW_REFUSED] as { value: number }).value,
  };
}

it("finds every memory.grow among instructions of every shape, and nothing else", async () => {
  expect(await run(MANY, 1, 10)).toEqual({ pages: 3, refused: 0 });
  expect(await run(MANY, 1, 2)).toEqual({ pages: 2, refused: 1 });
});

it("grows and refuses as the memory itself does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(12), { maxLength: 8 }),
      fc.integer({ min: 1, max: 20 }),
      async (steps, maximum) => {
        const body = steps.map((pages) => `(drop (memory.grow (i32.const ${pages})))`).join(" ");
        let pages = 1;
        let refused = 0;
        for (const step of steps) {
          if (pages + step <= maximum) pages += step;
          else refused = 1;
        }
        const grown = await run(
          `(memory 1) (func (export "_start") ${body} (drop (memory.grow (i32.const 0))))`,
          1,
          maximum,
        );
        expect(grown).toEqual({ pages, refused });
      },
    ),
    { numRuns: 30 },
  );
});

it("refuses or confines, and never throws, whatever bytes it is given", () => {
  const module = wat(MANY);
  fc.assert(
    fc.property(fc.nat(module.length - 1), fc.nat(255), (place, byte) => {
      const changed = Uint8Array.from(module);
      changed[place] = byte;
      for (const bytes of [changed, module.subarray(0, place)]) {
        const confined = confine(bytes);
        expect(confined.ok || confined.refusal.code === "bad_program").toBe(true);
      }
    }),
  );
});

it("refuses types of the garbage collector", () => {
  expect(
    confine(
      wat(`(type $a (array (mut i8))) (func (export "_start") (drop (array.new_default $a (i32.const 9))))`),
    ),
  ).toMatchObject({
    refusal: { code: "bad_program", message: expect.stringContaining("garbage collector") },
  });
});
