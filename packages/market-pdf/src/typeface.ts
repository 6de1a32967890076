import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { create, type Font } from "fontkit";

/*
 * Which font draws which letter. Western text is in the standard fonts that every reader has, so it costs no bytes;
 * everything else is in Noto Sans SC, which comes in some hundred files by ranges of letters: only the ones that a paper
 * needs are read, and only the outlines of the letters that it shows are put into it.
 */

export type Weight = "regular" | "bold";

/** A stretch of text in one standard font, or in outlines. */
export type Run =
  | { readonly kind: "standard"; readonly text: string; readonly font: string }
  | { readonly kind: "outlines"; readonly text: string; readonly letters: readonly Letter[] };

/** One letter's outline, in units of which `perSize` make its size; y grows upwards. */
export interface Letter {
  readonly path: string;
  readonly advance: number;
  readonly perSize: number;
  /** How thick a line is drawn along the outline, as a share of the size. */
  readonly line: number;
}

const STANDARD = { regular: "Helvetica", bold: "Helvetica-Bold" } as const;
/** The outlines are those of the thin master: lines this thick along them make it regular, or bold. */
const LINE = { regular: 0.04, bold: 0.085 } as const;
/** What the standard fonts know: Windows-1252 as far as anybody writes it. */
const WESTERN = /[\u0020-\u007e\u00a0-\u00ff–—€•]/u;
/** Letters that no font here has are shown as a question mark rather than as a wrong letter. */
const UNKNOWN = "?";

const PACKAGE = "@fontsource-variable/noto-sans-sc";

interface Ranges {
  /** First and last letter of each range, and its file's name in the package; sorted by the first. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly subset: readonly string[];
}
let ranges: Ranges | undefined;

function readRanges(): Ranges {
  const index = fileURLToPath(import.meta.resolve(`${PACKAGE}/unicode.json`));
  const subsets = JSON.parse(readFileSync(index, "utf8")) as Readonly<Record<string, string>>;
  const rows = Object.entries(subsets)
    .flatMap(([name, text]) =>
      text.split(",").map((range) => {
        const [from = "", to = from] = range.trim().replace(/^U\+/i, "").split("-");
        return {
          from: Number.parseInt(from, 16),
          to: Number.parseInt(to, 16),
          name: name.replace(/[[\]]/g, ""),
        };
      }),
    )
    .sort((a, b) => a.from - b.from);
  return {
    from: Uint32Array.from(rows, (row) => row.from),
    to: Uint32Array.from(rows, (row) => row.to),
    subset: rows.map((row) => row.name),
  };
}

/** The file that has a letter; null when none has. */
function subsetOf(letter: string): string | null {
  ranges ??= readRanges();
  const code = letter.codePointAt(0) ?? 0;
  let low = 0;
  let high = ranges.from.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((ranges.from[middle] ?? 0) <= code) low = middle;
    else high = middle - 1;
  }
  const within = (ranges.from[low] ?? 0) <= code && code <= (ranges.to[low] ?? 0);
  return within ? (ranges.subset[low] ?? null) : null;
}

const fonts = new Map<string, Font>();

/** The font of a file; read once. */
function fontOf(subset: string): Font {
  const known = fonts.get(subset);
  if (known !== undefined) return known;
  const url = import.meta.resolve(`${PACKAGE}/files/noto-sans-sc-${subset}-wght-normal.woff2`);
  const font = create(readFileSync(fileURLToPath(url))) as Font;
  fonts.set(subset, font);
  return font;
}

function outlineOf(letter: string, weight: Weight): Letter | null {
  const subset = subsetOf(letter);
  const code = letter.codePointAt(0) ?? 0;
  if (subset === null) return null;
  const font = fontOf(subset);
  if (!font.hasGlyphForCodePoint(code)) return null;
  const { path, advanceWidth } = font.glyphForCodePoint(code);
  return { path: path.toSVG(), advance: advanceWidth, perSize: font.unitsPerEm, line: LINE[weight] };
}

/** Text cut into stretches of one font each. */
export function runsOf(text: string, weight: Weight): readonly Run[] {
  const runs: (
    | { kind: "standard"; text: string; font: string }
    | { kind: "outlines"; text: string; letters: Letter[] }
  )[] = [];
  for (const letter of text.normalize("NFC")) {
    const outline = WESTERN.test(letter) ? null : outlineOf(letter, weight);
    const shown = outline === null && !WESTERN.test(letter) ? UNKNOWN : letter;
    let last = runs.at(-1);
    if (last === undefined || (last.kind === "outlines") !== (outline !== null)) {
      last =
        outline === null
          ? { kind: "standard", text: "", font: STANDARD[weight] }
          : { kind: "outlines", text: "", letters: [] };
      runs.push(last);
    }
    last.text += shown;
    if (last.kind === "outlines" && outline !== null) last.letters.push(outline);
  }
  return runs;
}
