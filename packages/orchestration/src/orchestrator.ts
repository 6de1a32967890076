import type { NodeId } from "@weft/infrastructure";
import { assert, Deadlines, type Instant, type Machine, type Refusal, refuse } from "@weft/kernel";
import type { RunFailure } from "./runtime.ts";

/*
 * Desired against observed -> intentions: the life of every task (O4).
 *
 * [O4.1] A task ends exactly once: succeeded, failed or cancelled.
 * [O4.2] At most one run of a task is live; whatever an ended run still says changes nothing.
 * [O4.3] A run lost with its node is placed again, elsewhere if it can be, until `MOST_ATTEMPTS`.
 * [O4.4] A program that fails by itself is not tried again: it would fail again, and be paid for twice.
 * [O4.5] Waiting tasks of one shape are placed in the order of their submission.
 * [O4.6] A task still waiting when its order ends fails with the last reason why nothing fitted.
 * [O4.7] A run that gave way to another task counts for no attempt and speaks against no node.
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
      readonly because: "node_silent" | "node_restarted" | "node_refused" | "preempted";
      readonly detail: string;
    };

export type Observation =
  /** `shape` is equal for tasks that fit the same places: when one does not fit, its likes are not tried. */
  | { readonly kind: "submitted"; readonly task: TaskId; readonly shape: string; readonly giveUpAt: Instant }
  | { readonly kind: "placed"; readonly task: TaskId; readonly run: RunId; readonly node: NodeId }
  | { readonly kind: "unplaced"; readonly task: TaskId; readonly refusal: Refusal }
  | { readonly kind: "ended"; readonly task: TaskId; readonly run: RunId; readonly end: RunEnd }
  | { readonly kind: "cancelled"; readonly task: TaskId }
  /** Something may fit now that did not before. */
  | { readonly kind: "room" };

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
  readonly shape: string;
  readonly giveUpAt: Instant;
  attempt: number;
  /** How many of its attempts gave way to other tasks [O4.7]. */
  gaveWay: number;
  avoid: NodeId[];
  /** The live run; null while waiting for a place. */
  live: { readonly run: RunId; readonly node: NodeId } | null;
  /** Why nothing fitted last time. */
  refusal: Refusal | null;
}

/** Waiting tasks of one shape, in order; `trying` while a place is being sought for the first. */
interface Line {
  readonly waiting: TaskId[];
  trying: boolean;
}

/** The life of every task as one machine. A `place` intention is answered by `placed` or `unplaced`. */
export class Orchestrator implements Machine<Observation, Intention> {
  readonly #lives = new Map<TaskId, Life>();
  readonly #lines = new Map<string, Line>();
  readonly #giveUp = new Deadlines<TaskId>();

  get wakeAt(): Instant {
    return this.#giveUp.next;
  }

