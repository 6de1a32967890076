import { assert, type Cryptography, type Digest } from "@weft/kernel";

/*
 * An append-only Merkle tree with the hashing of RFC 6962 and RFC 9162, 2.1: a leaf is H(0x00 || entry), a node
 * H(0x01 || left || right), and a tree of n leaves splits at the largest power of two below n.
 */

/** H(0x00 || UTF-8 of the entry). */
export const leafHash = (entry: string, cryptography: Cryptography): Digest =>
  cryptography.digest(`\u0000${entry}`);

const HASH_BYTES = 32;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function writeHex(hex: Digest, into: Uint8Array, at: number): void {
  for (let i = 0; i < HASH_BYTES; i++) {
    into[at + i] = (nibble(hex.charCodeAt(2 * i)) << 4) | nibble(hex.charCodeAt(2 * i + 1));
  }
}
const nibble = (code: number): number => (code < 58 ? code - 48 : code - 87);

function readHex(bytes: Uint8Array, at: number): Digest {
  let hex = "";
  for (let i = at; i < at + HASH_BYTES; i++) hex += HEX[bytes[i] as number];
  return hex;
}

/** H(0x01 || left || right). */
function nodeHash(left: Digest, right: Digest, cryptography: Cryptography): Digest {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  writeHex(left, pair, 1);
  writeHex(right, pair, 1 + HASH_BYTES);
  return cryptography.digest(pair);
}

/** Hashes of one height, 32 bytes each, growing. */
class HashColumn {
  #bytes = new Uint8Array(64 * HASH_BYTES);
  length = 0;

  push(hash: Digest): void {
    const at = this.length * HASH_BYTES;
    if (at === this.#bytes.length) {
      const grown = new Uint8Array(2 * at);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    writeHex(hash, this.#bytes, at);
    this.length++;
  }

  at(index: number): Digest {
    assert(index >= 0 && index < this.length, "no such hash");
    return readHex(this.#bytes, index * HASH_BYTES);
  }
}

/** The greatest power of two below `size`; `size` is at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** Keeps the hash of every complete subtree: appending hashes twice on average, a proof is read without hashing much. */
export class MerkleTree {
  readonly #cryptography: Cryptography;
  /** `#columns[h]` holds the subtrees of 2^h leaves, left to right. */
  readonly #columns: HashColumn[] = [new HashColumn()];

  constructor(cryptography: Cryptography, leaves: readonly Digest[] = []) {
    this.#cryptography = cryptography;
    for (const leaf of leaves) this.append(leaf);
  }

  get size(): number {
    return (this.#columns[0] as HashColumn).length;
  }

  leaf(index: number): Digest {
    return (this.#columns[0] as HashColumn).at(index);
  }

  /** Adds a leaf by its hash (see `leafHash`). */
  append(leaf: Digest): void {
    let hash = leaf;
    for (let height = 0; ; height++) {
      let column = this.#columns[height];
      if (column === undefined) this.#columns.push((column = new HashColumn()));
      column.push(hash);
      if (column.length % 2 === 1) return;
      hash = nodeHash(column.at(column.length - 2), hash, this.#cryptography);
    }
  }

  /** The root of the first `size` leaves; that of none is the hash of nothing. */
  root(size: number = this.size): Digest {
    assert(size <= this.size, "the tree is not that large");
    return size === 0 ? this.#cryptography.digest("") : this.#subtree(0, size);
  }

  /** Hash of the leaves `from` .. `from + size - 1`; `from` is a multiple of the power of two that covers `size`. */
  #subtree(from: number, size: number): Digest {
    const height = Math.log2(size);
    if (Number.isInteger(height)) return (this.#columns[height] as HashColumn).at(from / size);
    const split = splitOf(size);
    return nodeHash(
      this.#subtree(from, split),
      this.#subtree(from + split, size - split),
      this.#cryptography,
    );
  }

  /** PATH(index, D[size]) of RFC 9162, 2.1.3.1: the siblings from the leaf up. */
  inclusionProof(index: number, size: number = this.size): readonly Digest[] {
    assert(index >= 0 && index < size && size <= this.size, "no such leaf in that tree");
    const path: Digest[] = [];
    let from = 0;
    let width = size;
    while (width > 1) {
      const split = splitOf(width);
      if (index < from + split) {
        path.push(this.#subtree(from + split, width - split));
        width = split;
      } else {
        path.push(this.#subtree(from, split));
        from += split;
        width -= split;
      }
    }
    return path.reverse();
  }

  /** PROOF(first, D[second]) of RFC 9162, 2.1.4.1: shows that the tree of `second` leaves begins with that of `first`. */
  consistencyProof(first: number, second: number = this.size): readonly Digest[] {
    assert(first > 0 && first <= second && second <= this.size, "no such trees");
    const proof: Digest[] = [];
    let from = 0;
    let width = second;
    let whole = true; // the part at hand is a complete subtree of the first tree's own
    while (first - from !== width) {
      const split = splitOf(width);
      if (first - from <= split) {
        proof.push(this.#subtree(from + split, width - split));
        width = split;
      } else {
        proof.push(this.#subtree(from, split));
        from += split;
        width -= split;
        whole = false;
      }
    }
    if (!whole) proof.push(this.#subtree(from, width));
    return proof.reverse();
  }
}

/** Whether the leaf stands at `index` in the tree with this root (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leaf: Digest,
  index: number,
  size: number,
  proof: readonly Digest[],
  root: Digest,
  cryptography: Cryptography,
): boolean {
  if (!(index >= 0 && index < size)) return false;
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash, cryptography);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling, cryptography);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && hash === root;
}

/** Whether the tree of `second` leaves is that of `first` with leaves added at its end (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Digest,
  secondRoot: Digest,
  proof: readonly Digest[],
  cryptography: Cryptography,
): boolean {
  if (first === second) return proof.length === 0 && firstRoot === secondRoot;
  if (first <= 0 || first > second) return false;
  const power = 2 ** Math.round(Math.log2(first)) === first;
  const path = power ? [firstRoot, ...proof] : proof;
  if (path.length === 0) return false;
  let at = first - 1;
  let last = second - 1;
  while (at % 2 === 1) {
    at = (at - 1) / 2;
    last = Math.floor(last / 2);
  }
  let before = path[0] as Digest;
  let after = before;
  for (const hash of path.slice(1)) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      before = nodeHash(hash, before, cryptography);
      after = nodeHash(hash, after, cryptography);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      after = nodeHash(after, hash, cryptography);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && before === firstRoot && after === secondRoot;
}
