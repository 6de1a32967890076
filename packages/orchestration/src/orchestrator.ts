import type { NodeId } from "@weft/infrastructure";
import { assert, Deadlines, type Instant, type Machine, type Refusal, refuse } from "@weft/kernel";
import type { RunFailure } from "./runtime.ts";
import { type Before, type Stuck, type Turn, Waiting } from "./waiting.ts";

/*
 * Desired against observed -> intentions: the life of every task (O4).
 *
 * [O4.1] A task ends exactly once: succeeded, failed or cancelled.
 * [O4.2] At most one run of a task is live; whatever an ended run still says changes nothing.
 * [O4.3] A run lost with its node is placed again, elsewhere if it can be, until `MOST_ATTEMPTS`.
 * [O4.4] A program that fails by itself is not tried again: it would fail again, and be paid for twice.
 * [O4.5] Waiting tasks are tried one at a time, whose turn it is first (waiting.ts); of one consumer and one shape in the
 *        order of their submission. The favoured task goes before all.
 * [O4.6] A task still waiting when its order ends fails with the last reason why nothing fitted.
 * [O4.7] A run that gave way to another task, or moved for a better way, counts for no attempt and speaks against no node.
 */

export type TaskId = string;
export type RunId = string;

export const MOST_ATTEMPTS = 5;

/** How a run ended, as far as the next step depends on it. */
export type RunEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly because: RunFailure; readonly detail: string }
  | {
      readonly kind: "lost";
      readonly because: "node_silent" | "node_restarted" | "node_refused" | "preempted" | "moved";
      readonly detail: string;
    };

export type Observation =
  /** `shape` is equal for tasks that fit the same places: when one does not fit, its likes are not tried. */
  | {
      readonly kind: "submitted";
      readonly task: TaskId;
      readonly turn: Turn;
      readonly shape: string;
      readonly giveUpAt: Instant;
    }
  | { readonly kind: "placed"; readonly task: TaskId; readonly run: RunId; readonly node: NodeId }
  /** `what`: nothing of its shape fits, or (`line`) nothing of its shape that is its own consumer's. */
  | {
      readonly kind: "unplaced";
      readonly task: TaskId;
      readonly refusal: Refusal;
      readonly what: "shape" | "line";
    }
  | { readonly kind: "ended"; readonly task: TaskId; readonly run: RunId; readonly end: RunEnd }
  | { readonly kind: "cancelled"; readonly task: TaskId }
  /** Something may fit now that did not before. */
  | { readonly kind: "room" }
  /** The share of a consumer has changed otherwise than by a run of its that was placed or ended; null: that of all. */
  | { readonly kind: "reweighed"; readonly consumer: string | null }
  /** This waiting task goes before all others until it is placed or has ended; null: none does. */
  | { readonly kind: "favoured"; readonly task: TaskId | null };

export type Intention =
  | {
      readonly kind: "place";
      readonly task: TaskId;
      readonly attempt: number;
      readonly avoid: readonly NodeId[];
    }
  | { readonly kind: "stop"; readonly task: TaskId; readonly run: RunId; readonly node: NodeId }
  | { readonly kind: "succeed"; readonly task: TaskId; readonly run: RunId }
  | { readonly kind: "fail"; readonly task: TaskId; readonly refusal: Refusal }
  | { readonly kind: "cancel"; readonly task: TaskId };

interface Life {
  readonly task: TaskId;
  readonly turn: Turn;
  readonly shape: string;
  readonly giveUpAt: Instant;
  /** The order of submission. */
  readonly serial: number;
  /** When it was submitted, or lost its run. */
  since: Instant;
  attempt: number;
  /** How many of its attempts gave way to other tasks [O4.7]. */
  gaveWay: number;
  avoid: NodeId[];
  /** The live run; null while waiting for a place. */
  live: { readonly run: RunId; readonly node: NodeId } | null;
  /** Why nothing fitted last time. */
  refusal: Refusal | null;
}

/**
 * The life of every task as one machine. A `place` intention is answered by `placed` or `unplaced` before anything else
 * is tried. `shareOf` says how much of everything a consumer has: who has least goes first.
 */
export class Orchestrator implements Machine<Observation, Intention> {
  readonly #lives = new Map<TaskId, Life>();
  readonly #waiting: Waiting;
  readonly #giveUp = new Deadlines<TaskId>();
  #submissions = 0;
  /** The task that a place is being sought for, and in which round. */
  #trying: { readonly task: TaskId; readonly round: number } | null = null;
  /** The task that goes before all others. */
  #favoured: TaskId | null = null;

  constructor(shareOf: (consumer: string) => number = () => 0) {
    this.#waiting = new Waiting(shareOf);
  }

  get wakeAt(): Instant {
    return this.#giveUp.next;
  }

  /** Tasks waiting for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Who goes before a task; null where it does not wait for a place. */
  before(task: TaskId): Before | null {
    return this.#waiting.before(task);
  }

  /** Lines of waiting tasks nothing of which was placed since `before`; the favoured task is not among them. */
  stuckSince(before: Instant): readonly Stuck[] {
    return this.#waiting.stuckSince(before);
  }

  /** From when on nothing of a waiting task's line was placed; null where it does not wait. */
  stillSince(task: TaskId): Instant | null {
    return this.#waiting.stillSince(task);
  }

  /** Takes a task back as it stood, after a restart; those submitted first come first. `since`: it waits from then on. */
  restore(
    task: TaskId,
    turn: Turn,
    shape: string,
    since: Instant,
    giveUpAt: Instant,
    attempt: number,
    live: Life["live"],
    gaveWay = 0,
  ): void {
    const serial = this.#submissions++;
    const life: Life = {
      task,
      turn,
      shape,
      giveUpAt,
      serial,
      since,
      attempt,
      gaveWay,
      avoid: [],
      live,
      refusal: null,
    };
    this.#lives.set(task, life);
    if (live === null) this.#await(life);
  }

