import {
  type BitsPerSecond,
  formatBitRate,
  formatTime,
  type Micros,
  parseBitRate,
  parseTime,
  type Result,
} from "@weft/kernel";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { failed, misused, must } from "../failure.ts";
import type { DistanceChange } from "../network/distances.ts";
import { printValue } from "../print.ts";
import { percent } from "../text.ts";
import { documentOption } from "./plan.ts";

interface Options {
  readonly delay?: string;
  readonly jitter?: string;
  readonly rate?: string;
  readonly loss?: string;
  readonly down?: true;
  readonly up?: true;
  readonly reset?: true;
  readonly oneWay?: true;
  readonly output?: "json" | "yaml";
}

export function register(program: Command, context: Context): void {
  program
    .command("distance")
    .summary("show or change emulated distances while a network runs")
    .description(
      "Shows the emulated distances of a network that weft up runs on this machine, or changes the one between two sites, at once and for all that passes it; other domains are sites such as @city. For its manager only, and not for weft demo, which takes care of itself; what probes then find, and what is done about it, is the network's own affair.",
    )
    .argument("[from]", "site")
    .argument("[to]", "site")
    .option("--delay <time>", "one way, such as 40ms")
    .option("--jitter <time>", "standard deviation of the delay, such as 2ms")
    .option("--rate <rate>", "bandwidth such as 50Mbps, or max: as fast as the machine")
    .option("--loss <share>", "share of datagrams lost, such as 2%")
    .addOption(new Option("--down", "nothing passes").conflicts("up"))
    .option("--up", "it passes again")
    .option("--reset", "as the network file says; without sites all of them")
    .option("--one-way", "the direction named only")
    .addOption(documentOption())
    .action((from: string | undefined, to: string | undefined, options: Options) =>
      distance(context, from, to, options),
    );
}

async function distance(
  context: Context,
  from: string | undefined,
  to: string | undefined,
  options: Options,
): Promise<void> {
  const change = changeOf(from, to, options);
  const { askDistances, controlOf } = await import("../network/distances.ts");
  const { server, token } = context.network;
  const control = controlOf(context.folder, server);
  if (control === null) {
    throw failed(
      "E_NOT_FOUND",
      `no network at ${server} runs from ${context.folder}`,
      "distances are changed where weft up was started; those of weft demo stay as scenarios/demo.yaml has them",
    );
  }
  const links = must(await askDistances(control, token, change));
  if (options.output !== undefined) return printValue(context, { items: links }, options.output);
  const { Table } = await import("../table.ts");
  const titles = ["FROM", "TO", "DELAY", "JITTER", "RATE", "LOSS", "PASSES"];
  const rows = links.map((link) => [
    link.from,
    link.to,
    formatTime(link.delay),
    formatTime((link.jitter ?? 0) as Micros),
    link.rate === null ? "max" : formatBitRate(link.rate),
    percent(link.loss ?? 0),
    link.up === false ? "no" : "yes",
  ]);
  const table = new Table(titles, rows);
  for (const row of [titles, ...rows]) context.print(table.line(row));
}

/** What is asked to change; null: nothing. */
function changeOf(from: string | undefined, to: string | undefined, options: Options): DistanceChange | null {
  const { delay, jitter, rate, loss, down, up, reset = false, oneWay = false } = options;
  const plain = [delay, jitter, rate, loss, down, up].some((one) => one !== undefined);
  const asked = plain || reset;
  if (!asked && from === undefined) return null;
  if (from === undefined && reset && !plain) return { reset, change: {} };
  if (from === undefined || to === undefined || !asked) {
    throw misused(
      "weft distance <from> <to>: expected two sites and what is to change, such as --delay 40ms",
    );
  }
  return {
    ...{ from, to, oneWay, reset },
    change: {
      ...(delay === undefined ? {} : { delay: read("--delay", delay, parseTime) }),
      ...(jitter === undefined ? {} : { jitter: read("--jitter", jitter, parseTime) }),
      ...(rate === undefined
        ? {}
        : { rate: rate === "max" ? null : read<BitsPerSecond>("--rate", rate, parseBitRate) }),
      ...(loss === undefined ? {} : { loss: share(loss) }),
      ...(down === undefined ? {} : { up: false }),
      ...(up === undefined ? {} : { up: true }),
    },
  };
}

function read<T>(flag: string, text: string, parse: (text: string) => Result<T>): T {
  const parsed = parse(text);
  if (parsed.ok) return parsed.value;
  throw misused(`${flag}: found "${text}", expected ${parsed.refusal.expected ?? parsed.refusal.message}`);
}

function share(text: string): number {
  const part = /^\d+(\.\d+)?\s*%$/.test(text) ? Number.parseFloat(text) / 100 : Number(text);
  if (part >= 0 && part <= 1) return part;
  throw misused(`--loss: found "${text}", expected a part such as 2%`);
}
