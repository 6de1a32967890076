import { type Instant, type Machine, type Micros, NEVER, type Ratio } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ActorId, ActorSpec } from "./actor.ts";
import { StreamEnd, type StreamFrame } from "./stream.ts";
import { World } from "./world.ts";

type In = { say: number } | { frame: StreamFrame };

/** One end of one stream. */
class Talker implements Machine<In, StreamFrame> {
  readonly heard: unknown[] = [];
  end: StreamEnd | null;
  constructor(end: StreamEnd | null) {
    this.end = end;
  }
  get wakeAt(): Instant {
    return this.end?.wakeAt ?? NEVER;
  }
  wake(now: Instant): readonly StreamFrame[] {
    return this.end?.wake(now) ?? [];
  }
  handle(now: Instant, input: In): readonly StreamFrame[] {
    if ("say" in input) return this.end?.send(now, input.say) ?? [];
    this.end ??= new StreamEnd(input.frame.stream, now, false);
    const { payloads, frames } = this.end.receive(now, input.frame);
    this.heard.push(...payloads);
    return frames;
  }
}

const talker = (name: string, peer: () => ActorId, opens: boolean): ActorSpec<In, StreamFrame> => ({
  name,
  start: ({ now }) => new Talker(opens ? new StreamEnd("s", now, true) : null),
  receive: (message) => ({ frame: message as StreamFrame }),
  perform: (frame, self) => {
    self.send(peer(), frame);
  },
});

it("delivers everything once and in order over a link that loses, repeats and reorders", () => {
  const chance = fc.double({ min: 0, max: 0.3, noNaN: true });
  fc.assert(
    fc.property(fc.nat(), chance, chance, chance, (seed, loss, duplication, reordering) => {
      const world = new World({ seed, startAt: 0 as Instant });
      const ids: ActorId[] = [];
      ids.push(world.add(talker("a", () => ids[1] as ActorId, true)));
      ids.push(world.add(talker("b", () => ids[0] as ActorId, false)));
      const [a, b] = ids as [ActorId, ActorId];
      const model = {
        delay: 20_000 as Micros,
        loss: loss as Ratio,
        duplication: duplication as Ratio,
        reordering: reordering as Ratio,
      };
      world.connect(a, b, model);
      for (let i = 1; i <= 20; i++) {
        world.input<In>(a, { say: i });
        if (world.machine<Talker>(b)?.end) world.input<In>(b, { say: -i });
        world.runFor(30_000 as Micros);
      }
      world.connect(a, b, { delay: 20_000 as Micros });
      world.runFor(4_000_000 as Micros);
      const [first, second] = [world.machine<Talker>(a), world.machine<Talker>(b)];
      if (first?.end?.broken || second?.end?.broken) return;
      expect(second?.heard).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      const said = first?.heard as number[];
      expect(said).toEqual([...said].sort((x, y) => y - x));
    }),
    { numRuns: 60 },
  );
});

it("breaks at both ends when the link stays cut", () => {
  const world = new World({ seed: 1, startAt: 0 as Instant });
  const ids: ActorId[] = [];
  ids.push(world.add(talker("a", () => ids[1] as ActorId, true)));
  ids.push(world.add(talker("b", () => ids[0] as ActorId, false)));
  world.connect(ids[0] as ActorId, ids[1] as ActorId, { delay: 1000 as Micros });
  world.runFor(1_000_000 as Micros);
  world.partition([[ids[0] as ActorId]]);
  world.runFor(6_000_000 as Micros);
  expect(ids.map((id) => world.machine<Talker>(id)?.end?.broken)).toEqual([true, true]);
});
