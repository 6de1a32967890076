import { hasEnded, type Manager, type MemoryStore } from "@weft/service";
import type { ActorId, World } from "@weft/sim";

/*
 * What must hold of a network.
 *
 *   F1  No reservation is above capacity: of computing power and memory, on any node, at any time.
 *   F2  Books sum to zero, in memory and in the store, at any time.
 *   F3  A task is billed at most once: of its contracts at most one is settled, and only a task that ended well
 *       or failed by its own fault was charged.
 *   F4  No acknowledged task is lost; after recovery every task has ended.
 *   F5  After recovery the manager's view is the truth: every node is there, up, and entirely free.
 *   F6  After recovery the manager in memory and one rebuilt from the store agree on every balance.
 *   F7  A task whose cancelling was acknowledged has ended, at once and for good; one that ended so was never charged.
 *   F8  No task fails because nodes refused it: every task fits every node here.
 */

/** What of a network is looked at. */
export interface Watched {
  readonly world: World;
  readonly store: MemoryStore;
  /** null while it is down. */
  readonly core: Manager | null;
  readonly agents: readonly ActorId[];
  /** What was submitted and acknowledged, by ticket. */
  readonly acknowledged: ReadonlyMap<number, string>;
  /** Tasks whose cancelling was acknowledged. */
  readonly cancelled: ReadonlySet<string>;
  /** Commands without an answer so far. */
  readonly unanswered: number;
  /** Nodes whose clock goes wrong. */
  readonly wrongClocks: ReadonlyMap<ActorId, unknown>;
}

/** What must hold at every moment. */
export function demandSound(network: Watched): void {
  const { store, core } = network;
  const world: World = network.world;
  const state = store.state();
  const sum = state.balances.reduce((total, { posted }) => total + posted, 0n);
  world.demand(sum === 0n, `F2: the stored balances sum to ${sum}`);
  const settled = new Map<string, number>();
  for (const row of state.contracts) {
    if (row.state === "settled")
      settled.set(row.contract.terms.task, (settled.get(row.contract.terms.task) ?? 0) + 1);
  }
  for (const [task, count] of settled) world.demand(count === 1, `F3: ${task} was settled ${count} times`);
  const tasks = new Set(state.tasks.map(({ id }) => id));
  for (const { id, progress } of state.tasks) {
    if (network.cancelled.has(id))
      world.demand(hasEnded(progress.phase), `F7: ${id} goes on after it was cancelled`);
    if (progress.phase === "cancelled") world.demand(!settled.has(id), `F7: ${id} was cancelled and charged`);
  }
  for (const id of network.acknowledged.values())
    world.demand(tasks.has(id), `F4: ${id} was acknowledged and is not stored`);
  if (core === null) return;
  for (const [currency, total] of core.core.books.totals())
    world.demand(total === 0n, `F2: the books sum to ${total} ${currency}`);
  demandWithinCapacity(network);
}

function demandWithinCapacity({ world: own, core }: Watched): void {
  const world: World = own;
  const nodes = core?.core.pool.nodes;
  if (nodes === undefined) return;
  for (let n = 0; n < nodes.bound; n++) {
    const node = nodes.descriptions[n];
    if (node === undefined || !nodes.slots.has(n)) continue;
    (["logical", "parallel", "neural"] as const).forEach((type, t) => {
      const reserved = nodes.reserved[t as 0 | 1 | 2][n] as number;
      world.demand(
        reserved >= 0 && reserved <= node.power[type],
        `F1: ${reserved} ${type} reserved on ${node.id} of ${node.power[type]}`,
      );
    });
    const memory = nodes.reservedMemory[n] as number;
    world.demand(
      memory >= 0 && memory <= node.memoryBytes,
      `F1: ${memory} B reserved on ${node.id} of ${node.memoryBytes}`,
    );
  }
}

/** What must hold once all is healed and time enough has passed. */
export function demandCalm(network: Watched): void {
  const { store, core } = network;
  const world: World = network.world;
  demandSound(network);
  world.demand(core !== null, "the manager is down");
  world.demand(network.unanswered === 0, `F4: ${network.unanswered} commands were never answered`);
  const state = store.state();
  for (const { id, progress } of state.tasks) {
    world.demand(
      hasEnded(progress.phase),
      `F4: ${id} is still ${progress.phase}: ${progress.reason?.message ?? "no reason"}`,
    );
  }
  for (const { id, progress } of state.tasks)
    world.demand(
      progress.reason?.code !== "node_refused" || progress.phase !== "failed",
      `F8: ${id} failed: ${progress.reason?.message}`,
    );
  world.demand(state.holds.length === 0, `F2: ${state.holds.length} holds are still open`);
  const { pool, fleet, books } = core.core;
  world.demand(pool.reservations === 0, `F5: ${pool.reservations} reservations stand with nothing running`);
  for (const agent of network.agents) {
    const name = world.name(agent);
    const member = [...fleet.members].find(({ row }) => row.id === name);
    world.demand(member !== undefined && member.connection !== null, `F5: ${name} is not connected`);
    const slot = pool.nodes.slots.find(member.row.id);
    world.demand(slot >= 0 && pool.nodes.slots.has(slot), `F5: ${name} is not in the pool`);
    const free = pool.nodes.free[0][slot];
    world.demand(
      free === member.row.description.power.logical,
      `F5: ${name} has ${free} free of ${member.row.description.power.logical}`,
    );
    // A node whose clock stays wrong may be set aside, for as long as it is wrong.
    world.demand(
      pool.nodes.accepting[slot] === 1 || network.wrongClocks.has(agent),
      `F5: ${name} is not seen as accepting`,
    );
  }
  for (const { account, posted } of state.balances) {
    world.demand(
      books.balance(account)?.posted === posted,
      `F6: ${account} has ${books.balance(account)?.posted} in memory and ${posted} stored`,
    );
  }
}
