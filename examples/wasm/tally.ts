// Counts byte strings. Open addressing with linear probing; the strings are kept one behind the other.

const FIRST_SLOTS: u32 = 1024;
/** A slot: hash, where the string is, its length, its count. A count of 0 is a free slot. */
const SLOT: u32 = 16;

export class Tally {
  private slots: usize = heap.alloc(FIRST_SLOTS * SLOT);
  private mask: u32 = FIRST_SLOTS - 1;
  private room: usize = 0;
  private roomEnd: usize = 0;
  /** How many different strings there are. */
  size: u32 = 0;

  constructor() {
    memory.fill(this.slots, 0, FIRST_SLOTS * SLOT);
  }

  @inline
  private static hash(from: usize, length: u32): u32 {
    // FNV-1a: short strings, no enemy.
    let h: u32 = 0x811c9dc5;
    for (let i: u32 = 0; i < length; i++) h = (h ^ load<u8>(from + i)) * 0x01000193;
    return h;
  }

  add(from: usize, length: u32): void {
    let h = Tally.hash(from, length);
    let at = h & this.mask;
    for (;;) {
      let slot = this.slots + at * SLOT;
      let count = load<u32>(slot, 12);
      if (count == 0) break;
      if (load<u32>(slot) == h && load<u32>(slot, 8) == length) {
        if (memory.compare(load<u32>(slot, 4), from, length) == 0) {
          store<u32>(slot, count + 1, 12);
          return;
        }
      }
      at = (at + 1) & this.mask;
    }
    let slot = this.slots + at * SLOT;
    store<u32>(slot, h);
    store<u32>(slot, u32(this.keep(from, length)), 4);
    store<u32>(slot, length, 8);
    store<u32>(slot, 1, 12);
    if (++this.size * 2 > this.mask) this.grow();
  }

  private keep(from: usize, length: u32): usize {
    if (this.room + length > this.roomEnd) {
      let room = max<u32>(length, 65536);
      this.room = heap.alloc(room);
      this.roomEnd = this.room + room;
    }
    let at = this.room;
    memory.copy(at, from, length);
    this.room += length;
    return at;
  }

  private grow(): void {
    let old = this.slots;
    let count = this.mask + 1;
    this.mask = count * 2 - 1;
    this.slots = heap.alloc(count * 2 * SLOT);
    memory.fill(this.slots, 0, count * 2 * SLOT);
    for (let i: u32 = 0; i < count; i++) {
      let from = old + i * SLOT;
      if (load<u32>(from, 12) == 0) continue;
      let at = load<u32>(from) & this.mask;
      while (load<u32>(this.slots + at * SLOT, 12) != 0) at = (at + 1) & this.mask;
      memory.copy(this.slots + at * SLOT, from, SLOT);
    }
    heap.free(old);
  }

  /**
   * The slot that comes next after `last` by count, the greatest first, equal ones in the order of their bytes; 0 when
   * there is none. `last` 0 gives the first.
   */
  next(last: usize): usize {
    let best: usize = 0;
    for (let i: u32 = 0; i <= this.mask; i++) {
      let slot = this.slots + i * SLOT;
      if (load<u32>(slot, 12) == 0 || (last != 0 && !Tally.before(last, slot))) continue;
      if (best == 0 || Tally.before(slot, best)) best = slot;
    }
    return best;
  }

  private static before(a: usize, b: usize): bool {
    let ca = load<u32>(a, 12);
    let cb = load<u32>(b, 12);
    if (ca != cb) return ca > cb;
    let la = load<u32>(a, 8);
    let lb = load<u32>(b, 8);
    let order = memory.compare(load<u32>(a, 4), load<u32>(b, 4), min(la, lb));
    return order != 0 ? order < 0 : la < lb;
  }
}
