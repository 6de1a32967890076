import type { Command } from "commander";
import type { Context } from "../context.ts";
import { misused, must } from "../failure.ts";
import { cellsOf, columnsOf } from "../print.ts";
import { nodes } from "../resources/nodes.ts";
import type { AnyResource } from "../resources/resource.ts";
import { tasks } from "../resources/tasks.ts";
import { Table } from "../table.ts";
import { validity } from "./apply.ts";

const MOST_TASKS = 20;

export function register(program: Command, context: Context): void {
  program
    .command("top")
    .summary("a live table of nodes and tasks")
    .description("Shows nodes and the latest tasks, drawn anew until Ctrl-C. Off a terminal it prints once.")
    .option("--every <time>", "time between two looks", "1s")
    .option("--once", "look once and end")
    .action(async (options: { readonly every: string; readonly once?: true }) => {
      const everyMs = validity(options.every, "--every") / 1000;
      if (everyMs < 100) throw misused(`--every: found "${options.every}", expected at least 100ms`);
      const live = context.out.isTTY === true && context.env.TERM !== "dumb" && !options.once;
      if (!live) return context.print((await screen(context)).join("\n"));
      await redraw(context, everyMs);
    });
}

async function redraw(context: Context, everyMs: number): Promise<void> {
  const { pause } = await import("@weft/live");
  // The other screen, so that what was there before comes back; the cursor hidden meanwhile.
  context.out.write("\u001b[?1049h\u001b[?25l");
  const leave = (): void => void context.out.write("\u001b[?25h\u001b[?1049l");
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    while (!stop.signal.aborted) {
      const rows = context.out.rows ?? 24;
      const columns = context.out.columns ?? 80;
      const lines = (await screen(context)).slice(0, rows - 1).map((line) => line.slice(0, columns));
      context.out.write(`\u001b[H\u001b[2J${lines.join("\n")}`);
      await pause(everyMs, stop.signal);
    }
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    leave();
  }
}

async function screen(context: Context): Promise<string[]> {
  const client = await context.client();
  const [network, nodeList, taskList] = await Promise.all([
    client.call("GET /v1/network", {}),
    nodes.list(client, { labels: "", limit: null }),
    tasks.list(client, { labels: "", limit: MOST_TASKS }),
  ]);
  const { name, now } = must(network);
  const up = nodeList.filter((node) => node.health === "up").length;
  const running = nodeList.reduce((sum, node) => sum + node.runningTasks, 0);
  const table = (resource: AnyResource, items: readonly unknown[]): string[] => {
    const columns = columnsOf(resource, "table");
    const headers = columns.map((column) => column.header);
    const rows = items.map((item) => cellsOf(columns, item, now));
    const aligned = new Table(headers, rows);
    return [headers, ...rows].map((row) => aligned.line(row));
  };
  return [
    `${name} · ${up} of ${nodeList.length} nodes up · ${running} tasks running · ${new Date(now / 1000).toISOString().slice(11, 19)} UTC`,
    "",
    ...table(nodes, nodeList),
    "",
    ...table(tasks, taskList),
  ];
}
