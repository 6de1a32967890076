/** The column with room for at least `length` entries, new ones filled; doubles. */
export function widened<C extends Float64Array | Float32Array | Int32Array | Int8Array>(
  column: C,
  length: number,
  filling = 0,
): C {
  if (column.length >= length) return column;
  const wider = new (column.constructor as new (length: number) => C)(
    Math.max(length, column.length * 2, 16),
  );
  if (filling !== 0) wider.fill(filling, column.length);
  wider.set(column as never);
  return wider;
}

/* Single precision for bounds: rounded to the side on which a bound stays one. */
const SLACK = 2 ** -23;
const slackOf = (value: number): number => (Number.isFinite(value) ? Math.abs(value) * SLACK : 0);
export const atMost = (value: number): number => Math.fround(value + slackOf(value));
export const atLeast = (value: number): number => Math.fround(value - slackOf(value));

/** Keeps a bound below what it bounds, whatever the order in which the same factors were multiplied. */
export const ROUNDING: number = 1 - 2 ** -40;
