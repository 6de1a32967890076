import type { Instant } from "@weft/kernel";
import { nodeCryptography } from "@weft/live";
import { expect, it, describe as suite } from "vitest";
import { at, describe, Keys, link, load, nodeNamed, queued } from "../../test/nodes.ts";
import { encodeFact } from "../facts.ts";
import { DEFAULT_PUBLISHER_SETTINGS, type Publication } from "../publisher.ts";
import { makeRecord } from "../record.ts";
import { DEFAULT_THRESHOLDS } from "../significance.ts";
import type { Change } from "../view.ts";
import { Collector, type CollectorOutput, DEFAULT_COLLECTOR_SETTINGS } from "./collector.ts";
import { decodeCentralised, encodeCentralised } from "./messages.ts";
import { Reporter, type ReporterInput, type ReporterOutput } from "./reporter.ts";

const keys = new Keys();
const n1 = nodeNamed("n1");

/** One agent and its manager, joined by a wire without delay through the codec. */
class Pair {
  now = at(0);
  readonly reporter = new Reporter(n1, keys.of("n1"), nodeCryptography);
  readonly collector = new Collector(nodeCryptography, keys.keyOf);
  readonly changes: Change[] = [];
  readonly dropped: string[] = [];
  sent = 0;
  lose = false;

  tell(input: ReporterInput): this {
    if (input.kind === "connected") this.collector.handle(this.now, { kind: "connected", from: n1 });
    this.#up(this.reporter.handle(this.now, input));
    if (input.kind === "disconnected")
      this.#down(this.collector.handle(this.now, { kind: "disconnected", from: n1 }));
    return this;
  }

  publish(publication: Publication): this {
    return this.tell({ kind: "publish", publication });
  }

  /** Lets time pass in the order of the machines' deadlines. */
  until(us: number): this {
    for (;;) {
      const next = Math.min(this.reporter.wakeAt, this.collector.wakeAt) as Instant;
      if (next > at(us)) break;
      this.now = Math.max(next, this.now) as Instant;
      if (this.reporter.wakeAt <= this.now) this.#up(this.reporter.wake(this.now));
      if (this.collector.wakeAt <= this.now) this.#down(this.collector.wake(this.now));
      expect(Math.min(this.reporter.wakeAt, this.collector.wakeAt)).toBeGreaterThan(this.now);
    }
    this.now = at(us);
    return this;
  }

  #up(outputs: readonly ReporterOutput[]): void {
    for (const { message } of outputs) {
      this.sent++;
      if (this.lose) continue;
      const read = decodeCentralised(encodeCentralised(message));
      if (!read.ok || read.value.kind !== "report") throw new Error("not a report");
      this.#down(this.collector.handle(this.now, { kind: "message", from: n1, message: read.value }));
    }
  }

  #down(outputs: readonly CollectorOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "change") this.changes.push(output.change);
      else if (output.kind === "dropped") this.dropped.push(output.because);
      else this.tell({ kind: "message", message: output.message });
    }
  }

  get known() {
    return this.collector.view.get(n1);
  }
}

const joined = () =>
  new Pair()
    .tell({ kind: "connected" })
    .publish({ description: describe("n1"), load: load("n1"), links: [link("a", "b")] });

