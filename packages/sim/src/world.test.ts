import {
  assert,
  type BitsPerSecond,
  type Instant,
  type Machine,
  type Micros,
  NEVER,
  type Ratio,
} from "@weft/kernel";
import { expect, it } from "vitest";
import type { ActorId, ActorSpec } from "./actor.ts";
import { SimulationFailure } from "./failure.ts";
import { inject, randomFaults } from "./faults.ts";
import { World } from "./world.ts";

const MS = 1000 as Micros;
const ms = (value: number): Micros => (value * 1000) as Micros;
const T0 = 0 as Instant;

interface Heard {
  readonly at: Instant;
  readonly message: unknown;
}
type Say = { readonly to: ActorId; readonly message: unknown };

/** Says what it is told to say, and writes down what it hears, by its own clock. */
class Parrot implements Machine<{ say: Say } | { hear: unknown }, Say> {
  readonly heard: Heard[] = [];
  wakeAt = NEVER;
  wakes = 0;
  wake(): readonly Say[] {
    this.wakes++;
    this.wakeAt = NEVER;
    return [];
  }
  handle(now: Instant, input: { say: Say } | { hear: unknown }): readonly Say[] {
    if ("say" in input) return [input.say];
    this.heard.push({ at: now, message: input.hear });
    return [];
  }
}

const parrot = (name: string): ActorSpec<{ say: Say } | { hear: unknown }, Say> => ({
  name,
  start: () => new Parrot(),
  receive: (message) => ({ hear: message }),
  perform: (say, self) => {
    self.send(say.to, say.message);
  },
});

function pair(seed = 1): { world: World; a: ActorId; b: ActorId } {
  const world = new World({ seed, startAt: T0 });
  return { world, a: world.add(parrot("a")), b: world.add(parrot("b")) };
}
const say = (world: World, from: ActorId, to: ActorId, message: unknown): void =>
  world.input(from, { say: { to, message } });
const heard = (world: World, actor: ActorId): readonly Heard[] => world.machine<Parrot>(actor)?.heard ?? [];

it("a message arrives after serialisation and propagation, and queues behind the one before", () => {
  const { world, a, b } = pair();
  world.link(a, b, { delay: ms(10), rate: 8_000_000 as BitsPerSecond });
  say(world, a, b, new Uint8Array(1000));
  say(world, a, b, new Uint8Array(2000));
  world.run(ms(1000) as number as Instant);
  expect(heard(world, b).map(({ at }) => at)).toEqual([11_000, 13_000]);
  expect(world.links.counters(world.links.between(a, b))).toMatchObject({
    messages: 2,
    bytes: 3000,
    dropped: 0,
  });
});

it("copies messages, so that actors share nothing", () => {
  const { world, a, b } = pair();
  world.connect(a, b, {});
  const message = { list: [1, 2], bytes: new Uint8Array([7]), many: new Map([["k", { v: 1n }]]) };
  say(world, a, b, message);
  message.list.push(3);
  world.runFor(MS);
  const got = heard(world, b)[0]?.message as typeof message;
  expect(got).toEqual({ list: [1, 2], bytes: new Uint8Array([7]), many: new Map([["k", { v: 1n }]]) });
  expect(got.bytes).not.toBe(message.bytes);
});

it("loses, duplicates and reorders about as often as the link says", () => {
  const { world, a, b } = pair();
  world.link(a, b, { delay: ms(5), loss: 0.2 as Ratio, duplication: 0.1 as Ratio, reordering: 0.1 as Ratio });
  for (let i = 0; i < 2000; i++) {
    say(world, a, b, i);
    world.runFor(MS);
  }
  world.runFor(ms(100));
  const counters = world.links.counters(world.links.between(a, b));
  expect(counters.dropped / 2000).toBeCloseTo(0.2, 1);
  expect(counters.duplicated / 1600).toBeCloseTo(0.1, 1);
  const order = heard(world, b).map(({ message }) => message as number);
  expect(order.some((value, i) => i > 0 && value < (order[i - 1] as number))).toBe(true);
});

