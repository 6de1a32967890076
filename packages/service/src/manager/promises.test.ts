import type { LinkState, NodeId, SiteId } from "@weft/infrastructure";
import { type Bytes, MILLISECOND, type Micros, money, type Operations, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import type { TaskNeeds } from "@weft/scheduling";
import { beforeEach, expect, it } from "vitest";
import { Desk, describeNode, deskNeeds, YOU } from "../testing/index.ts";
import { setLinks } from "./perceiving.ts";

/*
 * Sites on a desk under virtual time: you; ningbo, where the nearest node is; shanghai, whose gateway relays between the
 * two; hangzhou, farther off, with a node of its own. Links get worse while tasks run.
 */

const LASTS = (20 * SECOND) as Micros;
const [NINGBO, SHANGHAI, HANGZHOU] = ["ningbo", "shanghai", "hangzhou"] as SiteId[] as [
  SiteId,
  SiteId,
  SiteId,
];
let desk: Desk;

const pass = (seconds: number): void => desk.pass((seconds * SECOND) as Micros);
const core = () => desk.manager.core as Parameters<typeof setLinks>[0];
const told = (id: string) => desk.manager.core.promises.told.get(id);
const runsOf = (id: string) => desk.task(id).runs;
const said = (id: string): string[] =>
  desk.events
    .filter((event) => event.id === id && /^(rerouted|promise-)/.test(event.what))
    .map(({ what }) => what);

interface Figures {
  readonly delay?: number;
  readonly capacity?: number;
  readonly loss?: number;
}

function link(a: SiteId, b: SiteId, { delay = 5, capacity = 1e8, loss = 0 }: Figures = {}): LinkState[] {
  const state = { up: true, delay: delay * MILLISECOND, jitter: 100, loss, capacity, bitErrorRate: null };
  return [
    { from: a, to: b },
    { from: b, to: a },
  ].map(
    (ends) =>
      ({ ...ends, ...state, radio: null, security: "encrypted", at: desk.now }) as unknown as LinkState,
  );
}

/** What all observers see, once the ways from you to ningbo, by itself and over shanghai, serve like this. */
function see(direct: Figures, round: Figures = {}): void {
  const far = link(YOU, HANGZHOU, { delay: 15 });
  setLinks(core(), desk.now, "", [...link(YOU, NINGBO, direct), ...link(YOU, SHANGHAI, round), ...far]);
  setLinks(core(), desk.now, "corner" as NodeId, [
    ...link(NINGBO, YOU, direct),
    ...link(NINGBO, SHANGHAI, round),
  ]);
  setLinks(core(), desk.now, "relay" as NodeId, [
    ...link(SHANGHAI, YOU, round),
    ...link(SHANGHAI, NINGBO, round),
  ]);
  setLinks(core(), desk.now, "distant" as NodeId, far);
}

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  const behaviour = { lasts: LASTS, ends: "finished" } as const;
  desk.join(describeNode("corner", "ningbo"), behaviour, true);
  desk.join(describeNode("distant", "hangzhou"), behaviour, true);
  desk.join({ ...describeNode("relay", "shanghai"), runs: [] }, behaviour, true);
  pass(0.1);
  see({});
});

function submitted(
  name: string,
  network: Partial<TaskNeeds["network"]>,
  basic: Partial<TaskNeeds["basic"]> = {},
): string {
  const needs = deskNeeds();
  const wanted = {
    ...needs,
    network: { ...needs.network, ...network },
    basic: { ...needs.basic, ...basic },
    compute: { ...needs.compute, work: 20e9 as Operations },
  };
  return desk.submitted(name, wanted, "ann", money(100_000n));
}
const DELAY = { delay: (20 * MILLISECOND) as Micros };

it("[M.K1] a run whose link got slower is led another way to its node, and not moved", () => {
  const id = submitted("one", DELAY);
  const free = submitted("free", {}); // promised nothing
  pass(1);
  see({ delay: 80 });
  pass(1);
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, NINGBO]);
  pass(2);
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, SHANGHAI, NINGBO]);
  expect(runsOf(free)[0]!.view.path).toEqual([YOU, NINGBO]);
  expect(told(id)).toMatchObject({
    what: "rerouted",
    broken: { constraint: "delay", limit: 20_000, found: 80_000 },
  });
  pass(30);
  expect(runsOf(id).map(({ view }) => view.state)).toEqual(["finished"]);
  expect(said(id)).toEqual(["rerouted"]);
});

