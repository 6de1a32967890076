import { MinHeap } from "./heap.ts";

const SLOTS = 1024;
const WORDS = SLOTS / 32;

/**
 * The vertices that a search has come to and not yet left, in slots of equal width by distance (Dial 1969; Denardo and
 * Fox 1979): coming out of one slot in no order of size, they serve a search that leaves a vertex again when it is
 * reached anew by a shorter way. Joining, moving and leaving take a few steps, however many wait. The slots reach as far
 * as they reach; what lies beyond waits in a heap until they are empty, and then they start again from its least.
 *
 * Distances are the caller's, one array for a whole search, which has to end with the queue empty.
 */
export class BucketQueue {
  /** By slot: its first vertex, -1 when empty; and a bit for those that are not. */
  readonly #first = new Int32Array(SLOTS).fill(-1);
  readonly #filled = new Int32Array(WORDS);
  /** By vertex: its slot, -1 when in none; its neighbours there, -1 at the ends. */
  #slot = new Int32Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  readonly #beyond = new MinHeap();
  /** Where the slots start, and slots to a unit of distance. */
  #low = 0;
  #scale = 1;
  /** `SLOTS`, or 0 once all is left to the heap. */
  #slots = SLOTS;
  /** The slot that is being emptied, and what its word is. */
  #current = 0;
  #word = 0;

  /** Readies the empty queue for distances from 0 on. `width`: of a slot; it decides how long things take, never what comes out. */
  begin(vertices: number, width: number): void {
    if (this.#slot.length < vertices) {
      this.#slot = new Int32Array(vertices).fill(-1);
      this.#next = new Int32Array(vertices);
      this.#previous = new Int32Array(vertices);
    }
    this.#scale = 1 / width;
    this.#slots = SLOTS;
    this.#restart(0);
  }

  /** `vertex` is now `distance` away, less than before, reached from one `from` away that came out last. */
  put(vertex: number, distance: number, from: number): void {
    const at = (distance - this.#low) * this.#scale;
    if (!(at < this.#slots)) {
      this.#beyond.push(distance, vertex);
      return;
    }
    const current = this.#current;
    let slot = at | 0;
    // Vertices as near as the one just left go before the rest of its slot: much can hang together by arcs of no weight.
    if (slot <= current) slot = distance > from && current < SLOTS - 1 ? current + 1 : current;
    const was = this.#slot[vertex] as number;
    if (was === slot) return;
    if (was >= 0) this.#takeOut(vertex, was);
    this.#putFirst(vertex, slot);
  }

  /** Takes out one of the nearest slot; -1 when there is none. */
  take(distance: Float64Array): number {
    const filled = this.#filled;
    let word = this.#word;
    while (word < WORDS && filled[word] === 0) word++;
    this.#word = word;
    if (word === WORDS) return this.#takeBeyond(distance);
    const bits = filled[word] as number;
    const slot = (word << 5) | (31 - Math.clz32(bits & -bits));
    this.#current = slot;
    const vertex = this.#first[slot] as number;
    this.#takeOut(vertex, slot);
    return vertex;
  }

  /** Leaves all to the heap from now on: what comes out is the nearest of all, and so comes out but once. */
  order(distance: Float64Array): void {
    if (this.#slots === 0) return;
    this.#slots = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let vertex = this.#first[slot] as number; vertex >= 0; vertex = this.#first[slot] as number) {
        this.#takeOut(vertex, slot);
        this.#beyond.push(distance[vertex] as number, vertex);
      }
    }
  }

  #takeOut(vertex: number, slot: number): void {
    const next = this.#next[vertex] as number;
    const previous = this.#previous[vertex] as number;
    if (next >= 0) this.#previous[next] = previous;
    if (previous >= 0) this.#next[previous] = next;
    else this.#first[slot] = next;
    if (next < 0 && previous < 0)
      this.#filled[slot >> 5] = (this.#filled[slot >> 5] as number) & ~(1 << (slot & 31));
    this.#slot[vertex] = -1;
  }

  #putFirst(vertex: number, slot: number): void {
    const next = this.#first[slot] as number;
    if (next >= 0) this.#previous[next] = vertex;
    else this.#filled[slot >> 5] = (this.#filled[slot >> 5] as number) | (1 << (slot & 31));
    this.#next[vertex] = next;
    this.#previous[vertex] = -1;
    this.#first[slot] = vertex;
    this.#slot[vertex] = slot;
  }

  /** The nearest of the heap, and into the slots from there on whatever they reach. Entries that a shorter way overtook are void. */
  #takeBeyond(distance: Float64Array): number {
    const heap = this.#beyond;
    let nearest = -1;
    while (nearest < 0 && heap.size > 0) {
      const key = heap.least;
      const vertex = heap.pop();
      if (key === distance[vertex]) nearest = vertex;
    }
    if (nearest < 0) return -1;
    const low = distance[nearest] as number;
    this.#restart(low);
    while ((heap.least - low) * this.#scale < this.#slots) {
      const key = heap.least;
      const vertex = heap.pop();
      if (key === distance[vertex]) this.#putFirst(vertex, ((key - low) * this.#scale) | 0);
    }
    return nearest;
  }

  #restart(low: number): void {
    this.#low = low;
    this.#current = 0;
    this.#word = 0;
  }
}
