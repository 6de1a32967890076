import { FLAVOUR, nodeGrade } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  formatBitRate,
  formatComputingPower,
  formatMemory,
  formatMoney,
  formatTime,
  type Micros,
  type Money,
} from "@weft/kernel";
import type { LinkView, NodeView, Timeline } from "@weft/service";
import type { AccountView } from "@weft/service-http/client";
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

/** One task: what it said, where it went, why, what it took and what it cost. */
export async function stopText(stop: Stop, currency: string): Promise<string[]> {
  const { task, decision, contract, usage, learnt, note } = stop;
  const run = task.runs.at(-1);
  const { type } = task.needs.compute;
  const said = stop.said.slice(0, 6).map((line) => `         | ${line}`);
  if (stop.said.length > 6) said.push(`         | ... ${stop.said.length - 6} more lines`);
  const why = (await decisionText(decision)).split("\n").map((line) => `         ${line}`);
  const times = [...learnt, task].map((one) => {
    const last = one.runs.at(-1);
    return `predicted ${total(last?.predicted ?? null)}, took ${total(last?.actual ?? null)} on ${last?.node ?? "-"}`;
  });
  const charged = task.charged === null ? "nothing" : formatMoney(task.charged, currency);
  const metered =
    usage === null
      ? "none"
      : `${formatTime(usage.usage.record.cpuTime)} CPU, ${formatMemory(
          Math.round(
            Number(usage.usage.record.memoryTime) / Math.max(1, usage.usage.record.wallTime),
          ) as never,
        )} held, ${usage.usage.record.inputBytes} B in, ${usage.usage.record.outputBytes} B out`;
  return [
    `  ${task.name}   ${type}   -> ${run?.node ?? "-"}   path ${run?.path.join(" > ") ?? "-"}`,
    ...said,
    `     why ${why.join("\n").trimStart()}`,
    ...(note === null ? [] : [`         ${note}`]),
    ...times.map((line, i) => `    ${i === times.length - 1 ? "time" : " ..."} ${line}`),
    `   price ${charged} of at most ${formatMoney(contract.ceiling, currency)}; metered ${metered}`,
    `contract ${contract.id} ${contract.state}, signed by consumer, provider and manager`,
    "",
  ];
}

const total = (timeline: Timeline | null): string =>
  timeline === null ? "-" : formatTime(timeline.total as Micros);

/** Every account that something moved on, and their sum. */
export function booksLine(
  accounts: readonly AccountView[],
  credits: ReadonlyMap<string, Money>,
  currency: string,
): string {
  const moved = accounts
    .map((account) => ({
      account,
      amount: account.balance.posted - (credits.get(account.id) ?? 0n),
    }))
    .filter(({ amount, account }) => amount !== 0n && account.id !== "world");
  const parts = moved.map(
    ({ account, amount }) =>
      `${account.role} ${account.id} ${amount > 0n ? "+" : ""}${formatMoney(amount as Money)}`,
  );
  const sum = accounts.reduce((all, account) => all + account.balance.posted, 0n);
  return `  books (${currency})   ${parts.join("   ")}   sum of all accounts ${sum}`;
}
