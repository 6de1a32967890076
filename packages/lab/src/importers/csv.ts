import { Unreadable } from "./problem.ts";

/** One line of a CSV file by the names of its columns. */
export interface CsvRow {
  readonly line: number;
  /** The field's text; refuses with the line where the file has no such column. */
  text(column: string): string;
  /** The field as a finite number; refuses anything else. */
  number(column: string): number;
}

/**
 * Rows of a comma-separated file (RFC 4180) with a header. Column names are matched without case; `required` ones
 * must be there. Quoted fields may hold commas, quotes and line breaks.
 */
export function csvRows(text: string, required: readonly string[]): CsvRow[] {
  const records = csvRecords(text);
  const head = records[0];
  if (head === undefined) throw new Unreadable(1, "an empty file");
  const columns = new Map(head.fields.map((name, i) => [name.trim().toLowerCase(), i]));
  const missing = required.filter((name) => !columns.has(name.toLowerCase()));
  if (missing.length > 0) {
    throw new Unreadable(
      head.line,
      `no column ${missing.join(", ")}`,
      `the header has ${head.fields.join(", ")}`,
    );
  }
  return records.slice(1).map(({ line, fields }) => {
    if (fields.length !== head.fields.length) {
      throw new Unreadable(line, `${fields.length} fields where the header has ${head.fields.length}`);
    }
    return row(line, fields, columns);
  });
}

function row(line: number, fields: readonly string[], columns: ReadonlyMap<string, number>): CsvRow {
  const text = (column: string): string => {
    const at = columns.get(column.toLowerCase());
    if (at === undefined) throw new Unreadable(line, `no column ${column}`);
    return (fields[at] as string).trim();
  };
  return {
    line,
    text,
    number(column) {
      const found = text(column);
      const value = Number(found);
      if (found === "" || !Number.isFinite(value)) {
        throw new Unreadable(line, `${column}: found "${found}", expected a number`);
      }
      return value;
    },
  };
}

function csvRecords(text: string): { readonly line: number; readonly fields: string[] }[] {
  const records: { line: number; fields: string[] }[] = [];
  let line = 1;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    const started = line;
    const fields: string[] = [];
    for (;;) {
      const field = text[at] === '"' ? quoted(text, at, line) : plain(text, at);
      fields.push(field.value);
      line += field.lines;
      at = field.end;
      if (text[at] !== ",") break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (at < text.length && text[at] !== "\n") throw new Unreadable(line, "text behind a quoted field");
    at++;
    line++;
    if (fields.length > 1 || fields[0] !== "") records.push({ line: started, fields });
  }
  return records;
}

interface Field {
  readonly value: string;
  readonly end: number;
  readonly lines: number;
}

function plain(text: string, at: number): Field {
  let end = at;
  while (end < text.length && text[end] !== "," && text[end] !== "\n") end++;
  const stop = text[end] === "\n" && text[end - 1] === "\r" && end > at ? end - 1 : end;
  return { value: text.slice(at, stop), end: stop, lines: 0 };
}

function quoted(text: string, at: number, line: number): Field {
  let value = "";
  let from = at + 1;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) throw new Unreadable(line, "a quote that is not closed");
    value += text.slice(from, end);
    if (text[end + 1] !== '"') return { value, end: end + 1, lines: value.split("\n").length - 1 };
    value += '"';
    from = end + 2;
  }
}
