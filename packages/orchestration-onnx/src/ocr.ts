import { readFileSync } from "node:fs";
import { type Normal, type Picture, readPng, sample } from "./image.ts";
import { loadNetwork, type Network, PipelineFailure } from "./network.ts";
import type { Pipeline } from "./pipeline.ts";
import type { NamedTensor } from "./safetensors.ts";
import { type Box, rowsOf, textBoxes } from "./text-boxes.ts";

/*
 * The pipeline `ocr`: a picture (PNG) in, the lines of text in it out. Its networks are, in this order, a detector
 * with a map of probabilities as its output (DB), a recogniser with one distribution over characters per column
 * (CTC), and the recogniser's dictionary: UTF-8 text, one character a line. PP-OCR's models are of this kind.
 */

const DETECTION: Normal = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
const RECOGNITION: Normal = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };
/** Sides of what the detector sees are multiples of this. */
const GRID = 32;
const LINE_HEIGHT = 48;
/** A line read with less confidence than this is no text. */
const LINE_FROM = 0.5;

interface Line {
  readonly text: string;
  /** Mean probability of the characters read. */
  readonly confidence: number;
}

async function outputOf(
  network: Network,
  planes: Float32Array,
  shape: readonly number[],
): Promise<NamedTensor> {
  const name = network.inputs[0]?.name ?? "x";
  const [output] = await network.run([{ name, type: "float32", shape, data: planes }]);
  if (output === undefined || output.type !== "float32") {
    throw new PipelineFailure("bad_program", "the network gives no float32 output");
  }
  return output;
}

/** Boxes around lines of text, in the picture's coordinates. The longer side is brought to at most `side`. */
async function detect(network: Network, picture: Picture, side: number): Promise<Box[]> {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const fit = (length: number) => Math.max(GRID, Math.round((length * scale) / GRID) * GRID);
  const columns = fit(picture.width);
  const rows = fit(picture.height);
  const planes = new Float32Array(3 * rows * columns);
  const whole = { x: 0, y: 0, alongX: picture.width, alongY: 0, downX: 0, downY: picture.height };
  sample(picture, whole, DETECTION, planes, columns, rows);
  const map = await outputOf(network, planes, [1, 3, rows, columns]);
  if (map.data.length !== rows * columns) {
    throw new PipelineFailure("bad_program", "the detector's map is not of the picture's size");
  }
  const sx = picture.width / columns;
  const sy = picture.height / rows;
  return textBoxes(map.data as Float32Array, columns, rows).map((box) => stretched(box, sx, sy));
}

/** A box of a picture that is scaled by nearly the same in both directions. */
function stretched(box: Box, sx: number, sy: number): Box {
  const alongX = box.ux * box.width * sx;
  const alongY = box.uy * box.width * sy;
  const width = Math.hypot(alongX, alongY);
  const height = Math.hypot(box.uy * box.height * sx, box.ux * box.height * sy);
  return { x: box.x * sx, y: box.y * sy, ux: alongX / width, uy: alongY / width, width, height };
}

/** The best path of CTC (Graves et al. 2006): the likeliest class a column, repeats joined, blanks (class 0) dropped. */
function decode(scores: Float32Array, columns: number, classes: readonly string[]): Line {
  let text = "";
  let sum = 0;
  let count = 0;
  let last = 0;
  for (let column = 0; column < columns; column++) {
    const at = column * classes.length;
    let best = 0;
    let bestScore = scores[at] as number;
    for (let i = 1; i < classes.length; i++) {
      const value = scores[at + i] as number;
      if (value > bestScore) {
        bestScore = value;
        best = i;
      }
    }
    if (best !== 0 && best !== last) {
      text += classes[best];
      sum += bestScore;
      count++;
    }
    last = best;
  }
  return { text, confidence: count === 0 ? 0 : sum / count };
}

/** Lines go one by one: measured, eight at once take longer on a CPU, and are padded to the longest besides. */
async function recognise(
  network: Network,
  picture: Picture,
  { x, y, ux, uy, width, height }: Box,
  classes: readonly string[],
): Promise<Line> {
  const columns = Math.max(16, Math.ceil((width / height) * (LINE_HEIGHT / 8)) * 8);
  const planes = new Float32Array(3 * LINE_HEIGHT * columns);
  const patch = {
    x: x - (ux * width - uy * height) / 2,
    y: y - (uy * width + ux * height) / 2,
    alongX: ux * width,
    alongY: uy * width,
    downX: -uy * height,
    downY: ux * height,
  };
  sample(picture, patch, RECOGNITION, planes, columns, LINE_HEIGHT);
  const output = await outputOf(network, planes, [1, 3, LINE_HEIGHT, columns]);
  const [, steps, found] = output.shape;
  if (steps === undefined || found !== classes.length) {
    throw new PipelineFailure(
      "bad_program",
      `the recogniser tells ${found} classes apart, its dictionary has ${classes.length} with blank and space`,
    );
  }
  return decode(output.data as Float32Array, steps, classes);
}

/** Classes of the recogniser: blank, the dictionary's characters, the space. */
function readDictionary(path: string): string[] {
  const characters = readFileSync(path, "utf8").replace(/\r/g, "").replace(/\n$/, "").split("\n");
  return ["", ...characters, " "];
}

function sideOf(options: Readonly<Record<string, string>>): number {
  const side = Number(options.side ?? "960");
  if (!Number.isInteger(side) || side < GRID || side > 4096) {
    throw new PipelineFailure("bad_program", `the option side is from ${GRID} to 4096, not ${options.side}`);
  }
  return side;
}

/** The pipeline `ocr`. Option `side`: the longest side, in pixels, at which text is looked for; 960 unless given. */
export async function loadOcr(paths: readonly string[], lanes: number): Promise<Pipeline> {
  const [detectorPath, recogniserPath, dictionaryPath] = paths;
  if (
    detectorPath === undefined ||
    recogniserPath === undefined ||
    dictionaryPath === undefined ||
    paths.length > 3
  ) {
    throw new PipelineFailure(
      "bad_program",
      `the pipeline ocr takes a detector, a recogniser and a dictionary, not ${paths.length} files`,
    );
  }
  const detector = await loadNetwork(detectorPath, lanes);
  const recogniser = await loadNetwork(recogniserPath, lanes);
  const classes = readDictionary(dictionaryPath);
  return {
    async run(input, options, progress) {
      const side = sideOf(options);
      const picture = readPng(input);
      const boxes = await detect(detector, picture, side);
      const lines = new Map<Box, Line>();
      for (const box of boxes) {
        progress(lines.size + 1, boxes.length + 1);
        lines.set(box, await recognise(recogniser, picture, box, classes));
      }
      return [new TextEncoder().encode(textOf(boxes, lines))];
    },
  };
}

/** The text in reading order, a row a line, boxes of a row apart by a blank. */
function textOf(boxes: readonly Box[], lines: ReadonlyMap<Box, Line>): string {
  const rows = rowsOf(boxes).map((row) =>
    row
      .map((box) => lines.get(box))
      .filter((line) => line !== undefined && line.text.trim() !== "" && line.confidence >= LINE_FROM)
      .map((line) => line?.text.trim())
      .join(" "),
  );
  return rows
    .filter((row) => row !== "")
    .map((row) => `${row}\n`)
    .join("");
}
