/**
 * A running 64-bit digest of what happened: two runs of one seed have equal digests, byte for byte.
 * Two 32-bit multiplicative hashes with different constants; made to notice a difference, not an attacker.
 */
export class RunDigest {
  #high = 0x6c62272e;
  #low = 0x811c9dc5;

  /** Mixes in a number, all of its 53 bits. */
  add(value: number): void {
    const low = value | 0;
    const high = ((value - (low >>> 0)) / 0x1_0000_0000) | 0;
    this.#low = Math.imul(this.#low ^ low, 0x01000193) ^ (this.#low >>> 15);
    this.#high = Math.imul(this.#high ^ high ^ (low << 7) ^ this.#low, 0x2c1b3c6d) ^ (this.#high >>> 13);
  }

  addBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      this.#low = Math.imul(this.#low ^ (bytes[i] as number), 0x01000193);
    }
    this.add(bytes.length);
  }

  addText(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.#low = Math.imul(this.#low ^ text.charCodeAt(i), 0x01000193);
    }
    this.add(text.length);
  }

  /** 16 hex digits. */
  toString(): string {
    return hex(this.#high) + hex(this.#low);
  }
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
