import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { SharedServers } from "./sharing.ts";

/** Processor sharing step by step: the obvious way. Returns each task's end. */
function naive(cores: number, rate: number, jobs: readonly { at: number; work: number }[]): number[] {
  const left = jobs.map(({ work }) => work);
  const ends = jobs.map(() => Number.NaN);
  let now = 0;
  for (;;) {
    const here = jobs.flatMap(({ at }, i) => (at <= now && Number.isNaN(ends[i]) ? [i] : []));
    const each = here.length > cores ? (rate * cores) / here.length : rate;
    const finish = Math.min(...here.map((i) => now + (left[i] as number) / each));
    const arrive = Math.min(...jobs.map(({ at }) => at).filter((at) => at > now));
    const next = Math.min(finish, arrive);
    if (next === Number.POSITIVE_INFINITY) return ends;
    for (const i of here) left[i]! -= (next - now) * each;
    for (const i of here) if ((left[i] as number) < 1e-9) ends[i] = next;
    now = next;
  }
}

it("ends every task when sharing evenly would", () => {
  const job = fc.record({ at: fc.integer({ min: 0, max: 50 }), work: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(job, { minLength: 1, maxLength: 12 }),
      (cores, unsorted) => {
        const jobs = unsorted.slice().sort((a, b) => a.at - b.at);
        const servers = new SharedServers([cores], [2]);
        const ends = jobs.map(() => Number.NaN);
        const work = (until: number): void => {
          for (let at = servers.nextAt; at <= until; at = servers.nextAt) ends[servers.takeNext()] = at;
        };
        jobs.forEach(({ at, work: amount }, i) => {
          work(at);
          servers.add(0, at, i, amount);
        });
        work(Number.MAX_VALUE);
        const wanted = naive(cores, 2, jobs);
        ends.forEach((end, i) => {
          expect(end).toBeCloseTo(wanted[i] as number, 6);
        });
        const total = jobs.reduce((sum, { work: amount }) => sum + amount, 0);
        expect(servers.busyTime(0, 1000)).toBeCloseTo(total / 2, 6);
      },
    ),
  );
});

it("hands over what a failed server had", () => {
  const servers = new SharedServers([1, 1], [1, 1]);
  for (let task = 0; task < 5; task++) servers.add(task % 2, task, task, 10);
  const lost: number[] = [];
  servers.drain(0, 5, (task) => lost.push(task));
  expect(lost.sort()).toEqual([0, 2, 4]);
  expect([servers.tasks[0], servers.tasks[1]]).toEqual([0, 2]);
  expect(servers.next).toBe(1);
  expect(servers.takeNext()).toBe(1);
  expect(servers.takeNext()).toBe(3);
  expect(servers.nextAt).toBe(Number.POSITIVE_INFINITY);
});

it("processor sharing with Poisson arrivals takes on average what M/M/1 takes", () => {
  const rng = new Rng(11);
  const servers = new SharedServers([1], [1]);
  const arrived: number[] = [];
  let [at, sum, done] = [0, 0, 0];
  for (let task = 0; task < 100_000; task++) {
    at += rng.exponential(1 / 0.6);
    for (let next = servers.nextAt; next <= at; next = servers.nextAt) {
      sum += next - (arrived[servers.takeNext()] as number);
      done++;
    }
    arrived[task] = at;
    servers.add(0, at, task, rng.exponential(1));
  }
  expect((sum / done) * (1 - 0.6)).toBeCloseTo(1, 1); // 1 / (1 - load)
});
