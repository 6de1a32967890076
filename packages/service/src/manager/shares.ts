import { COMPUTE_TYPES } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import type { Claim, ClaimByName } from "@weft/pool";
import { ACCELERATOR_KINDS, type Amounts, type Pool, RESOURCES } from "@weft/pool";
import { DominantShares } from "@weft/scheduling";
import type { DominantShare, TurnView } from "../resources.ts";
import type { Core } from "./core.ts";
import { placeAwaited, placeKeptFrom } from "./front.ts";

/*
 * Between consumers that wait for room: who has least of what there is goes first (dominant-resource fairness).
 *
 * [M.F1] A consumer's share is of what its live runs, and the places held for its gangs, have reserved, and of nothing
 *        else: after a restart it is what it was, since the runs are.
 * [M.F2] Links are not counted: a megabit here is not one there.
 */

/** What every consumer holds, and what share of everything that is. */
export class ConsumerShares {
  readonly #pool: Pool;
  readonly #shares = new DominantShares(new Float64Array(RESOURCES.length));
  readonly #numbers = new Map<string, number>();
  #capacity: Amounts | null = null;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Takes over what the pool has in all now; true where that has changed, and every share with it. */
  refresh(): boolean {
    const { capacity } = this.#pool;
    if (capacity === this.#capacity) return false;
    this.#capacity = capacity;
    this.#shares.setCapacity(Float64Array.from(RESOURCES, (name) => capacity[name]));
    return true;
  }

  /** The consumer holds this too, or (`sign` -1) not any more. */
  charge(consumer: string, amount: Float64Array, sign: 1 | -1): void {
    let number = this.#numbers.get(consumer);
    if (number === undefined) {
      number = this.#shares.enter();
      this.#numbers.set(consumer, number);
    }
    this.#shares.charge(number, amount, sign);
  }

  of(consumer: string): number {
    const number = this.#numbers.get(consumer);
    return number === undefined ? 0 : this.#shares.shareOf(number);
  }

  /** The share and the resource it is of. */
  dominantOf(consumer: string): DominantShare {
    const number = this.#numbers.get(consumer);
    const resource = number === undefined ? undefined : RESOURCES[this.#shares.dominantOf(number)];
    return { share: this.of(consumer), resource: resource ?? null };
  }
}

/** What is taken of a node. */
interface Taken extends Pick<ClaimByName, "type" | "accelerator"> {
  readonly rate: number;
  readonly memory: number;
  readonly storage: number;
  readonly throughput: number;
}

/** The same, by resource. */
export function amountOf({ type, rate, memory, storage, throughput, accelerator }: Taken): Float64Array {
  const { kind, memoryBytes, count = 1 } = accelerator ?? { kind: null, memoryBytes: 0 };
  return amounts(COMPUTE_TYPES.indexOf(type), rate, memory, storage, throughput, kind, memoryBytes * count);
}

export const amountOfClaim = (claim: Claim): Float64Array =>
  amounts(
    claim.type,
    claim.rate,
    claim.memory,
    claim.storage,
    claim.throughput,
    ACCELERATOR_KINDS[claim.deviceKind] ?? null,
    claim.deviceMemory * claim.deviceCount,
  );

function amounts(
  type: number,
  rate: number,
  memory: number,
  storage: number,
  throughput: number,
  device: "gpu" | "npu" | null,
  deviceMemory: number,
): Float64Array {
  const amount = new Float64Array(RESOURCES.length);
  amount[type] = Math.floor(rate);
  amount[RESOURCES.indexOf("memory")] = Math.ceil(memory);
  amount[RESOURCES.indexOf("storage")] = Math.ceil(storage);
  amount[RESOURCES.indexOf("throughput")] = Math.ceil(throughput);
  if (device !== null) amount[RESOURCES.indexOf(device)] = Math.ceil(deviceMemory);
  return amount;
}

/** What goes before a task that waits for room; null for one that does not. Others are named where `named`. */
export function turnOf(
  core: Pick<Core, "shares" | "orchestrator" | "tasks" | "front" | "pool" | "reservations" | "applications">,
  task: string,
  named: boolean,
  now: Instant,
): TurnView | null {
  const row = core.tasks.task(task)?.row;
  const before = core.orchestrator.before(task);
  if (row === undefined || before === null) return null;
  const place = placeAwaited(core, task, now);
  const placeFrom = placeKeptFrom(core, task);
  const ahead = before.consumers.flatMap(({ consumer, tasks }) =>
    consumer === null
      ? []
      : [{ consumer: named ? consumer : null, tasks, ...core.shares.dominantOf(consumer) }],
  );
  return {
    ...core.shares.dominantOf(row.consumer),
    own: before.own,
    promised: before.consumers.find(({ consumer }) => consumer === null)?.tasks ?? 0,
    ahead: ahead.sort((a, b) => a.share - b.share),
    ...(place !== null ? { place } : placeFrom === null ? {} : { placeFrom }),
  };
}
