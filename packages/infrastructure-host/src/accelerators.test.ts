import { describe, expect, it } from "vitest";
import { acceleratorsOf, findGpus, parseGpus } from "./accelerators.ts";

/* Lines in the form in which `nvidia-smi --query-gpu=... --format=csv,noheader,nounits` writes them; the values are made up. */
const H100 =
  "0, NVIDIA H100 80GB HBM3, GPU-3f0cbe4e-6c56-8f1a-d8a2-2a1f6b8f1c11, 535.183.06, 81559, 81008, 700.00, 345, 1980, 2619, 9.0, Disabled";
const A100_CUT =
  "1, NVIDIA A100-SXM4-40GB, GPU-b7a2, 525.105.17, 40960, 40327, 400.00, 210, 1410, 1215, 8.0, Enabled";
const LAPTOP =
  "0, NVIDIA GeForce RTX 3060 Laptop GPU, GPU-1c2d, 550.90.07, 6144, 5936, [N/A], 210, 2100, 7001, 8.6, [N/A]";
/** Its memory is the machine's own: the driver counts none. */
const SHARED = "0, NVIDIA GB10, GPU-9e8f, 580.95.05, [N/A], [N/A], [N/A], 208, 3003, [N/A], 12.1, [N/A]";
const BROKEN =
  "2, Tesla T4, GPU-77aa, 470.57.02, 15109, 15105, [Unknown Error], [N/A], 1590, 5001, 7.5, [N/A]";

describe("GPUs as nvidia-smi tells of them", () => {
  it("gives every figure in base units", () => {
    expect(parseGpus(`${H100}\n`)).toEqual([
      {
        index: 0,
        name: "NVIDIA H100 80GB HBM3",
        uuid: "GPU-3f0cbe4e-6c56-8f1a-d8a2-2a1f6b8f1c11",
        driver: "535.183.06",
        computeCapability: "9.0",
        memoryBytes: 81559 * 2 ** 20,
        freeMemoryBytes: 81008 * 2 ** 20,
        powerLimitWatts: 700,
        clockHz: 345e6,
        mostClockHz: 1980e6,
        mostMemoryClockHz: 2619e6,
        instances: "Disabled",
      },
    ]);
    expect(parseGpus(A100_CUT)[0]?.instances).toBe("Enabled");
  });

  it("leaves unknown what the driver does not say, never zero", () => {
    expect(parseGpus(LAPTOP)[0]).toMatchObject({ powerLimitWatts: null, instances: null, clockHz: 210e6 });
    expect(parseGpus(BROKEN)[0]).toMatchObject({ powerLimitWatts: null, clockHz: null, mostClockHz: 1590e6 });
    expect(parseGpus(SHARED)[0]).toMatchObject({ memoryBytes: null, freeMemoryBytes: null });
  });

  it("offers those whose memory is known", () => {
    expect(acceleratorsOf(parseGpus([H100, SHARED, LAPTOP].join("\r\n")))).toEqual([
      { kind: "gpu", model: "NVIDIA H100 80GB HBM3", memoryBytes: 81559 * 2 ** 20 },
      { kind: "gpu", model: "NVIDIA GeForce RTX 3060 Laptop GPU", memoryBytes: 6144 * 2 ** 20 },
    ]);
  });

  it("takes words that are no list for no GPU", () => {
    expect(parseGpus("No devices were found\n")).toEqual([]);
    expect(parseGpus("")).toEqual([]);
    expect(parseGpus(Array.from({ length: 12 }, () => "[N/A]").join(", "))).toEqual([]);
  });

  it("asks an old program only for what it knows", async () => {
    const asked: string[] = [];
    const old = async (_command: string, [query]: readonly string[]): Promise<string> => {
      asked.push(query as string);
      if (query?.includes("mig.mode"))
        throw new Error('Field "mig.mode.current" is not a valid field to query.');
      return "0, Tesla K80, GPU-00, 390.30, 11441, 11430\n";
    };
    expect(await findGpus(old)).toMatchObject([
      { name: "Tesla K80", memoryBytes: 11441 * 2 ** 20, powerLimitWatts: null, computeCapability: null },
    ]);
    expect(asked).toHaveLength(2);
  });

  it("finds none where there is no such program", async () => {
    expect(await findGpus(() => Promise.reject(new Error("ENOENT")))).toEqual([]);
  });
});
