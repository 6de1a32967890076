import { assert } from "@weft/kernel";
import type { Reader, Writer } from "./wire.ts";

/*
 * A message's layout as data: each member's field number and form, written and read from one table.
 */

/** How one value stands on the wire under some field number. */
export interface Form<T> {
  put(writer: Writer, field: number, value: T): void;
  take(reader: Reader): T;
}

/** One member of a struct: its number, form, and what stands for it when it is absent. */
export interface Member<T> {
  readonly field: number;
  put(writer: Writer, value: T): void;
  /** `before`: what an earlier occurrence of the field gave, so that lists grow. */
  take(reader: Reader, before: T | undefined): T;
  /** The value when the field is absent; undefined: the message is malformed without it. */
  readonly absent: (() => T) | undefined;
}

/** The most members a list takes, and the longest text, in bytes or UTF-16 units. */
export const MAX_LIST = 1024;
const MAX_TEXT = 1024;

export const number = <T extends number>(): Form<T> => ({
  put: (writer, field, value) => writer.number(field, value),
  take: (reader) => reader.number() as T,
});

/** A figure that is never below zero, nor without end. */
export const figure = <T extends number>(): Form<T> => ({
  put: (writer, field, value) => writer.number(field, value),
  take: (reader) => {
    const value = reader.number();
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) reader.fail();
    return value as T;
  },
});

export const flag: Form<boolean> = {
  put: (writer, field, value) => writer.number(field, value ? 1 : 0),
  take: (reader) => reader.number() !== 0,
};

export const text = <T extends string>(): Form<T> => ({
  put: (writer, field, value) => {
    assert(value.length <= MAX_TEXT, "a text in an announcement is at most 1024 units long");
    writer.text(field, value);
  },
  take: (reader) => {
    const value = reader.text();
    if (value.length > MAX_TEXT) reader.fail();
    return value as T;
  },
});

export const bytes: Form<Uint8Array> = {
  put: (writer, field, value) => writer.bytes(field, value),
  // Copied: a record outlives the socket's buffer it came in. (A Buffer's own slice would not copy.)
  take: (reader) => new Uint8Array(reader.bytes()),
};

/** One of a list of words, as its index; an index we do not know makes the message malformed. */
export const choice = <T extends string>(words: readonly T[]): Form<T> => ({
  put: (writer, field, value) => writer.number(field, words.indexOf(value)),
  take: (reader) => {
    const word = words[reader.number()];
    if (word === undefined) reader.fail();
    return word as T;
  },
});

/** Null as an empty value; only around numbers and flags, which are never empty. */
export const nullable = <T>(form: Form<T>): Form<T | null> => ({
  put: (writer, field, value) =>
    value === null ? writer.nested(field, () => {}) : form.put(writer, field, value),
  take: (reader) => {
    if (!reader.isNull) return form.take(reader);
    reader.skip();
    return null;
  },
});

export const required = <T>(field: number, form: Form<T>): Member<T> => ({
  field,
  put: (writer, value) => form.put(writer, field, value),
  take: (reader) => form.take(reader),
  absent: undefined,
});

/** Left out when null. */
export const orNull = <T>(field: number, form: Form<T>): Member<T | null> => ({
  field,
  put: (writer, value) => {
    if (value !== null) form.put(writer, field, value);
  },
  take: (reader) => form.take(reader),
  absent: () => null,
});

/** Left out when undefined. */
export const maybe = <T>(field: number, form: Form<T>): Member<T | undefined> => ({
  field,
  put: (writer, value) => {
    if (value !== undefined) form.put(writer, field, value);
  },
  take: (reader) => form.take(reader),
  absent: () => undefined,
});

export const list = <T>(field: number, form: Form<T>): Member<readonly T[]> => ({
  field,
  put: (writer, values) => {
    assert(values.length <= MAX_LIST, "a list in an announcement has at most 1024 members");
    for (const value of values) form.put(writer, field, value);
  },
  take: (reader, before) => {
    const values = (before as T[] | undefined) ?? [];
    values.push(form.take(reader));
    if (values.length > MAX_LIST) reader.fail();
    return values;
  },
  absent: () => [],
});

/** A text-to-text record, one entry a field, keys in order of code units. */
export const dictionary = (field: number): Member<Readonly<Record<string, string>>> => {
  const entry = struct<{ key: string; value: string }>({
    key: required(1, text()),
    value: required(2, text()),
  });
  const pairs = list(field, entry);
  return {
    field,
    put: (writer, record) =>
      pairs.put(
        writer,
        Object.keys(record)
          .sort()
          .map((key) => ({ key, value: record[key] as string })),
      ),
    take: (reader, before) => {
      const { key, value } = entry.take(reader);
      const merged = { ...before };
      // Defined, not assigned: a key such as __proto__ must stay a plain member.
      Object.defineProperty(merged, key, { value, enumerable: true, configurable: true, writable: true });
      if (Object.keys(merged).length > MAX_LIST) reader.fail();
      return merged;
    },
    absent: () => ({}),
  };
};

export interface Struct<T> extends Form<T> {
  /** Writes the members bare, as the whole of a message. */
  write(writer: Writer, value: T): void;
  /** Reads members to the reader's end; the reader is `bad` when the message is malformed. */
  read(reader: Reader): T;
}

/** A message of numbered members. */
export function struct<T extends object>(members: { readonly [K in keyof T]-?: Member<T[K]> }): Struct<T> {
  const entries = Object.entries(members) as [string, Member<unknown>][];
  const byField = new Map(entries.map(([name, member]) => [member.field, { name, member }]));
  assert(byField.size === entries.length, "each field number of a struct is used once");
  const write = (writer: Writer, value: T): void => {
    for (const [name, member] of entries) member.put(writer, (value as Record<string, unknown>)[name]);
  };
  const read = (reader: Reader): T => {
    const value: Record<string, unknown> = {};
    while (reader.next()) {
      const known = byField.get(reader.field);
      if (known === undefined) reader.skip();
      else value[known.name] = known.member.take(reader, value[known.name]);
    }
    for (const [name, member] of entries) {
      if (value[name] !== undefined) continue;
      if (member.absent === undefined) reader.fail();
      else {
        const absent = member.absent();
        if (absent !== undefined) value[name] = absent;
      }
    }
    return value as T;
  };
  return {
    write,
    read,
    put: (writer, field, value) => writer.nested(field, () => write(writer, value)),
    take: (reader) => {
      const inner = reader.nested();
      const value = read(inner);
      if (inner.bad) reader.fail();
      return value;
    },
  };
}
