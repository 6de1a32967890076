import { ok, type Refusal, type Result, Rng, refuse } from "@weft/kernel";

/*
 * Cluster traces in the format of Alibaba's GPU traces of 2023: one CSV of nodes, one of tasks ("pods").
 *   nodes  sn, cpu_milli, memory_mib, gpu, model
 *   tasks  name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec, qos, pod_phase, creation_time, deletion_time,
 *          scheduled_time
 * Times are whole seconds. gpu_milli is the share of one device in thousandths; gpu_spec names the models that will do,
 * joined by |, empty for any.
 */

export interface TraceNode {
  readonly name: string;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpus: number;
  /** Empty on nodes without GPU. */
  readonly model: string;
}

export interface TraceTask {
  readonly name: string;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpus: number;
  /** Of each of its GPUs, in thousandths. */
  readonly gpuMilli: number;
  /** Models that will do; empty: any. */
  readonly models: readonly string[];
  /** Seconds. */
  readonly arrives: number;
  readonly runsFor: number;
}

export type TraceRefusal = Refusal<"E_TRACE">;

const NODE_HEADER = "sn,cpu_milli,memory_mib,gpu,model";
const TASK_HEADER =
  "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time";

/** Refuses the first line that does not fit, by file name and line number. */
export function parseNodes(file: string, text: string): Result<TraceNode[], TraceRefusal> {
  return parseRows(file, text, NODE_HEADER, (row) => ({
    name: row.text("sn"),
    cpuMilli: row.whole("cpu_milli"),
    memoryMib: row.whole("memory_mib"),
    gpus: row.whole("gpu"),
    model: row.text("model", row.whole("gpu") === 0),
  }));
}

/** As `parseNodes`. A task that was never scheduled or deleted has empty times there; it then counts from its creation. */
export function parseTasks(file: string, text: string): Result<TraceTask[], TraceRefusal> {
  return parseRows(file, text, TASK_HEADER, (row) => {
    const arrives = row.whole("creation_time");
    const starts = row.empty("scheduled_time") ? arrives : row.whole("scheduled_time");
    const ends = row.whole("deletion_time");
    if (ends < arrives) row.refuse("deletion_time", `a time from ${arrives} on`);
    const gpus = row.whole("num_gpu");
    const gpuMilli = row.whole("gpu_milli");
    if (gpuMilli > 1000 || (gpus === 0) !== (gpuMilli === 0))
      row.refuse("gpu_milli", "1 .. 1000 where num_gpu is not 0");
    return {
      name: row.text("name"),
      cpuMilli: row.whole("cpu_milli"),
      memoryMib: row.whole("memory_mib"),
      gpus,
      gpuMilli,
      models: row.empty("gpu_spec") ? [] : row.text("gpu_spec").split("|"),
      arrives,
      runsFor: Math.max(1, ends - Math.max(arrives, starts)),
    };
  });
}

/** One line's fields by column name; a field that does not fit ends the line with a refusal. */
interface Row {
  text(column: string, mayBeEmpty?: boolean): string;
  whole(column: string): number;
  empty(column: string): boolean;
  refuse(column: string, expected: string): void;
}

function parseRows<T>(
  file: string,
  text: string,
  header: string,
  read: (row: Row) => T,
): Result<T[], TraceRefusal> {
  const lines = text.split(/\r?\n/);
  while (lines.length > 0 && lines[lines.length - 1] === "") lines.pop();
  if (lines[0] !== header) {
    return refuse("E_TRACE", `${file}:1 is not the header of such a file`, {
      found: lines[0] ?? "",
      expected: header,
    });
  }
  const columns = header.split(",");
  const rows: T[] = [];
  for (let i = 1; i < lines.length; i++) {
    const fields = (lines[i] as string).split(",");
    const where = `${file}:${i + 1}`;
    if (fields.length !== columns.length) {
      return refuse("E_TRACE", `${where} has another number of fields`, {
        found: String(fields.length),
        expected: String(columns.length),
      });
    }
    let wrong: { column: string; expected: string } | undefined;
    const field = (column: string): string => fields[columns.indexOf(column)] as string;
    const row: Row = {
      text: (column, mayBeEmpty = false) => {
        if (field(column) === "" && !mayBeEmpty) row.refuse(column, "a name");
        return field(column);
      },
      whole: (column) => {
        if (!/^\d{1,15}$/.test(field(column))) row.refuse(column, "a whole number");
        return Number(field(column));
      },
      empty: (column) => field(column) === "",
      refuse: (column, expected) => {
        wrong ??= { column, expected };
      },
    };
    rows.push(read(row));
    if (wrong !== undefined) {
      const { column, expected } = wrong;
      return refuse("E_TRACE", `${where} ${column} does not fit`, {
        found: field(column),
        expected,
        path: column,
      });
    }
  }
  return ok(rows);
}

/**
 * A made-up cluster and workload in the same format, for when no trace is at hand: a fifth of the nodes without GPU, the rest
 * with 2 or 8 of one of three models; most tasks take one GPU or a share of one, few take many, some take none.
 */
export function syntheticTrace(nodes: number, tasks: number, seed: number): { nodes: string; tasks: string } {
  const rng = new Rng(seed);
  const nodeLines = Array.from({ length: nodes }, (_, i) => {
    const gpus = rng.pick([0, 2, 2, 8, 8]);
    const model = gpus === 0 ? "" : rng.pick(["small", "small", "large", "huge"]);
    return `node-${i},${gpus === 0 ? 64_000 : 96_000},${gpus === 8 ? 524_288 : 262_144},${gpus},${model}`;
  });
  let clock = 0;
  const taskLines = Array.from({ length: tasks }, (_, i) => {
    clock += rng.exponential(9000 / nodes); // about as much as the devices can do
    const gpus = rng.pick([0, 1, 1, 1, 1, 1, 1, 2, 4, 8]);
    const milli = gpus === 0 ? 0 : gpus > 1 ? 1000 : rng.pick([250, 460, 500, 1000]);
    const spec = gpus === 1 && rng.chance(0.1) ? rng.pick(["huge", "large|huge"]) : "";
    const cpu = 1000 * (1 + rng.below(12)) * Math.max(1, gpus);
    const [from, to] = [Math.round(clock), Math.round(clock + rng.exponential(20_000)) + 1];
    return `task-${i},${cpu},${4096 * (1 + rng.below(8))},${gpus},${milli},${spec},BE,Running,${from},${to},${from}`;
  });
  const file = (header: string, lines: readonly string[]): string => `${[header, ...lines].join("\n")}\n`;
  return { nodes: file(NODE_HEADER, nodeLines), tasks: file(TASK_HEADER, taskLines) };
}
