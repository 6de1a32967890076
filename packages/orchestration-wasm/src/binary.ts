/*
 * Reading and writing the WebAssembly binary format (WebAssembly Core Specification 2.0, chapter 5): only as much
 * as confining a module needs. What is malformed is thrown as `Malformed` and never leaves this package.
 */

export class Malformed extends Error {}

/** A cursor over bytes; every read checks the end. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Malformed("ends too early");
    return this.bytes[this.at++] as number;
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw new Malformed("ends too early");
    this.at += count;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
      scale *= 128;
    }
    throw new Malformed("a number too large");
  }

  /** Passes over a LEB128 of any sign, up to 64 bits. */
  skipNumber(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw new Malformed("a number too large");
  }

  name(): string {
    const length = this.u32();
    const from = this.at;
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(from, this.at));
  }
}

/** The unsigned LEB128 of a whole number below 2^32. */
export function u32(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    out.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return out;
}

/** A name as its length and its bytes. */
export function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...u32(bytes.length), ...bytes];
}

export function concat(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

/** Section ids in the order they must stand in a module; 0 (custom) may stand anywhere. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  code: 10,
} as const;
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** The sections of a module. Throws `Malformed`. */
export function readSections(module: Uint8Array): Section[] {
  if (!HEADER.every((byte, i) => module[i] === byte)) throw new Malformed("not a WebAssembly module");
  const reader = new Reader(module, HEADER.length);
  const sections: Section[] = [];
  while (reader.at < reader.end) {
    const id = reader.byte();
    const length = reader.u32();
    const from = reader.at;
    reader.skip(length);
    sections.push({ id, body: module.subarray(from, reader.at) });
  }
  return sections;
}

export function writeSections(sections: readonly Section[]): Uint8Array {
  return concat([HEADER, ...sections.flatMap(({ id, body }) => [[id, ...u32(body.length)], body])]);
}

/** Puts a section in its place: in the other's stead, or before the first that must come after it. */
export function withSection(sections: readonly Section[], id: number, body: Uint8Array): Section[] {
  if (sections.some((section) => section.id === id)) {
    return sections.map((section) => (section.id === id ? { id, body } : section));
  }
  const rank = ORDER.indexOf(id);
  const next = sections.findIndex((section) => section.id !== 0 && ORDER.indexOf(section.id) > rank);
  const at = next < 0 ? sections.length : next;
  return [...sections.slice(0, at), { id, body }, ...sections.slice(at)];
}

/** A section that is a list (all but `start` and `custom`) with one entry more. */
export function appended(sections: readonly Section[], id: number, entry: readonly number[]): Section[] {
  const body = sections.find((section) => section.id === id)?.body ?? new Uint8Array([0]);
  const reader = new Reader(body);
  const count = reader.u32();
  return withSection(sections, id, concat([u32(count + 1), body.subarray(reader.at), entry]));
}

/** How many entries a list section has; 0 where it is absent. */
export function countOf(sections: readonly Section[], id: number): number {
  const section = sections.find((candidate) => candidate.id === id);
  return section === undefined ? 0 : new Reader(section.body).u32();
}