  wake(now: Instant): readonly Intention[] {
    return this.#giveUp.due(now).map((task) => {
      const life = this.#lives.get(task);
      assert(life !== undefined && life.live === null, "only a waiting task gives up");
      this.#leave(life);
      this.#lives.delete(task);
      const refusal =
        life.refusal ?? refuse("order_expired", "the order ended before the task could be placed").refusal;
      return { kind: "fail", task, refusal };
    });
  }

  handle(now: Instant, seen: Observation): readonly Intention[] {
    switch (seen.kind) {
      case "submitted":
        return this.#submitted(now, seen);
      case "placed":
        return this.#placed(now, seen.task, seen.run, seen.node);
      case "unplaced":
        return this.#unplaced(seen.task, seen.refusal, seen.what);
      case "ended":
        return this.#ended(now, seen.task, seen.run, seen.end);
      case "cancelled":
        return this.#cancelled(seen.task);
      case "room":
        this.#waiting.room();
        return this.#next();
      case "reweighed":
        this.#waiting.weigh(seen.consumer);
        return [];
      case "favoured":
        this.#favour(seen.task);
        return [];
    }
  }

  #submitted(
    now: Instant,
    { task, turn, shape, giveUpAt }: Observation & { readonly kind: "submitted" },
  ): readonly Intention[] {
    assert(!this.#lives.has(task), "a task is submitted once");
    this.restore(task, turn, shape, now, giveUpAt, 0, null);
    return this.#next();
  }

  #placed(now: Instant, task: TaskId, run: RunId, node: NodeId): readonly Intention[] {
    const life = this.#lives.get(task);
    assert(life !== undefined && life.live === null, "only a waiting task is placed");
    this.#leave(life);
    this.#waiting.moved(life.turn, life.shape, now);
    if (life.turn.consumer !== null) this.#waiting.weigh(life.turn.consumer);
    life.live = { run, node };
    life.attempt++;
    return this.#next();
  }

  #unplaced(task: TaskId, refusal: Refusal, what: "shape" | "line"): readonly Intention[] {
    const life = this.#lives.get(task);
    assert(life !== undefined, "only a known task is sought a place for");
    life.refusal = refusal;
    const tried = this.#trying?.task === task ? this.#trying.round : this.#waiting.round;
    this.#trying = null;
    // Where there has been more room meanwhile it is tried again.
    if (tried === this.#waiting.round) this.#waiting.unfit(task, what);
    return this.#next();
  }

  #ended(now: Instant, task: TaskId, run: RunId, end: RunEnd): readonly Intention[] {
    const life = this.#lives.get(task);
    if (life?.live?.run !== run) return []; // [O4.2]
    const node = life.live.node;
    life.live = null;
    if (life.turn.consumer !== null) this.#waiting.weigh(life.turn.consumer);
    if (end.kind === "finished") {
      this.#lives.delete(task);
      return [{ kind: "succeed", task, run }];
    }
    const gaveWay = end.kind === "lost" && (end.because === "preempted" || end.because === "moved");
    if (gaveWay) life.gaveWay++;
    const again = end.kind === "lost" || end.because === "runtime_failed";
    if (!again || life.attempt - life.gaveWay >= MOST_ATTEMPTS) {
      this.#lives.delete(task);
      return [{ kind: "fail", task, refusal: refuse(end.because, end.detail).refusal }];
    }
    if (!gaveWay) life.avoid = [...life.avoid, node];
    life.since = now;
    this.#await(life, true);
    return this.#next();
  }

  #cancelled(task: TaskId): readonly Intention[] {
    const life = this.#lives.get(task);
    if (life === undefined) return []; // [O4.1]
    this.#lives.delete(task);
    if (life.live !== null) {
      return [
        { kind: "stop", task, run: life.live.run, node: life.live.node },
        { kind: "cancel", task },
      ];
    }
    this.#leave(life);
    return [{ kind: "cancel", task }, ...this.#next()];
  }

  /** `again`: it is tried at once, whatever became of its like. */
  #await(life: Life, again = false): void {
    this.#waiting.add(life.task, life.turn, life.shape, life.serial, life.since, again);
    this.#giveUp.set(life.task, life.giveUpAt);
  }

  #favour(task: TaskId | null): void {
    if (task === this.#favoured) return;
    const moved = [this.#favoured, task];
    this.#favoured = task;
    for (const one of moved) {
      const life = one === null ? undefined : this.#lives.get(one);
      if (life === undefined || life.live !== null) continue;
      const since = this.#waiting.stillSince(life.task) ?? life.since;
      this.#waiting.remove(life.task);
      const turn = one === task ? { ...life.turn, consumer: null } : life.turn;
      this.#waiting.add(life.task, turn, life.shape, life.serial, since, one === task);
    }
  }

  #leave({ task }: Life): void {
    this.#giveUp.clear(task);
    this.#waiting.remove(task);
    if (this.#favoured === task) this.#favoured = null;
    if (this.#trying?.task === task) this.#trying = null;
  }

  #next(): readonly Intention[] {
    if (this.#trying !== null) return [];
    const task = this.#waiting.next();
    if (task === null) return [];
    this.#trying = { task, round: this.#waiting.round };
    const { attempt, avoid } = this.#lives.get(task) as Life;
    return [{ kind: "place", task, attempt: attempt + 1, avoid }];
  }
}
