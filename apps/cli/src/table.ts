/** Characters that take two columns of a terminal (Unicode TR11, wide and fullwidth). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/gu;

/** Columns a text takes on a terminal. */
export const widthOf = (text: string): number => [...text].length + (text.match(WIDE)?.length ?? 0);

/** The text with blanks behind it up to a width. */
export const padded = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - widthOf(text)));

/** Column widths of a table whose rows may come one by one. */
export class Table {
  readonly #widths: number[];

  constructor(headers: readonly string[], rows: readonly (readonly string[])[]) {
    this.#widths = headers.map((header, i) =>
      Math.max(widthOf(header), ...rows.map((row) => widthOf(row[i] ?? ""))),
    );
  }

  /** One line; columns two or more spaces apart, nothing behind the last. */
  line(cells: readonly string[]): string {
    return cells
      .map((cell, i) => (i === cells.length - 1 ? cell : padded(cell, this.#widths[i] ?? 0)))
      .join("   ")
      .trimEnd();
  }
}

/** Titled facts, one a line, values aligned. Groups (arrays) are indented beneath their title. */
export type Fact = readonly [title: string, value: string | readonly Fact[]];

export function factLines(facts: readonly Fact[], indent = ""): string[] {
  const width = Math.max(
    0,
    ...facts.filter(([, value]) => typeof value === "string").map(([title]) => widthOf(title)),
  );
  return facts.flatMap(([title, value]) =>
    typeof value === "string"
      ? value
          .split("\n")
          .map((line, i) => `${indent}${padded(i === 0 ? `${title}:` : "", width + 1)}  ${line}`)
      : [`${indent}${title}:`, ...factLines(value, `${indent}  `)],
  );
}