suite("an agent and its manager", () => {
  it("[REP.1] everything told on connection is in the view, with its changes and ages", () => {
    const pair = joined().until(1000);
    expect(pair.known).toMatchObject({ description: describe("n1"), load: load("n1"), health: "up" });
    expect(pair.known?.links).toEqual([link("a", "b")]);
    expect(pair.changes.map((c) => c.kind)).toEqual(["health", "described", "load", "links"]);
    expect(pair.collector.view.age(n1, "load", pair.now)).toBe(1000);
  });

  it("[PUB.2] what moves less than its threshold is not told, and its age stays that of the last heartbeat", () => {
    const pair = joined().until(1_000_000);
    const before = pair.sent;
    pair.publish({ load: load("n1", queued(10_000)) });
    expect(pair.sent).toBe(before);
    pair.until(2_100_000);
    expect(pair.collector.view.age(n1, "load", pair.now)).toBeLessThanOrEqual(2_100_000 - 1_000_000);
    expect(pair.known?.load?.queue.neural).toBe(0);
  });

  it("[PUB.3] a storm of changes is thinned, and its last state arrives", () => {
    const pair = joined().until(1_000_000);
    const before = pair.sent;
    for (let i = 1; i <= 1000; i++) {
      pair.publish({ load: load("n1", queued(i * 100_000)) });
      pair.until(1_000_000 + i * 10_000);
    }
    const told = pair.sent - before;
    expect(told).toBeLessThan(20);
    pair.until(13_000_000);
    const last = pair.known?.load?.queue.logical ?? 0;
    expect(last).toBeGreaterThan(100_000_000 / (1 + DEFAULT_THRESHOLDS.relative) - 1);
  });

  it("[PUB.3] an owner who takes no more tasks is heard at once", () => {
    const pair = joined().until(1_000_000);
    for (let i = 1; i <= 50; i++) pair.publish({ load: load("n1", queued(i * 1e6)) });
    pair.publish({ load: load("n1", { accepting: false }) }).until(1_010_001);
    expect(pair.known?.load?.accepting).toBe(false);
  });

  it("[PUB.4] deltas are told where they are smaller, and are read whole", () => {
    const pair = joined().until(1_000_000);
    const sizes: number[] = [];
    for (const reporterOutput of pair.reporter.handle(pair.now, {
      kind: "publish",
      publication: { load: load("n1", { freeMemoryBytes: 2 ** 30, at: 5 }) },
    })) {
      for (const record of reporterOutput.message.records) sizes.push(record.body.length);
      const input = { kind: "message", from: n1, message: reporterOutput.message } as const;
      pair.collector.handle(pair.now, input);
    }
    expect(sizes).toHaveLength(1);
    expect(sizes[0]).toBeLessThan(encodeFact({ facet: "load", value: load("n1") }).length / 2);
    expect(pair.known?.load).toEqual(load("n1", { freeMemoryBytes: 2 ** 30, at: 5 }));
  });

  it("[PUB.5] a silent but living node stays up by its heartbeat, for few bytes", () => {
    const pair = joined().until(60_000_000);
    expect(pair.known?.health).toBe("up");
    expect(pair.sent).toBeLessThan(35);
  });

  it("[COL.2] what was lost is seen by the next heartbeat and asked for", () => {
    const pair = joined().until(1_000_000);
    pair.lose = true;
    pair.publish({ load: load("n1", queued(500_000)) });
    pair.lose = false;
    expect(pair.known?.load?.queue.logical).toBe(0);
    pair.until(4_000_000);
    expect(pair.known?.load?.queue.logical).toBe(500_000);
  });

  it("[REP.2] changes while disconnected are told on the next connection", () => {
    const pair = joined().until(1_000_000).tell({ kind: "disconnected" });
    pair.publish({ load: load("n1", queued(700_000)) });
    expect(pair.known?.load?.queue.logical).toBe(0);
    pair.tell({ kind: "connected" });
    expect(pair.known?.load?.queue.logical).toBe(700_000);
    expect(pair.known?.health).toBe("up");
  });

  it("[REP.3] an agent whose clock went back in a restart counts on from above", () => {
    const pair = joined();
    const slow = new Reporter(n1, keys.of("n1"), nodeCryptography);
    const early = at(-1_000_000);
    slow.handle(early, { kind: "publish", publication: { load: load("n1", queued(1e6)) } });
    const told = slow.handle(early, { kind: "connected" })[0];
    const asked = pair.collector.handle(pair.now, { kind: "message", from: n1, message: told!.message });
    const resync = asked.find((output) => output.kind === "send");
    const again = slow.handle(early, { kind: "message", message: resync!.message });
    pair.collector.handle(pair.now, { kind: "message", from: n1, message: again[0]!.message });
    expect(pair.known?.load?.queue.logical).toBe(1e6);
  });
});