it("jitter alone keeps the order", () => {
  const { world, a, b } = pair();
  world.link(a, b, { delay: ms(1), jitter: ms(20) });
  for (let i = 0; i < 200; i++) say(world, a, b, i);
  world.runFor(ms(5000));
  expect(heard(world, b).map(({ message }) => message)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

it("drops what a full queue cannot hold", () => {
  const { world, a, b } = pair();
  world.link(a, b, { rate: 8000 as BitsPerSecond, queue: 250 as never });
  for (let i = 0; i < 5; i++) say(world, a, b, new Uint8Array(100));
  world.runFor(ms(10_000));
  expect(heard(world, b)).toHaveLength(3);
});

it("partitions lose what is on its way, and heal", () => {
  const { world, a, b } = pair();
  world.connect(a, b, { delay: ms(10) });
  say(world, a, b, "caught");
  world.runFor(ms(5));
  world.partition([[a]]);
  world.runFor(ms(10));
  say(world, a, b, "lost");
  world.runFor(ms(20));
  world.heal();
  say(world, a, b, "through");
  world.runFor(ms(20));
  expect(heard(world, b).map(({ message }) => message)).toEqual(["through"]);
});

it("tells an actor that listens when its link goes down or up", () => {
  const world = new World({ seed: 1, startAt: T0 });
  const a = world.add({ ...parrot("a"), linkChanged: (peer, up) => ({ hear: { peer, up } }) });
  const b = world.add(parrot("b"));
  world.connect(a, b, {});
  world.setUp(a, b, false);
  world.setUp(a, b, false);
  world.setUp(a, b, true);
  expect(heard(world, a).map(({ message }) => message)).toEqual([
    { peer: b, up: false },
    { peer: b, up: true },
  ]);
});

/** Wakes at the deadline it is given, and keeps the instants it saw. */
class Alarm implements Machine<Instant, never> {
  wakeAt = NEVER;
  readonly rang: Instant[] = [];
  wake(now: Instant): readonly never[] {
    this.rang.push(now);
    this.wakeAt = NEVER;
    return [];
  }
  handle(_now: Instant, deadline: Instant): readonly never[] {
    this.wakeAt = deadline;
    return [];
  }
}
const alarm = (name: string): ActorSpec<Instant, never> => ({
  name,
  start: () => new Alarm(),
  receive: (message) => message as Instant,
  perform: () => {},
});

it("wakes a machine at its deadline, the last one it set", () => {
  const world = new World({ seed: 1, startAt: T0 });
  const a = world.add(alarm("a"));
  world.input(a, 5000 as Instant);
  world.input(a, 9000 as Instant);
  world.run(20_000 as Instant);
  expect(world.machine<Alarm>(a)?.rang).toEqual([9000]);
  world.input(a, 40_000 as Instant);
  world.input(a, 30_000 as Instant);
  world.run(50_000 as Instant);
  expect(world.machine<Alarm>(a)?.rang).toEqual([9000, 30_000]);
});

it("a skewed and drifting clock rings by its own time and never runs backwards", () => {
  const world = new World({ seed: 1, startAt: T0 });
  const a = world.add({ ...alarm("a"), clock: { skew: ms(50), drift: 1e-3 } });
  world.input(a, 1_000_000 as Instant);
  let truth: Instant | null = null;
  world.every(MS, () => {
    if (truth === null && (world.machine<Alarm>(a)?.rang.length ?? 0) > 0) truth = world.now;
    return world.now < 2_000_000;
  });
  world.run(3_000_000 as Instant);
  expect(world.machine<Alarm>(a)?.rang[0]).toBeGreaterThanOrEqual(1_000_000);
  expect(truth).toBeLessThan(951_000);
  world.setClock(a, { skew: -500_000 as Micros, drift: 0 });
  world.input(a, 3_100_000 as Instant);
  world.run(8_000_000 as Instant);
  const rang = world.machine<Alarm>(a)?.rang ?? [];
  expect(rang).toHaveLength(2);
  expect(rang[1]).toBeGreaterThanOrEqual(3_100_000);
});

it("a crashed actor hears nothing, forgets everything, and starts anew", () => {
  const { world, a, b } = pair();
  world.connect(a, b, { delay: ms(1) });
  say(world, a, b, "before");
  world.runFor(ms(2));
  world.crash(b);
  expect(world.isRunning(b)).toBe(false);
  say(world, a, b, "while down");
  world.runFor(ms(2));
  world.restart(b);
  say(world, a, b, "after");
  world.runFor(ms(2));
  expect(heard(world, b).map(({ message }) => message)).toEqual(["after"]);
  expect(world.counters(b)).toMatchObject({ crashes: 1, received: 2 });
});

it("a paused actor takes up in order what waited, a slow one takes its time", () => {
  const { world, a, b } = pair();
  world.connect(a, b, { delay: ms(1) });
  world.pause(b, ms(50));
  world.slow(b, ms(10));
  for (let i = 0; i < 3; i++) say(world, a, b, i);
  world.runFor(ms(200));
  expect(heard(world, b)).toEqual([
    { at: 50_000, message: 0 },
    { at: 60_000, message: 1 },
    { at: 70_000, message: 2 },
  ]);
});

it("a wake-up that falls into two pauses in a row is not forgotten", () => {
  const world = new World({ seed: 1, startAt: T0 });
  const a = world.add(alarm("a"));
  world.input(a, 5000 as Instant);
  world.pause(a, ms(10));
  world.at(9000 as Instant, () => world.pause(a, ms(10)));
  world.run(100_000 as Instant);
  expect(world.machine<Alarm>(a)?.rang).toEqual([19_000]);
});

it("makes a link on first use where the network is implicit", () => {
  const world = new World({ seed: 1, startAt: T0, implicitLink: () => ({ delay: ms(3) }) });
  const [a, b] = [world.add(parrot("a")), world.add(parrot("b"))];
  say(world, a, b, "hello");
  world.runFor(ms(10));
  expect(heard(world, b)[0]?.at).toBe(3000);
});

it("stops with the actor, the last events and the replay command when a machine breaks", () => {
  const world = new World({ seed: 41, startAt: T0, replay: "npx weft lab run x.yaml --seed 41" });
  const a = world.add(parrot("a"));
  const b = world.add({
    ...parrot("b"),
    receive: () => {
      assert(false, "two and two make five");
    },
  });
  world.connect(a, b, { delay: ms(2) });
  say(world, a, b, "boom");
  let failure: unknown;
  try {
    world.runFor(ms(10));
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(SimulationFailure);
  expect(String(failure)).toContain("b: two and two make five");
  expect(String(failure)).toContain("+0.002000 s deliver a -> b");
  expect(String(failure)).toContain("replay: npx weft lab run x.yaml --seed 41");
});

it("refuses a machine that asks to be woken in the past for ever", () => {
  const world = new World({ seed: 1, startAt: T0 });
  const a = world.add<Instant, never>({
    ...alarm("a"),
    start: () => ({ wakeAt: 5 as Instant, wake: () => [], handle: () => [] }),
  });
  expect(() => world.run(10 as Instant)).toThrow(/wants to be woken at 5/);
  expect(a).toBe(0);
});

/** Gossips a counter at random intervals: enough chance to notice any difference between two runs. */
function gossip(seed: number, extraDraw = false): string {
  const world = new World({ seed, startAt: T0 });
  const ids = Array.from({ length: 6 }, (_, i) =>
    world.add<unknown, Say>({
      name: `g${i}`,
      start: ({ now, rng }) => {
        if (extraDraw && i === 0) world.fork("unrelated").float();
        let next = (now + 1 + rng.below(5000)) as Instant;
        return {
          get wakeAt() {
            return next;
          },
          wake(at) {
            next = (at + 1 + rng.below(5000)) as Instant;
            return [{ to: rng.below(6) as ActorId, message: { at, i } }];
          },
          handle: () => [],
        };
      },
      receive: (message) => message,
      perform: (effect, self) => {
        self.send(effect.to, effect.message);
      },
    }),
  );
  const model = { delay: ms(2), jitter: ms(1), loss: 0.1 as Ratio };
  const links = ids.slice(1).map((id, i) => ({ between: [ids[i] as ActorId, id] as const, model }));
  for (const { between } of links) world.connect(...between, model);
  const plan = { actors: ids, links, from: T0, until: 800_000 as Instant, count: 12, longest: ms(200) };
  inject(world, randomFaults(world.fork("faults"), plan));
  world.run(1_000_000 as Instant);
  return `${world.digest} ${world.events}`;
}

it("one seed is one run, to the byte; another seed is another run", () => {
  expect(gossip(7)).toBe(gossip(7));
  expect(gossip(7, true)).toBe(gossip(7));
  expect(gossip(8)).not.toBe(gossip(7));
});
