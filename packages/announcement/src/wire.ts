import type { Refusal } from "@weft/kernel";

/*
 * The bytes under every announcement: numbered fields, each a key (number * 8 + wire form) and a value, in the
 * manner of Protocol Buffers. A reader skips numbers it does not know, so that a newer writer is still
 * understood; whatever is malformed makes the reader `bad` and never throws.
 */

/** A whole number below 2^53, seven bits a byte, least significant first. */
const VARINT = 0;
/** An IEEE 754 double, little-endian. */
const DOUBLE = 1;
/** A length and that many bytes. */
const BYTES = 2;

/** What to do about what another version wrote. */
export const SAME_VERSION = "run the same version of weft on both";

export type WireRefusal = Refusal<"oversized" | "malformed" | "unknown_version">;

const NOTHING = new Uint8Array(0);

/** Room to write in, handed from one writer to the next: messages are small, many, and written one after the other. */
let spare: Uint8Array | null = null;
/** Longer ones are not kept. */
const MOST_SPARE = 65_536;

/** Appends fields to a growing buffer. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor() {
    this.#bytes = spare ?? new Uint8Array(1024);
    spare = null;
  }

  /** What was written, copied out. It is the last that is asked of a writer. */
  finish(): Uint8Array {
    const written = this.#bytes.slice(0, this.#length);
    if (this.#bytes.length <= MOST_SPARE) spare = this.#bytes;
    this.#bytes = NOTHING;
    this.#length = 0;
    return written;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** One bare byte, outside any field. */
  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** A bare varint, outside any field. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A number exactly: whole ones from 0 below 2^53 as a varint, all others as a double. */
  number(field: number, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
      this.varint(field * 8 + VARINT);
      this.varint(value);
    } else {
      this.varint(field * 8 + DOUBLE);
      this.#room(8);
      new DataView(this.#bytes.buffer, this.#length, 8).setFloat64(0, value, true);
      this.#length += 8;
    }
  }

  bytes(field: number, value: Uint8Array): void {
    this.varint(field * 8 + BYTES);
    this.varint(value.length);
    this.raw(value);
  }

  /** Bare bytes, outside any field. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** UTF-8; a lone surrogate becomes U+FFFD. */
  text(field: number, value: string): void {
    this.nested(field, () => this.#utf8(value));
  }

  /** A field whose value is what `body` writes. */
  nested(field: number, body: () => void): void {
    this.varint(field * 8 + BYTES);
    this.#room(1);
    const start = ++this.#length;
    body();
    const size = this.#length - start;
    let extra = 0;
    for (let rest = size; rest > 0x7f; rest = Math.floor(rest / 128)) extra++;
    // Room first, for the varint below too: growing keeps only what lies before #length.
    this.#room(extra + 8);
    if (extra > 0) this.#bytes.copyWithin(start + extra, start, start + size);
    this.#length = start - 1;
    this.varint(size);
    this.#length += size;
  }

  #utf8(value: string): void {
    this.#room(value.length * 3);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < value.length; i++) {
      let code = value.charCodeAt(i);
      if (code < 0x80) {
        bytes[at++] = code;
        continue;
      }
      if (code >= 0xd800 && code <= 0xdfff) {
        const low = code < 0xdc00 ? value.charCodeAt(i + 1) : 0;
        if (low >= 0xdc00 && low <= 0xdfff) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i++;
        } else code = 0xfffd;
      }
      if (code < 0x800) bytes[at++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x10000) bytes[at++] = 0xe0 | (code >> 12);
        else {
          bytes[at++] = 0xf0 | (code >> 18);
          bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
        }
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      }
      bytes[at++] = 0x80 | (code & 0x3f);
    }
    this.#length = at;
  }
}

/** Walks the fields of a buffer. Once `bad`, it yields no more fields and only empty values. */
export class Reader {
  /** Number of the field `next` stopped at. */
  field = 0;
  bad = false;
  #wire = 0;
  #at: number;
  readonly #end: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.bad || this.#at >= this.#end;
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at;
  }

  fail(): void {
    this.bad = true;
  }

  byte(): number {
    if (this.#at >= this.#end) this.bad = true;
    return this.bad ? 0 : (this.#bytes[this.#at++] as number);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) this.bad = true;
        return this.bad ? 0 : value;
      }
      scale *= 128;
    }
    this.bad = true;
    return 0;
  }

  /** Moves to the next field; false at the end or once bad. */
  next(): boolean {
    if (this.done) return false;
    const key = this.varint();
    this.field = Math.floor(key / 8);
    this.#wire = key % 8;
    if (this.#wire > BYTES) this.bad = true;
    return !this.bad;
  }

  number(): number {
    if (this.#wire === VARINT) return this.varint();
    if (this.#wire !== DOUBLE || this.#at + 8 > this.#end) {
      this.bad = true;
      return 0;
    }
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8).getFloat64(0, true);
    this.#at += 8;
    return value;
  }

  /** The bytes of the current field, not copied. */
  bytes(): Uint8Array {
    if (this.#wire !== BYTES) this.bad = true;
    const length = this.varint();
    if (this.bad || this.#at + length > this.#end) {
      this.bad = true;
      return NOTHING;
    }
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  /** Whether the current field is the empty value that stands for null. */
  get isNull(): boolean {
    return this.#wire === BYTES && this.#at < this.#end && this.#bytes[this.#at] === 0;
  }

  text(): string {
    const bytes = this.bytes();
    const text = utf8Text(bytes);
    if (text === null) this.bad = true;
    return text ?? "";
  }

  /** A reader over the current field's bytes. */
  nested(): Reader {
    const inner = new Reader(this.bytes());
    if (this.bad) inner.bad = true;
    return inner;
  }

  skip(): void {
    if (this.#wire === BYTES) this.bytes();
    else this.number();
  }
}

/** Strict UTF-8 (RFC 3629): overlong forms, surrogates and broken sequences give null. */
function utf8Text(bytes: Uint8Array): string | null {
  let text = "";
  let i = 0;
  while (i < bytes.length) {
    const first = bytes[i++] as number;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || i + more > bytes.length) return null;
    let code = first & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const byte = bytes[i++] as number;
      if ((byte & 0xc0) !== 0x80) return null;
      code = (code << 6) | (byte & 0x3f);
    }
    const least = more === 3 ? 0x10000 : more === 2 ? 0x800 : 0x80;
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return null;
    text += String.fromCodePoint(code);
  }
  return text;
}
