import { parseGpus } from "@weft/infrastructure-host";
import { expect, it } from "vitest";
import { gpuLines } from "./measure.ts";

it("every GPU has a line with what its driver says, and what it does not say is unknown", () => {
  const gpus = parseGpus(
    [
      "0, NVIDIA H100 80GB HBM3, GPU-3f0c, 535.183.06, 81559, 81008, 700.00, 345, 1980, 2619, 9.0, Disabled",
      "1, NVIDIA GB10, GPU-9e8f, 580.95.05, [N/A], [N/A], [N/A], 208, 3003, [N/A], 12.1, [N/A]",
    ].join("\n"),
  );
  expect(gpuLines(gpus).join("\n").trim()).toBe(
    [
      "GPU   NAME                    MEMORY     FREE       DRIVER       POWER LIMIT   CLOCK     AT MOST    MEMORY CLOCK   CUT",
      "0     NVIDIA H100 80GB HBM3   79.6 GiB   79.1 GiB   535.183.06   700 W         345 MHz   1980 MHz   2619 MHz       no",
      "1     NVIDIA GB10             -          -          580.95.05    -             208 MHz   3003 MHz   -              -",
    ].join("\n"),
  );
  expect(gpuLines([])).toEqual(["GPUs none found (nvidia-smi lists none)"]);
});
