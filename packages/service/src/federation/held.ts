import type { Instant, Refusal } from "@weft/kernel";
import { type Core, store } from "../manager/core.ts";
import { observe } from "../manager/observing.ts";
import type { FromAgent } from "../protocol.ts";
import { type Federation, INWARD, type Inward } from "./federation.ts";
import type { Crossing } from "./messages.ts";

/*
 * Runs of other domains' tasks that we hold, kept until they are booked at home.
 */

export function keep(core: Core, now: Instant, held: Inward): void {
  const id = held.forward.launch.run;
  store(core, [{ kind: "put-document", row: { collection: INWARD, id, body: { ...held }, at: now } }]);
}

export function forget(core: Core, federation: Federation, held: Inward): void {
  const id = held.forward.launch.run;
  federation.inward.delete(id);
  if (held.task !== null) federation.inwardByTask.delete(held.task);
  store(core, [{ kind: "remove-document", collection: INWARD, id }]);
}

export const say = (core: Core, held: Inward, message: FromAgent): void => {
  const peer = core.federation?.peers.get(held.domain as never);
  if (peer !== undefined) {
    core.out.push({ kind: "to-peer", domain: peer.options.domain, message: { kind: "agent", message } });
  }
};

/** Says again what was said of a run, and goes on with it after a restart. */
export function repeat(core: Core, held: Inward): void {
  const { run } = held.forward.launch;
  if (held.outcome !== null) return say(core, held, { kind: "outcome", run, outcome: held.outcome });
  say(core, held, { kind: "accepted", run, signature: held.signature });
}

/** We do not run it after all: the home manager places it elsewhere. */
export function decline(
  core: Core,
  now: Instant,
  federation: Federation,
  held: Inward,
  refusal: Refusal,
): void {
  say(core, held, { kind: "declined", run: held.forward.launch.run, refusal });
  forget(core, federation, held);
  if (held.task !== null) observe(core, now, { kind: "cancelled", task: held.task });
}

export const crossing = (held: Inward, contents: Crossing["contents"]): Crossing => ({
  run: held.forward.launch.run,
  contents,
  segments: held.forward.segments,
  peer: held.domain as Crossing["peer"],
});