  /** Tasks waiting for a place. */
  get waiting(): number {
    let count = 0;
    for (const line of this.#lines.values()) count += line.waiting.length;
    return count;
  }

  /** Takes a task back as it stood, after a restart. */
  restore(
    task: TaskId,
    shape: string,
    giveUpAt: Instant,
    attempt: number,
    live: Life["live"],
    gaveWay = 0,
  ): void {
    this.#lives.set(task, { task, shape, giveUpAt, attempt, gaveWay, avoid: [], live, refusal: null });
    if (live === null) this.#await(task, shape, giveUpAt, "back");
  }

  wake(now: Instant): readonly Intention[] {
    return this.#giveUp.due(now).map((task) => {
      const life = this.#lives.get(task);
      assert(life !== undefined && life.live === null, "only a waiting task gives up");
      this.#leaveLine(life);
      this.#lives.delete(task);
      const refusal =
        life.refusal ?? refuse("order_expired", "the order ended before the task could be placed").refusal;
      return { kind: "fail", task, refusal };
    });
  }

  handle(_now: Instant, seen: Observation): readonly Intention[] {
    switch (seen.kind) {
      case "submitted":
        return this.#submitted(seen.task, seen.shape, seen.giveUpAt);
      case "placed":
        return this.#placed(seen.task, seen.run, seen.node);
      case "unplaced":
        return this.#unplaced(seen.task, seen.refusal);
      case "ended":
        return this.#ended(seen.task, seen.run, seen.end);
      case "cancelled":
        return this.#cancelled(seen.task);
      case "room":
        return [...this.#lines.keys()].flatMap((shape) => this.#tryFirst(shape));
    }
  }

  #submitted(task: TaskId, shape: string, giveUpAt: Instant): readonly Intention[] {
    assert(!this.#lives.has(task), "a task is submitted once");
    this.#lives.set(task, {
      task,
      shape,
      giveUpAt,
      attempt: 0,
      gaveWay: 0,
      avoid: [],
      live: null,
      refusal: null,
    });
    const first = !this.#lines.has(shape);
    this.#await(task, shape, giveUpAt, "back");
    return first ? this.#tryFirst(shape) : [];
  }

  #placed(task: TaskId, run: RunId, node: NodeId): readonly Intention[] {
    const life = this.#lives.get(task);
    assert(life !== undefined && life.live === null, "only a waiting task is placed");
    this.#leaveLine(life);
    this.#giveUp.clear(task);
    life.live = { run, node };
    life.attempt++;
    return this.#tryFirst(life.shape);
  }

  #unplaced(task: TaskId, refusal: Refusal): readonly Intention[] {
    const life = this.#lives.get(task);
    assert(life !== undefined, "only a known task is sought a place for");
    life.refusal = refusal;
    const line = this.#lines.get(life.shape);
    if (line !== undefined) line.trying = false;
    return [];
  }

  #ended(task: TaskId, run: RunId, end: RunEnd): readonly Intention[] {
    const life = this.#lives.get(task);
    if (life?.live?.run !== run) return []; // [O4.2]
    const node = life.live.node;
    life.live = null;
    if (end.kind === "finished") {
      this.#lives.delete(task);
      return [{ kind: "succeed", task, run }];
    }
    const gaveWay = end.kind === "lost" && end.because === "preempted";
    if (gaveWay) life.gaveWay++;
    const again = end.kind === "lost" || end.because === "runtime_failed";
    if (!again || life.attempt - life.gaveWay >= MOST_ATTEMPTS) {
      this.#lives.delete(task);
      return [{ kind: "fail", task, refusal: refuse(end.because, end.detail).refusal }];
    }
    if (!gaveWay) life.avoid = [...life.avoid, node];
    this.#await(task, life.shape, life.giveUpAt, "front");
    return this.#tryFirst(life.shape);
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
    this.#leaveLine(life);
    return [{ kind: "cancel", task }];
  }

  #await(task: TaskId, shape: string, giveUpAt: Instant, end: "front" | "back"): void {
    let line = this.#lines.get(shape);
    if (line === undefined) {
      line = { waiting: [], trying: false };
      this.#lines.set(shape, line);
    }
    if (end === "front") {
      line.waiting.unshift(task);
      line.trying = false;
    } else line.waiting.push(task);
    this.#giveUp.set(task, giveUpAt);
  }

  #leaveLine(life: Life): void {
    this.#giveUp.clear(life.task);
    const line = this.#lines.get(life.shape);
    if (line === undefined) return;
    const at = line.waiting.indexOf(life.task);
    if (at === 0) line.trying = false;
    if (at >= 0) line.waiting.splice(at, 1);
    if (line.waiting.length === 0) this.#lines.delete(life.shape);
  }

  #tryFirst(shape: string): readonly Intention[] {
    const line = this.#lines.get(shape);
    const first = line?.waiting[0];
    if (line === undefined || first === undefined || line.trying) return [];
    line.trying = true;
    const life = this.#lives.get(first) as Life;
    return [{ kind: "place", task: first, attempt: life.attempt + 1, avoid: life.avoid }];
  }
}