suite("the manager's view", () => {
  const settings = DEFAULT_COLLECTOR_SETTINGS;

  it("[VIEW.3] a node unheard turns suspect, then down, then is forgotten", () => {
    const pair = joined();
    pair.lose = true;
    pair.until(settings.suspectAfter + 200_000);
    expect(pair.known?.health).toBe("suspect");
    pair.until(settings.downAfter + 400_000);
    expect(pair.known?.health).toBe("down");
    pair.until(settings.forgetAfter + 1_000_000);
    expect(pair.known).toBeUndefined();
    expect(pair.changes.at(-1)).toEqual({ kind: "forgotten", origin: n1, because: "silent" });
  });

  it("[COL.3] a session that ends makes its node suspect at once and down after the grace", () => {
    const pair = joined().until(1000).tell({ kind: "disconnected" });
    expect(pair.known?.health).toBe("suspect");
    pair.until(1000 + settings.lostContactGrace + 200_000);
    expect(pair.known?.health).toBe("down");
    pair.tell({ kind: "connected" });
    expect(pair.known?.health).toBe("up");
  });

  it("[VIEW.4] a replayed record does not bring a departed node back, nor an old facet of a returned one", () => {
    const pair = joined();
    const old = makeRecord(
      n1,
      { facet: "links", value: { links: [], gone: [] } },
      at(0) + 1,
      keys.of("n1"),
      nodeCryptography,
    );
    pair.until(1000).tell({ kind: "leave" });
    expect(pair.known).toBeUndefined();
    const replay = { kind: "message", from: n1, message: { kind: "report", records: [old] } } as const;
    pair.collector.handle(pair.now, replay);
    expect(pair.known).toBeUndefined();
    pair.until(2000).tell({ kind: "disconnected" }).tell({ kind: "connected" });
    expect(pair.known?.links).toEqual([link("a", "b")]);
    pair.collector.handle(pair.now, replay);
    expect(pair.known?.links).toEqual([link("a", "b")]);
    expect(pair.collector.view.counters.stale).toBe(2);
  });

  it("[VIEW.1] [VIEW.2] [COL.1] forged, foreign, duplicate, stale and mistimed records are dropped and counted", () => {
    const pair = joined().until(1000);
    const fact = { facet: "load", value: load("n1", queued(9e6)) } as const;
    const send = (from: string, ...records: ReturnType<typeof makeRecord>[]) =>
      pair.collector.handle(pair.now, {
        kind: "message",
        from: nodeNamed(from),
        message: { kind: "report", records },
      });
    send("n1", makeRecord(n1, fact, at(2000), keys.of("n2"), nodeCryptography));
    send("n2", makeRecord(n1, fact, at(2000), keys.of("n1"), nodeCryptography));
    expect(pair.collector.view.counters.forged).toBe(2);
    send("n1", makeRecord(n1, fact, at(-1), keys.of("n1"), nodeCryptography));
    expect(pair.collector.view.counters.stale).toBe(1);
    const good = makeRecord(n1, fact, at(2000), keys.of("n1"), nodeCryptography);
    send("n1", good, good);
    expect(pair.collector.view.counters.duplicate).toBe(1);
    send("n1", makeRecord(n1, fact, at(3600e6), keys.of("n1"), nodeCryptography));
    expect(pair.collector.view.counters.clock).toBe(1);
    const stranger = nodeNamed("stranger");
    send(
      "stranger",
      makeRecord(stranger, { facet: "leaving", value: {} }, at(1), keys.of("x"), nodeCryptography),
    );
    send("stranger", makeRecord(stranger, fact, at(1), keys.of("x"), nodeCryptography));
    expect(pair.collector.view.counters.unknown_origin).toBe(1);
    expect(pair.collector.view.size).toBe(1);
  });

  it("[VIEW.5] memory is bounded: beyond its limit no new origin is taken", () => {
    const collector = new Collector(nodeCryptography, keys.keyOf, { ...settings, maxOrigins: 3 });
    for (let i = 0; i < 5; i++) {
      const origin = nodeNamed(`m${i}`);
      const fact = { facet: "load", value: load(`m${i}`) } as const;
      const record = makeRecord(origin, fact, at(i), keys.of(`m${i}`), nodeCryptography);
      collector.handle(at(i), {
        kind: "message",
        from: origin,
        message: { kind: "report", records: [record] },
      });
    }
    expect(collector.view.size).toBe(3);
    expect(collector.view.counters.full).toBe(2);
  });

  it("takes ten thousand reports in a moment of CPU time where signatures cost nothing", () => {
    const free = { digest: () => "", verify: () => true };
    const silent = { publicKey: "", sign: () => "00".repeat(64) };
    const collector = new Collector(free, () => "", settings);
    const reporter = new Reporter(n1, silent, free, {
      ...DEFAULT_PUBLISHER_SETTINGS,
      throttle: { hold: 0 as never, longest: 0 as never, urgent: 0 as never },
    });
    reporter.handle(at(0), { kind: "connected" });
    for (let i = 1; i <= 10_000; i++) {
      const publication = { load: load("n1", queued(i * 1e6)) };
      for (const { message } of reporter.handle(at(i), { kind: "publish", publication })) {
        collector.handle(at(i), { kind: "message", from: n1, message });
      }
    }
    expect(collector.view.get(n1)?.load?.queue.neural).toBeGreaterThan(9e9);
  });
});
