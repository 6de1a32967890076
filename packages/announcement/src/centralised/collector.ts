import type { NodeId } from "@weft/infrastructure";
import {
  type Cryptography,
  type Instant,
  type Machine,
  MILLISECOND,
  type Micros,
  micros,
  type PublicKey,
} from "@weft/kernel";
import { STATE_FACETS, type StateFacet } from "../facts.ts";
import type { AnnouncementRecord } from "../record.ts";
import { type Change, DEFAULT_VIEW_SETTINGS, View, type ViewSettings } from "../view.ts";
import type { Drop } from "../view-entry.ts";
import type { ReportMessage, ResyncMessage } from "./messages.ts";

/*
 * The manager's side of centralised announcement (A1): one view of all origins.
 *
 * [COL.1] A session speaks for its own node only.
 * [COL.2] What an origin announced and the view lacks is asked for, at most once every `resyncEvery`.
 * [COL.3] A session that ends makes its node suspect at once; view.ts says when it is down and forgotten.
 */

export type CollectorInput =
  | { readonly kind: "message"; readonly from: NodeId; readonly message: ReportMessage }
  | { readonly kind: "connected"; readonly from: NodeId }
  | { readonly kind: "disconnected"; readonly from: NodeId };

export type CollectorOutput =
  | { readonly kind: "send"; readonly to: NodeId; readonly message: ResyncMessage }
  | { readonly kind: "change"; readonly change: Change }
  /** A record was not taken; `clock` and `forged` are worth telling the operator. */
  | { readonly kind: "dropped"; readonly from: NodeId; readonly because: Drop };

export interface CollectorSettings extends ViewSettings {
  readonly resyncEvery: Micros;
}

export const DEFAULT_COLLECTOR_SETTINGS: CollectorSettings = {
  ...DEFAULT_VIEW_SETTINGS,
  resyncEvery: micros(500 * MILLISECOND),
};

export class Collector implements Machine<CollectorInput, CollectorOutput> {
  /** All that is known; read it at any time. */
  readonly view: View;
  readonly #settings: CollectorSettings;
  /** Open sessions, and when each was last asked to resync. */
  readonly #sessions = new Map<NodeId, Instant>();

  /** `keyOf` names the key an origin signs with; null: nobody we know, nothing of it is taken. */
  constructor(
    cryptography: Cryptography,
    keyOf: (origin: NodeId) => PublicKey | null,
    settings: CollectorSettings = DEFAULT_COLLECTOR_SETTINGS,
  ) {
    this.view = new View(cryptography, keyOf, settings);
    this.#settings = settings;
  }

  get wakeAt(): Instant {
    return this.view.wakeAt;
  }

  wake(now: Instant): readonly CollectorOutput[] {
    return this.view.wake(now).map((change) => ({ kind: "change", change }));
  }

  handle(now: Instant, input: CollectorInput): readonly CollectorOutput[] {
    const { from } = input;
    switch (input.kind) {
      case "connected":
        this.#sessions.set(from, Number.NEGATIVE_INFINITY as Instant);
        return [];
      case "disconnected":
        this.#sessions.delete(from);
        return this.view.lostContact(now, from).map((change) => ({ kind: "change", change }));
      case "message":
        return this.#report(now, from, input.message.records);
    }
  }

  #report(now: Instant, from: NodeId, records: readonly AnnouncementRecord[]): readonly CollectorOutput[] {
    const outputs: CollectorOutput[] = [];
    const missing = new Set<StateFacet>();
    for (const record of records) {
      if (record.origin !== from) {
        this.view.drop("forged");
        outputs.push({ kind: "dropped", from, because: "forged" });
        continue;
      }
      const taken = this.view.accept(now, record);
      if (taken.accepted) {
        for (const change of taken.changes) outputs.push({ kind: "change", change });
        for (const facet of taken.missing) missing.add(facet);
        continue;
      }
      outputs.push({ kind: "dropped", from, because: taken.because });
      if (taken.because === "missing_base" || taken.because === "stale") {
        // Stale from the origin itself: it restarted with a slower clock and must count on from above.
        for (const facet of STATE_FACETS) if (facet === record.facet) missing.add(facet);
      }
    }
    if (missing.size > 0) outputs.push(...this.#resync(now, from, missing));
    return outputs;
  }

  #resync(now: Instant, to: NodeId, missing: ReadonlySet<StateFacet>): readonly CollectorOutput[] {
    const asked = this.#sessions.get(to);
    if (asked !== undefined && now - asked < this.#settings.resyncEvery) return [];
    if (asked !== undefined) this.#sessions.set(to, now);
    const facets = STATE_FACETS.filter((facet) => missing.has(facet));
    return [{ kind: "send", to, message: { kind: "resync", facets, above: this.view.newest(to) } }];
  }
}
