import { type Instant, Rng } from "@weft/kernel";
import { expect, it } from "vitest";
import { Crowd, delayBetween, GROUPS_TELL, NODES_TELL, type Place } from "./canopy-crowd.ts";

const WORK = 5000;
const region = (rng: Rng): Crowd => {
  const near = ({ x, y }: Place, km: number): Place => ({ x: x + km * rng.float(), y: y + km * rng.float() });
  const group = () => {
    const centre = near({ x: 0, y: 0 }, 300);
    const nodes = Array.from({ length: 8 }, () => Crowd.node(rng, near(centre, 30), NODES_TELL));
    return Crowd.group(nodes, GROUPS_TELL);
  };
  return Crowd.group(Array.from({ length: 8 }, group), null);
};

it("delay grows with distance and is never nothing", () => {
  expect(delayBetween({ x: 0, y: 0 }, { x: 0, y: 0 })).toBe(50);
  expect(delayBetween({ x: 0, y: 0 }, { x: 1000, y: 0 })).toBe(7500);
});

it("a crowd's gateway never finds better than there is, and loses little where the crowd is what is chosen", () => {
  const rng = new Rng(3);
  const crowd = region(rng);
  let [lost, times] = [0, 0];
  for (let tick = 1; tick <= 600; tick++) {
    crowd.wander((tick * 100_000) as Instant, 0.1, rng, WORK, Number.POSITIVE_INFINITY);
    const best = crowd.bestFrom(crowd.place);
    const found = crowd.resolve();
    expect(found.takes).toBeGreaterThanOrEqual(best.takes);
    lost += found.takes / best.takes - 1;
    times++;
  }
  expect(lost / times).toBeLessThan(0.1);
});

it("members that lose against what is outside say nothing before the heartbeat", () => {
  const rng = new Rng(4);
  const crowd = region(rng);
  const outside = 1000;
  crowd.wander(1e9 as Instant, 1, rng, WORK, outside);
  const told = crowd.shortest;
  for (let tick = 1; tick <= 20; tick++) crowd.wander((1e9 + tick * 1e6) as Instant, 1, rng, WORK, outside);
  expect(crowd.shortest).toBe(told);
});

it("nodes are counted through all levels", () => {
  expect(region(new Rng(5)).size).toBe(64);
});
