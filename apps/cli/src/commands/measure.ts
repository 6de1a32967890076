import { join } from "node:path";
import { COMPUTE_TYPES, FLAVOUR, type Measured } from "@weft/infrastructure";
import type { GpuFacts, HostMeasurement } from "@weft/infrastructure-host";
import {
  formatByteRate,
  formatBytes,
  formatComputingPower,
  formatMemory,
  formatTime,
  formatWork,
  type Instant,
  instant,
} from "@weft/kernel";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { misused } from "../failure.ts";
import { printValue } from "../print.ts";
import { Table } from "../table.ts";
import { known, percent, since } from "../text.ts";
import { documentOption } from "./plan.ts";

interface Options {
  readonly fresh?: true;
  readonly share: string;
  readonly output?: "json" | "yaml";
}

export function register(program: Command, context: Context): void {
  program
    .command("measure")
    .summary("measure this machine's computing power, memory and storage")
    .description(
      "Measures this machine: nothing is declared. Takes under ten seconds; figures are kept by hardware fingerprint.",
    )
    .option("--fresh", "measure again even when figures of this hardware are kept")
    .option("--share <part>", "part of the machine to measure for, above 0 up to 1", "1")
    .addOption(documentOption())
    .action((options: Options) => measure(context, options));
}

async function measure(context: Context, options: Options): Promise<void> {
  const share = Number(options.share);
  if (!(share > 0 && share <= 1)) {
    throw misused(`--share: found "${options.share}", expected a number above 0 up to 1`);
  }
  const { measureHost } = await import("@weft/infrastructure-host");
  if (context.err.isTTY) context.note("measuring, under ten seconds ...");
  const measured = await measureHost({
    share,
    fresh: options.fresh === true,
    cacheDir: join(context.folder, "measured"),
  });
  if (options.output !== undefined) return printValue(context, measured, options.output);
  context.print(measurementText(measured, instant(Date.now() * 1000)));
}

/** Every figure with its unit, spread and method, and what else is known of the machine. */
function measurementText(measured: HostMeasurement, now: Instant): string {
  const { storage } = measured;
  const row = <T extends number>(what: string, figure: Measured<T>, text: string): string[] => [
    what,
    text,
    percent(figure.spread),
    formatTime(figure.took),
    // A mean names what it is made of, which has lines of its own.
    figure.method.split(": ")[0] as string,
  ];
  const headers = ["FIGURE", "MEASURED", "SPREAD", "TOOK", "METHOD"];
  const rows = [
    ...COMPUTE_TYPES.flatMap((type) => {
      const { total, lane } = measured[type];
      return [
        row(type, total, formatComputingPower(total.value, FLAVOUR[type])),
        row(`${type}, one lane`, lane, formatComputingPower(lane.value, FLAVOUR[type])),
      ];
    }),
    ...measured.networks.map(({ name, total, work }) =>
      row(`  ${name}, ${formatWork(work, "FLOP")} a run`, total, formatComputingPower(total.value, "FLOPS")),
    ),
    row("memory bandwidth", measured.memoryBandwidth, formatByteRate(measured.memoryBandwidth.value)),
    row("storage write", storage.sequentialWrite, formatByteRate(storage.sequentialWrite.value)),
    row("storage read", storage.sequentialRead, formatByteRate(storage.sequentialRead.value)),
    row("storage read, random", storage.randomRead, formatByteRate(storage.randomRead.value)),
  ];
  const table = new Table(headers, rows);
  return [
    `${measured.cpu}, ${measured.allowedCores} of ${measured.cores} cores, ${formatMemory(measured.memoryBytes)} memory, ${measured.platform}`,
    `grade ${measured.grade}`,
    "",
    ...[headers, ...rows].map((cells) => table.line(cells)),
    "",
    `storage ${formatBytes(storage.capacityBytes)}, ${formatBytes(storage.freeBytes)} free`,
    `neural engine ${measured.engine === null ? "WebAssembly (onnxruntime is missing)" : `onnxruntime ${measured.engine}`}`,
    ...gpuLines(measured.gpus),
    `measured ${since(now, measured.at)} ago in ${formatTime(measured.took)}${measured.cached ? ", kept; --fresh measures again" : ""}`,
  ].join("\n");
}

/** What the driver says of each GPU; what it does not say is shown as unknown. */
export function gpuLines(gpus: readonly GpuFacts[]): readonly string[] {
  if (gpus.length === 0) return ["GPUs none found (nvidia-smi lists none)"];
  const headers = [
    "GPU",
    "NAME",
    "MEMORY",
    "FREE",
    "DRIVER",
    "POWER LIMIT",
    "CLOCK",
    "AT MOST",
    "MEMORY CLOCK",
    "CUT",
  ];
  const hertz = (value: number | null): string => known(value, (rate) => `${Math.round(rate / 1e6)} MHz`);
  const rows = gpus.map((gpu) => [
    String(gpu.index),
    gpu.name,
    known(gpu.memoryBytes, formatMemory),
    known(gpu.freeMemoryBytes, formatMemory),
    known(gpu.driver, String),
    known(gpu.powerLimitWatts, (watts) => `${watts} W`),
    hertz(gpu.clockHz),
    hertz(gpu.mostClockHz),
    hertz(gpu.mostMemoryClockHz),
    known(gpu.instances, (mode) => (mode === "Enabled" ? "into instances" : "no")),
  ]);
  const table = new Table(headers, rows);
  return ["", ...[headers, ...rows].map((cells) => table.line(cells)), ""];
}
