/** Column widths of a table whose rows may come one by one. */
export class Table {
  readonly #widths: number[];

  constructor(headers: readonly string[], rows: readonly (readonly string[])[]) {
    this.#widths = headers.map((header, i) =>
      Math.max(header.length, ...rows.map((row) => (row[i] ?? "").length)),
    );
  }

  /** One line; columns two or more spaces apart, nothing behind the last. */
  line(cells: readonly string[]): string {
    return cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(this.#widths[i] ?? 0)))
      .join("   ")
      .trimEnd();
  }
}

/** Titled facts, one a line, values aligned. Groups (arrays) are indented beneath their title. */
export type Fact = readonly [title: string, value: string | readonly Fact[]];

export function factLines(facts: readonly Fact[], indent = ""): string[] {
  const width = Math.max(
    0,
    ...facts.filter(([, value]) => typeof value === "string").map(([title]) => title.length),
  );
  return facts.flatMap(([title, value]) =>
    typeof value === "string"
      ? value
          .split("\n")
          .map((line, i) => `${indent}${(i === 0 ? `${title}:` : "").padEnd(width + 1)}  ${line}`)
      : [`${indent}${title}:`, ...factLines(value, `${indent}  `)],
  );
}
