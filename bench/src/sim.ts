import { type Instant, type Micros, NEVER, Rng } from "@weft/kernel";
import {
  type ActorId,
  CellSimulation,
  type CellTiers,
  EventCalendar,
  edgeCloudSimApp1,
  World,
} from "@weft/sim";
import { type Bench, cpuSeconds, type Figure } from "./bench.ts";

/** EdgeCloudSim's own figures for its app1, five runs of each: failed %, service s, network s (mean, deviation). */
const PEER_ROWS: readonly (readonly [number, CellTiers, number, number, number, number, number])[] = [
  [500, "edge", 23.53, 2.4, 2.951, 0.084, 0.0204],
  [500, "edge+cloud", 13.68, 0.64, 2.269, 0.03, 0.1342],
  [500, "edge+cloud+neighbours", 0.92, 0.05, 1.988, 0.141, 0.1266],
  [1000, "edge", 47.16, 0.83, 3.38, 0.034, 0.0222],
  [1000, "edge+cloud", 32.53, 0.94, 2.511, 0.022, 0.1801],
  [1000, "edge+cloud+neighbours", 22.67, 2.34, 3.242, 0.011, 0.167],
];

type Report = (figure: Figure) => void;

/** Light events: each takes one event out and schedules another, 10,000 pending, exponential delays. */
function events(size: "smoke" | "full", report: Report): void {
  const pending = 10_000;
  const count = size === "smoke" ? 100_000 : 5_000_000;
  // Delays are drawn before, so that what is measured is the events and not the logarithms.
  const rng = new Rng(1);
  const delays = Float64Array.from({ length: 65_536 }, () => rng.exponential(1e6));
  const calendar = new EventCalendar(400, 8192);
  for (let i = 0; i < pending; i++) calendar.push(delays[i & 65_535] as number, i);
  const run = (): void => {
    for (let i = 0; i < count; i++) {
      const what = calendar.pop();
      calendar.push(calendar.at + (delays[(i * 7 + what) & 65_535] as number), what);
    }
  };
  run();
  const rate = count / cpuSeconds(run);
  report({
    name: "sim/events",
    value: rate,
    unit: "events/CPU-s",
    against: "the target of 5M",
    ratio: rate / 5e6,
  });
}

/** Machines in a world: each message is copied, carried over a link and handled. */
function messages(size: "smoke" | "full", report: Report): void {
  const actors = 1000;
  const world = new World({ seed: 1, startAt: 0 as Instant, trace: 0 });
  const ids: ActorId[] = [];
  const nothing: readonly never[] = [];
  for (let i = 0; i < actors; i++) {
    ids.push(
      world.add<Uint8Array, Uint8Array>({
        name: `a${i}`,
        start: () => ({ wakeAt: NEVER, wake: () => nothing, handle: (_, input) => [input] }),
        receive: (message) => message as Uint8Array,
        perform: (message, self) => {
          self.send(ids[(self.id + 1) % actors] as ActorId, message);
        },
      }),
    );
  }
  ids.forEach((id, i) => {
    world.link(id, ids[(i + 1) % actors] as ActorId, { delay: 1000 as Micros });
    world.input(id, new Uint8Array(64));
  });
  const count = size === "smoke" ? 20_000 : 1_000_000;
  world.runFor(100_000 as Micros);
  const rate = count / cpuSeconds(() => world.runFor((1000 * (count / actors)) as Micros));
  report({
    name: "sim/messages",
    value: rate,
    unit: "messages/CPU-s",
    against: "nothing comparable",
    ratio: null,
  });
}

function app1(size: "smoke" | "full", report: Report): void {
  const seeds = size === "smoke" ? 1 : 10;
  let [tasks, handled, cpu] = [0, 0, 0];
  let [coldTasks, coldCpu] = [0, 0];
  for (const [devices, tiers, failed, failedSd, service, serviceSd, network] of PEER_ROWS) {
    const sums = [0, 0, 0];
    // The first run of a row is compiled on its way, once a process: told apart, as with the events above.
    const first = new CellSimulation(edgeCloudSimApp1(devices, tiers), seeds + 1);
    coldCpu += cpuSeconds(() => {
      coldTasks += first.run().simulatedTasks;
    });
    for (let seed = 1; seed <= seeds; seed++) {
      const simulation = new CellSimulation(edgeCloudSimApp1(devices, tiers), seed);
      cpu += cpuSeconds(() => {
        const outcome = simulation.run();
        tasks += outcome.simulatedTasks;
        handled += outcome.events;
        sums[0]! += (100 * (outcome.tasks - outcome.completed)) / outcome.tasks / seeds;
        sums[1]! += outcome.serviceTime.mean / seeds;
        sums[2]! += outcome.networkTime / seeds;
      });
    }
    const row = `sim/app1/${devices}/${tiers}`;
    const figure = (what: string, unit: string, i: number, peer: number, sd: string): void =>
      report({
        name: `${row}/${what}`,
        value: sums[i] as number,
        unit,
        against: `EdgeCloudSim's ${peer}${sd}`,
        ratio: (sums[i] as number) / peer,
      });
    figure("failed", "%", 0, failed, ` +- ${failedSd}`);
    figure("service-time", "s", 1, service, ` +- ${serviceSd}`);
    figure("network-time", "s", 2, network, "");
  }
  report({
    name: "sim/tasks/app1",
    value: tasks / cpu,
    unit: "tasks/CPU-s",
    against: "EdgeCloudSim's 7,100 on a like machine",
    ratio: tasks / cpu / 7100,
    note: `${(handled / cpu / 1e6).toFixed(2)}M events/CPU-s; a process's first runs ${(coldTasks / coldCpu / 1e6).toFixed(2)}M tasks/CPU-s`,
  });
}

/** A million devices, in cells as full as app1's, for three minutes after a minute's start. */
function devices(size: "smoke" | "full", report: Report): void {
  const count = size === "smoke" ? 20_000 : 1_000_000;
  const scenario = {
    ...edgeCloudSimApp1(count, "edge+cloud", Math.round(count / 50)),
    duration: 180e6 as Micros,
    warmUp: 60e6 as Micros,
  };
  const before = process.memoryUsage();
  let tasks = 0;
  let peak = 0;
  const cpu = cpuSeconds(() => {
    const simulation = new CellSimulation(scenario, 1);
    tasks = simulation.run((done) => {
      if (done > 0.9 && peak === 0) peak = held() - held(before);
    }).simulatedTasks;
  });
  if (peak === 0) peak = held() - held(before);
  report({
    name: "sim/devices",
    value: count,
    unit: "devices",
    against: "the target of 1,000,000",
    ratio: count / 1e6,
    note: `${(peak / 1e6).toFixed(0)} MB, ${(peak / count).toFixed(0)} B a device, ${tasks.toLocaleString("en")} tasks in ${cpu.toFixed(1)} CPU-s`,
  });
}

const held = (usage = process.memoryUsage()): number => usage.heapUsed + usage.arrayBuffers;

export const sim: Bench = {
  name: "sim",
  run(size, report) {
    events(size, report);
    messages(size, report);
    app1(size, report);
    devices(size, report);
  },
};
