import type { LinkState, NodeId, SiteId } from "@weft/infrastructure";
import { type Bytes, MILLISECOND, type Micros, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { beforeEach, expect, it } from "vitest";
import { Desk, describeNode, deskNeeds, YOU } from "../testing/index.ts";
import { setLinks } from "./perceiving.ts";

/*
 * A triangle of sites: you, ningbo where the node is, and shanghai, whose gateway can relay.
 */

const LONG = { lasts: (5 * SECOND) as Micros, ends: "finished" } as const;
const [NINGBO, SHANGHAI] = ["ningbo", "shanghai"] as SiteId[] as [SiteId, SiteId];
let desk: Desk;

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const core = () => desk.manager.core as Parameters<typeof setLinks>[0];

function link(a: SiteId, b: SiteId, up = true): LinkState[] {
  const state = { up, delay: 5000, jitter: 1, loss: 0, capacity: 1e8, bitErrorRate: null, radio: null };
  return [
    { from: a, to: b },
    { from: b, to: a },
  ].map((ends) => ({ ...ends, ...state, security: "encrypted", at: desk.now }) as unknown as LinkState);
}

/** What the three observers see; `direct`: whether the short way is up. */
function see(direct: boolean): void {
  setLinks(core(), desk.now, "", [...link(YOU, NINGBO, direct), ...link(YOU, SHANGHAI)]);
  setLinks(core(), desk.now, "corner" as NodeId, [...link(NINGBO, YOU, direct), ...link(NINGBO, SHANGHAI)]);
  setLinks(core(), desk.now, "relay" as NodeId, [...link(SHANGHAI, YOU), ...link(SHANGHAI, NINGBO)]);
}

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.join(describeNode("corner", "ningbo"), LONG, true);
  desk.join({ ...describeNode("relay", "shanghai"), runs: [] }, LONG, true);
  pass(100);
  see(true);
});

function submitted(): string {
  const needs = deskNeeds();
  return desk.submitted("one", { ...needs, basic: { ...needs.basic, inputBytes: 1e6 as Bytes } });
}
const runsOf = (id: string) => desk.task(id).runs;

it("a run whose path breaks is led round it where it is: no move, nothing done twice", () => {
  const id = submitted();
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, NINGBO]);
  pass(1000);
  see(false);
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, SHANGHAI, NINGBO]);
  pass(1000);
  expect(runsOf(id)[0]!.live?.launch.segments).toEqual([SHANGHAI, YOU]);
  const { links } = desk.manager.core.pool;
  const reserved = (from: SiteId, to: SiteId): number => links.reserved[links.between(from, to)]!;
  expect(reserved(YOU, NINGBO)).toBe(0);
  expect(reserved(YOU, SHANGHAI)).toBeGreaterThan(0);
  desk.restartManager();
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, SHANGHAI, NINGBO]);
  pass(8000);
  expect(runsOf(id).map(({ view }) => view.state)).toEqual(["finished"]);
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("without another way a run stays, for the link may come back", () => {
  const id = submitted();
  pass(1000);
  setLinks(core(), desk.now, "relay" as NodeId, []);
  setLinks(core(), desk.now, "", [...link(YOU, NINGBO, false)]);
  setLinks(core(), desk.now, "corner" as NodeId, [...link(NINGBO, YOU, false)]);
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, NINGBO]);
  see(true);
  pass(8000);
  expect(runsOf(id).map(({ view }) => view.state)).toEqual(["finished"]);
});
