import { PNG } from "pngjs";
import { PipelineFailure } from "./network.ts";

/** A picture: rgba[4 * (y * width + x) + channel], 8 bits each. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

export function readPng(bytes: Uint8Array): Picture {
  try {
    const { width, height, data } = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return { width, height, rgba: data };
  } catch (error) {
    throw new PipelineFailure(
      "program_failed",
      `the input is not a PNG picture: ${(error as Error).message}`,
    );
  }
}

/** How one channel is brought to what a network was trained on: (value / 255 - mean) / deviation. */
export interface Normal {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** A parallelogram of a picture: its first corner, and the steps along its width and down its height. */
export interface Patch {
  readonly x: number;
  readonly y: number;
  readonly alongX: number;
  readonly alongY: number;
  readonly downX: number;
  readonly downY: number;
}

/**
 * Samples a patch with bilinear weights into planes[(channel * rows + row) * columns + column]; the channels are blue,
 * green, red, as PaddleOCR trains. What lies outside the picture repeats its edge.
 */
export function sample(
  picture: Picture,
  patch: Patch,
  normal: Normal,
  planes: Float32Array,
  columns: number,
  rows: number,
): void {
  const { width, height, rgba } = picture;
  const plane = rows * columns;
  const stepX = patch.alongX / columns;
  const stepY = patch.alongY / columns;
  for (let row = 0; row < rows; row++) {
    const down = (row + 0.5) / rows;
    const rowX = patch.x + patch.downX * down - 0.5;
    const rowY = patch.y + patch.downY * down - 0.5;
    for (let column = 0; column < columns; column++) {
      const x = Math.min(width - 1, Math.max(0, rowX + (column + 0.5) * stepX));
      const y = Math.min(height - 1, Math.max(0, rowY + (column + 0.5) * stepY));
      const left = Math.floor(x);
      const top = Math.floor(y);
      const fx = x - left;
      const fy = y - top;
      const a = 4 * (top * width + left);
      const right = left + 1 < width ? 4 : 0;
      const below = top + 1 < height ? 4 * width : 0;
      const out = row * columns + column;
      for (let channel = 0; channel < 3; channel++) {
        const at = a + 2 - channel;
        const upper = (rgba[at] as number) * (1 - fx) + (rgba[at + right] as number) * fx;
        const lower = (rgba[at + below] as number) * (1 - fx) + (rgba[at + below + right] as number) * fx;
        const value = (upper * (1 - fy) + lower * fy) / 255;
        planes[out + channel * plane] =
          (value - (normal.mean[channel] as number)) / (normal.deviation[channel] as number);
      }
    }
  }
}
