import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import {
  appended,
  concat,
  countOf,
  Malformed,
  name,
  Reader,
  readSections,
  SECTION,
  type Section,
  u32,
  withSection,
  writeSections,
} from "./binary.ts";
import { redirectGrows } from "./instructions.ts";

/*
 * A module is rewritten once, before it is compiled, so that the host decides what it may take:
 *  1. its memory becomes an import, so that each run brings its own with its own limit;
 *  2. its tables get a greatest size, because they too are memory;
 *  3. `memory.grow` notes when it was refused, so that "out of memory" is known from other failures.
 * Nothing else of it changes.
 */

export const WASI = "wasi_snapshot_preview1";
export const HOST = "weft";
export const MEMORY = "memory";
/** Exported global: 1 once the module asked for more memory than it may have. */
export const GROW_REFUSED = "weft:grow_refused";
export const PAGE_BYTES = 65_536;
/** 2 GiB: the shim takes pointers as signed numbers. */
export const MOST_PAGES = 32_768;

/** All tables of a module together hold at most this many entries of eight bytes. */
const TABLE_ENTRIES = 1 << 20;
const MODULE_BYTES = 64 << 20;

export interface Confined {
  readonly bytes: Uint8Array;
  /** Pages the module starts with and the most it asks for; null where it has no memory. */
  readonly memory: { readonly initial: number; readonly maximum: number | null } | null;
}

interface Limits {
  readonly initial: number;
  readonly maximum: number | null;
}

function readLimits(reader: Reader, what: string): Limits {
  const flags = reader.byte();
  if (flags > 1) throw new Malformed(`a ${what} that is shared or 64 bits wide is not offered`);
  return { initial: reader.u32(), maximum: flags === 1 ? reader.u32() : null };
}

const writeLimits = ({ initial, maximum }: Limits): number[] =>
  maximum === null ? [0, ...u32(initial)] : [1, ...u32(initial), ...u32(maximum)];

const FUNCTION_TYPE = 0x60;
/** i32, i64, f32, f64, v128, funcref, externref, exnref: values that are no objects of the garbage collector. */
const VALUE_TYPES = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x69]);

/** Refuses types of the garbage collector: objects of them would be memory outside the memory. */
function checkTypes(sections: readonly Section[]): void {
  const section = sections.find(({ id }) => id === SECTION.type);
  if (section === undefined) return;
  const reader = new Reader(section.body);
  for (let left = reader.u32(); left > 0; left--) {
    let plain = reader.byte() === FUNCTION_TYPE;
    for (const _ of ["parameters", "results"]) {
      for (let values = plain ? reader.u32() : 0; values > 0; values--)
        plain &&= VALUE_TYPES.has(reader.byte());
    }
    if (!plain) throw new Malformed("types of the garbage collector are not offered");
  }
}

/** Refuses every import but functions of WASI; gives how many there are. */
function checkImports(sections: readonly Section[]): number {
  const section = sections.find(({ id }) => id === SECTION.import);
  if (section === undefined) return 0;
  const reader = new Reader(section.body);
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    const from = reader.name();
    const what = reader.name();
    if (from !== WASI || reader.byte() !== 0) {
      throw new Malformed(`imports ${from}.${what}; only functions of ${WASI} are offered`);
    }
    reader.skipNumber();
  }
  return count;
}

function readMemory(sections: readonly Section[]): Limits | null {
  const section = sections.find(({ id }) => id === SECTION.memory);
  if (section === undefined) return null;
  const reader = new Reader(section.body);
  const count = reader.u32();
  if (count > 1) throw new Malformed("more than one memory is not offered");
  return count === 0 ? null : readLimits(reader, "memory");
}

/** The memory as an import. It keeps its index, 0, since a module has one memory at most. */
function importMemory(sections: readonly Section[], limits: Limits): Section[] {
  const entry = [...name(HOST), ...name(MEMORY), 0x02, ...writeLimits(limits)];
  return appended(
    sections.filter(({ id }) => id !== SECTION.memory),
    SECTION.import,
    entry,
  );
}

function boundTables(sections: readonly Section[]): readonly Section[] {
  const section = sections.find(({ id }) => id === SECTION.table);
  if (section === undefined) return sections;
  const reader = new Reader(section.body);
  const count = reader.u32();
  const share = Math.floor(TABLE_ENTRIES / Math.max(1, count));
  const entries: number[] = [];
  for (let i = 0; i < count; i++) {
    const type = reader.byte();
    if (type !== 0x70 && type !== 0x6f) throw new Malformed("a table of that type is not offered");
    const { initial, maximum } = readLimits(reader, "table");
    if (initial > share) throw new Malformed(`a table of ${initial} entries is larger than is offered`);
    entries.push(type, ...writeLimits({ initial, maximum: Math.min(maximum ?? share, share) }));
  }
  return withSection(sections, SECTION.table, concat([u32(count), entries]));
}

// (func (param i32) (result i32) (local i32)
//   (local.tee 1 (memory.grow (local.get 0))) (i32.eq (i32.const -1)) (if (then (global.set N (i32.const 1))))
//   (local.get 1))
const watchedGrow = (global: number): number[] => {
  const set = [0x41, 0x01, 0x24, ...u32(global)];
  const grow = [0x20, 0x00, 0x40, 0x00, 0x22, 0x01];
  const body = [0x01, 0x01, 0x7f, ...grow, 0x41, 0x7f, 0x46, 0x04, 0x40, ...set, 0x0b, 0x20, 0x01, 0x0b];
  return [...u32(body.length), ...body];
};

/** Leaves the code as it is where it holds an instruction not known here: the limit holds all the same. */
function watchGrows(sections: readonly Section[], imported: number): readonly Section[] {
  const code = sections.find(({ id }) => id === SECTION.code);
  if (code === undefined) return sections;
  const callee = imported + countOf(sections, SECTION.function);
  let redirected: Uint8Array | null;
  try {
    redirected = redirectGrows(code.body, callee);
  } catch (error) {
    if (error instanceof Malformed) return sections;
    throw error;
  }
  if (redirected === null) return sections;
  const type = countOf(sections, SECTION.type);
  const global = countOf(sections, SECTION.global);
  let all = withSection(sections, SECTION.code, redirected);
  all = appended(all, SECTION.type, [0x60, 0x01, 0x7f, 0x01, 0x7f]);
  all = appended(all, SECTION.function, u32(type));
  all = appended(all, SECTION.global, [0x7f, 0x01, 0x41, 0x00, 0x0b]);
  all = appended(all, SECTION.export, [...name(GROW_REFUSED), 0x03, ...u32(global)]);
  return appended(all, SECTION.code, watchedGrow(global));
}

/** Rewrites a module so that its memory is bounded from outside. Refuses what is no module for this sandbox. */
export function confine(module: Uint8Array): Result<Confined, Refusal<"bad_program">> {
  if (module.length > MODULE_BYTES) return refuse("bad_program", "the module is larger than 64 MiB");
  try {
    const sections = readSections(module);
    checkTypes(sections);
    const imported = checkImports(sections);
    const memory = readMemory(sections);
    const bounded = watchGrows(boundTables(sections), imported);
    return ok({ bytes: writeSections(memory === null ? bounded : importMemory(bounded, memory)), memory });
  } catch (error) {
    if (error instanceof Malformed) return refuse("bad_program", error.message);
    throw error;
  }
}
