import type { CellScenario } from "./cell-scenario.ts";
import type { CellServers } from "./cell-servers.ts";
import { LogHistogram } from "./histogram.ts";

/** Why a task failed, as a column index. */
export const FAILURES = { capacity: 0, bandwidth: 1, mobility: 2 } as const;
const FAILURE_COUNT = 3;
/** How many points a time series has. */
const STEPS = 60;

/** What became of the tasks that started after the warm-up. Times in seconds. */
export interface CellOutcome {
  readonly tasks: number;
  readonly completed: number;
  readonly failed: { readonly capacity: number; readonly bandwidth: number; readonly mobility: number };
  /** From the task's start to the result being back, of completed tasks. */
  readonly serviceTime: LogHistogram;
  /** Mean of upload and download together, of completed tasks. */
  readonly networkTime: number;
  readonly onCloud: number;
  readonly byApp: readonly {
    readonly tasks: number;
    readonly failed: number;
    readonly serviceTime: number;
  }[];
  readonly utilisation: { readonly edge: number; readonly cloud: number };
  /** Over the time after the warm-up, in 60 steps: tasks a second, share failed, mean service time. */
  readonly series: {
    readonly at: Float64Array;
    readonly rate: Float64Array;
    readonly failedShare: Float64Array;
    readonly serviceTime: Float64Array;
  };
  /** Everything simulated, warm-up included. */
  readonly events: number;
  readonly simulatedTasks: number;
}

/** Counts as the simulation goes on; allocates nothing a task. */
export class CellRecorder {
  readonly #scenario: CellScenario;
  readonly #serviceTime = new LogHistogram();
  readonly #failed = new Float64Array(FAILURE_COUNT);
  readonly #appTasks: Float64Array;
  readonly #appFailed: Float64Array;
  readonly #appTime: Float64Array;
  readonly #stepTasks = new Float64Array(STEPS);
  readonly #stepFailed = new Float64Array(STEPS);
  readonly #stepTime = new Float64Array(STEPS);
  #network = 0;
  #onCloud = 0;
  #warming = 0;

  constructor(scenario: CellScenario) {
    this.#scenario = scenario;
    this.#appTasks = new Float64Array(scenario.apps.length);
    this.#appFailed = new Float64Array(scenario.apps.length);
    this.#appTime = new Float64Array(scenario.apps.length);
  }

  completed(at: number, started: number, app: number, network: number, cloud: boolean): void {
    if (started < this.#scenario.warmUp) {
      this.#warming++;
      return;
    }
    const seconds = (at - started) / 1e6;
    this.#serviceTime.add(seconds);
    this.#network += network;
    if (cloud) this.#onCloud++;
    this.#appTasks[app]! += 1;
    this.#appTime[app]! += seconds;
    const step = this.#step(started);
    this.#stepTasks[step]! += 1;
    this.#stepTime[step]! += seconds;
  }

  failed(_at: number, started: number, app: number, why: number): void {
    if (started < this.#scenario.warmUp) {
      this.#warming++;
      return;
    }
    this.#failed[why]! += 1;
    this.#appTasks[app]! += 1;
    this.#appFailed[app]! += 1;
    const step = this.#step(started);
    this.#stepTasks[step]! += 1;
    this.#stepFailed[step]! += 1;
  }

  #step(started: number): number {
    const { warmUp, duration } = this.#scenario;
    return Math.min(STEPS - 1, Math.floor(((started - warmUp) / (duration - warmUp)) * STEPS));
  }

  outcome(events: number, servers: CellServers): CellOutcome {
    const { duration, warmUp, edge, cloud, apps } = this.#scenario;
    const [capacity, bandwidth, mobility] = this.#failed as unknown as [number, number, number];
    const completed = this.#serviceTime.count;
    const tasks = completed + capacity + bandwidth + mobility;
    const width = (duration - warmUp) / STEPS / 1e6;
    const stepDone = this.#stepTasks.map((count, i) => count - (this.#stepFailed[i] as number));
    return {
      tasks,
      completed,
      failed: { capacity, bandwidth, mobility },
      serviceTime: this.#serviceTime,
      networkTime: completed === 0 ? Number.NaN : this.#network / completed / 1e6,
      onCloud: this.#onCloud,
      byApp: apps.map((_, app) => {
        const all = this.#appTasks[app] as number;
        const lost = this.#appFailed[app] as number;
        return { tasks: all, failed: lost, serviceTime: (this.#appTime[app] as number) / (all - lost) };
      }),
      utilisation: servers.utilisation(duration, edge.cores, cloud.cores),
      series: {
        at: Float64Array.from({ length: STEPS }, (_, i) => warmUp / 1e6 + (i + 0.5) * width),
        rate: this.#stepTasks.map((count) => count / width),
        failedShare: this.#stepFailed.map((count, i) => count / (this.#stepTasks[i] as number)),
        serviceTime: this.#stepTime.map((sum, i) => sum / (stepDone[i] as number)),
      },
      events,
      simulatedTasks: tasks + this.#warming,
    };
  }
}
