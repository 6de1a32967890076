/** A column: one figure of every node (or link), by index. */
export type Column = Float64Array | Int32Array | Uint8Array;

/** `column` with room for at least `length` entries; doubles, so that growing costs O(1) an entry. */
export function grown<C extends Column>(column: C, length: number): C {
  if (column.length >= length) return column;
  const Kind = column.constructor as new (length: number) => C;
  const wider = new Kind(Math.max(16, column.length * 2, length));
  wider.set(column as never);
  return wider;
}
