import { FLAVOUR, nodeGrade } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  type Bytes,
  formatBitRate,
  formatBytes,
  formatComputingPower,
  formatMemory,
  formatMoney,
  formatTime,
  type Micros,
  type Money,
} from "@weft/kernel";
import type { LinkView, NodeView, TaskView, Timeline } from "@weft/service";
import type { AccountView, UsageView } from "@weft/service-http/client";
import { decisionText } from "../commands/plan.ts";
import { Table } from "../table.ts";
import type { Stop } from "./tour.ts";

/* What `weft demo` and `weft up` print: measured figures, in the words of experience. */

/** Nodes as measured, with how far each is from a site. */
export function nodeTable(
  nodes: readonly NodeView[],
  links: readonly LinkView[],
  from: string,
  shares: ReadonlyMap<string, string>,
): string[] {
  const order = { cloud: 0, edge: 1, end: 2 };
  const rows = [...nodes]
    .sort((a, b) => order[a.description.tier] - order[b.description.tier])
    .map(({ description: node }) => [
      node.id,
      node.tier,
      node.site,
      formatComputingPower(node.power.logical, FLAVOUR.logical),
      formatComputingPower(node.power.parallel, FLAVOUR.parallel),
      formatComputingPower(node.power.neural, FLAVOUR.neural),
      nodeGrade(node.power),
      formatMemory(node.memoryBytes),
      distance(links, from, node.site),
      shares.get(node.id) ?? "",
    ]);
  const headers = [
    "NODE",
    "TIER",
    "SITE",
    "LOGICAL",
    "PARALLEL",
    "NEURAL",
    "GRADE",
    "MEMORY",
    "TO YOU, DIRECT",
    "SHARE",
  ];
  const table = new Table(headers, rows);
  return [table.line(headers), ...rows.map((row) => table.line(row))];
}

function distance(links: readonly LinkView[], from: string, to: string): string {
  if (from === to) return "local";
  const link = links.find(({ state }) => state.from === from && state.to === to)?.state;
  if (link === undefined || link.delay === null) return "unknown";
  const rate =
    link.capacity === null ? "rate unknown" : formatBitRate(Math.round(link.capacity) as BitsPerSecond);
  return `${formatTime(link.delay)}, ${rate}`;
}

const LABEL = 12;
const MOST_SAID = 8;

/** Lines under one label: the label stands before the first. */
const labelled = (label: string, lines: readonly string[]): string[] =>
  lines.map((line, i) => `${(i === 0 ? label : "").padStart(LABEL)}  ${line}`);

/** One task: where it went, what it said, why there, what it took and what it cost. */
export async function stopText(stop: Stop, currency: string): Promise<string[]> {
  const { task, decision, contract, usage, learnt, note } = stop;
  const run = task.runs.at(-1);
  const said = stop.said.filter((line) => line.trim() !== "");
  const hidden = said.length - MOST_SAID;
  const shown = hidden > 1 ? [...said.slice(0, MOST_SAID), `... ${hidden} more lines`] : said;
  // Its first line is the heading already.
  const why = (await decisionText(decision)).split("\n").slice(1);
  const charged = task.charged === null ? "nothing" : formatMoney(task.charged, currency);
  return [
    `${task.name}   ${task.needs.compute.type}   on ${run?.node ?? "-"}, path ${run?.path.join(" > ") ?? "-"}`,
    ...labelled("result", shown),
    ...labelled("why there", note === null ? why : [note, ...why]),
    ...labelled("before", learnt.map(timeText)),
    ...labelled("time", [timeText(task)]),
    ...labelled("metered", [usage === null ? "nothing" : usageText(usage)]),
    ...labelled("price", [`${charged} of at most ${formatMoney(contract.ceiling, currency)}`]),
    ...labelled("contract", [`${contract.id}, ${contract.state}, signed by consumer, provider and manager`]),
    "",
  ];
}

function timeText(task: TaskView): string {
  const run = task.runs.at(-1);
  return `took ${total(run?.actual ?? null)} on ${run?.node ?? "-"}, predicted ${total(run?.predicted ?? null)}`;
}

function usageText({ usage: { record } }: UsageView): string {
  const held = Math.round(Number(record.memoryTime) / Math.max(1, record.wallTime)) as Bytes;
  return `${formatTime(record.cpuTime)} of CPU time, ${formatMemory(held)} of memory held, ${formatBytes(record.inputBytes)} in, ${formatBytes(record.outputBytes)} out`;
}

const total = (timeline: Timeline | null): string =>
  timeline === null ? "-" : formatTime(timeline.total as Micros);

/** Every account that something moved on, and their sum. */
export function booksText(
  accounts: readonly AccountView[],
  credits: ReadonlyMap<string, Money>,
  currency: string,
): string[] {
  const moved = accounts
    .map((account) => ({
      account,
      amount: account.balance.posted - (credits.get(account.id) ?? 0n),
    }))
    .filter(({ amount, account }) => amount !== 0n && account.id !== "world");
  const sum = accounts.reduce((all, account) => all + account.balance.posted, 0n);
  const lines = moved.map(
    ({ account, amount }) =>
      `${account.role.padEnd(8)}  ${account.id.padEnd(10)}  ${(amount > 0n ? "+" : "") + formatMoney(amount as Money)}`,
  );
  return [
    `books, in ${currency}`,
    ...lines.map((line) => `  ${line}`),
    `  all accounts together: ${formatMoney(sum as Money)}`,
  ];
}