it("[M.K2] what comes and goes moves nothing, and one task is not touched again at once", () => {
  const id = submitted("one", DELAY);
  pass(1);
  for (let i = 0; i < 6; i++) {
    see({ delay: 80 });
    pass(1);
    see({});
    pass(1);
  }
  expect(said(id)).toEqual([]);
  see({ delay: 80 });
  pass(3);
  expect(said(id)).toEqual(["rerouted"]);
  see({}, { delay: 80 });
  pass(3);
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, SHANGHAI, NINGBO]); // within the calm
  pass(30);
  expect(said(id)).toEqual(["rerouted"]);
});

it("[M.K1] where no way keeps it a task begins anew elsewhere, and only there where it helps", () => {
  const ids = ["a", "b"].map((name) => submitted(name, DELAY));
  pass(1);
  see({ delay: 80 }, { delay: 80 });
  pass(3);
  for (const id of ids) {
    expect(runsOf(id).map(({ view }) => [view.node, view.because])).toEqual([
      ["corner", "moved"],
      ["distant", null],
    ]);
    expect(runsOf(id)[0]!.contract).toMatchObject({ state: "cancelled", charged: null });
    expect(said(id)).toEqual(["promise-moved"]);
  }
  desk.restartManager();
  pass(40);
  for (const id of ids) expect(desk.phase(id)).toBe("succeeded");
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("[M.K1] of several on a link that became too narrow only as many leave it as must", () => {
  const wide = { bandwidth: 30e6 as never };
  const ids = ["a", "b"].map((name) => submitted(name, wide));
  pass(1);
  expect(ids.map((id) => runsOf(id)[0]!.view.path.length)).toEqual([2, 2]);
  see({ capacity: 40e6 }, { capacity: 1e6 });
  pass(3);
  expect(ids.flatMap(said)).toEqual(["promise-moved"]);
  expect(ids.map((id) => runsOf(id).at(-1)!.view.node).sort()).toEqual(["corner", "distant"]);
});

it("[M.K3] a running task stays where beginning anew would miss its deadline, and that is told", () => {
  const deadline = (32 * SECOND) as Micros;
  const id = submitted("one", { loss: 0.01 as never }, { deadline });
  pass(15);
  see({ loss: 0.2 }, { loss: 0.2 });
  pass(3);
  expect(told(id)).toMatchObject({ what: "broken", broken: { constraint: "loss", limit: 0.01 } });
  expect(runsOf(id).map(({ view }) => view.node)).toEqual(["corner"]);
  see({});
  pass(5);
  expect(told(id)).toMatchObject({ what: "kept", broken: null });
  expect(said(id)).toEqual(["promise-broken", "promise-kept"]);

  const early = submitted("early", { loss: 0.01 as never }, { deadline });
  const { completeBy } = runsOf(early)[0]!.contract.contract.terms;
  pass(3);
  see({ loss: 0.2 }, { loss: 0.2 });
  pass(3);
  expect(runsOf(early).map(({ view }) => view.node)).toEqual(["corner", "distant"]);
  expect(runsOf(early)[1]!.contract.contract.terms.completeBy).toBe(completeBy);
});

it("a deadline that a narrower link breaks counts what is still to be moved", () => {
  const big = { inputBytes: 1e5 as Bytes, resultBytes: 20e6 as Bytes, deadline: (36 * SECOND) as Micros };
  const id = submitted("one", {}, big);
  pass(1);
  see({ capacity: 10e6 }); // sixteen seconds for the result, after twenty and more of computing
  pass(3);
  expect(told(id)).toMatchObject({ what: "rerouted", broken: { constraint: "deadline" } });
  expect(runsOf(id)[0]!.view.path).toEqual([YOU, SHANGHAI, NINGBO]);
});
