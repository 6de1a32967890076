import { type Run, runsOf, type Weight } from "./typeface.ts";

/** How a piece of text is set. */
export interface Setting {
  readonly size: number;
  readonly weight?: Weight;
  readonly colour?: string;
  readonly align?: "left" | "right";
}

interface Line {
  readonly runs: readonly Run[];
  readonly width: number;
}

const LEADING = 1.25;
/** From the top of a line down to what its letters stand on, as a share of the size. */
const ASCENT = 0.8;
/** Lines may end after a space, a dash or a slash, and beside any letter of a script written without spaces. */
const PIECES =
  /[^\s\-/\u2e80-\uffef\u{20000}-\u{3ffff}]+[\s\-/]*|[\s\-/]+|[\u2e80-\uffef\u{20000}-\u{3ffff}]/gu;

/** Sets text in several fonts on a page: measures, breaks and places it line by line. */
export class Typesetter {
  readonly #pdf: PDFKit.PDFDocument;

  constructor(pdf: PDFKit.PDFDocument) {
    this.#pdf = pdf;
  }

  /** Writes at (x, y), within `width`; returns the y below it. Line breaks in the text are kept. */
  write(text: string, x: number, y: number, width: number, setting: Setting): number {
    const { size, weight = "regular", colour = "#000", align = "left" } = setting;
    let top = y;
    for (const paragraph of text.split("\n")) {
      for (const line of this.#lines(paragraph, width, size, weight)) {
        let at = align === "right" ? x + width - line.width : x;
        for (const run of line.runs) {
          // Fonts differ in how far their letters reach above the line that they stand on.
          if (run.kind === "standard") {
            this.#pdf.font(run.font).fontSize(size).fillColor(colour);
            this.#pdf.text(run.text, at, top + size * ASCENT, { lineBreak: false, baseline: "alphabetic" });
          } else this.#draw(run, at, top + size * ASCENT, size, colour);
          at += this.#width(run, size);
        }
        top += size * LEADING;
      }
    }
    return top;
  }

  /** Draws letters by their outlines, with the text that they are beside them for readers that ask (ActualText). */
  #draw(
    { text, letters }: Run & { kind: "outlines" },
    x: number,
    y: number,
    size: number,
    colour: string,
  ): void {
    const pdf = this.#pdf;
    pdf.markContent("Span", { actual: text });
    let at = x;
    for (const { path, advance, perSize, line } of letters) {
      const scale = size / perSize;
      pdf.save().translate(at, y).scale(scale, -scale);
      pdf
        .path(path)
        .lineWidth(line * perSize)
        .lineJoin("round")
        .fillAndStroke(colour, colour)
        .restore();
      at += advance * scale;
    }
    pdf.endMarkedContent();
  }

  #width(run: Run, size: number): number {
    if (run.kind === "standard") return this.#pdf.font(run.font).fontSize(size).widthOfString(run.text);
    return run.letters.reduce((sum, { advance, perSize }) => sum + (advance / perSize) * size, 0);
  }

  #lines(text: string, width: number, size: number, weight: Weight): readonly Line[] {
    const lines: Line[] = [];
    let words = "";
    const measure = (candidate: string): number =>
      runsOf(candidate.trimEnd(), weight).reduce((sum, run) => sum + this.#width(run, size), 0);
    const end = (): void => {
      lines.push({ runs: runsOf(words.trimEnd(), weight), width: measure(words) });
      words = "";
    };
    for (const piece of text.match(PIECES) ?? []) {
      if (words !== "" && measure(words + piece) > width) end();
      // A word longer than a line is cut where the line ends.
      for (const letter of measure(piece) > width ? piece : [piece]) {
        if (words !== "" && measure(words + letter) > width) end();
        words += letter;
      }
    }
    if (words !== "" || lines.length === 0) end();
    return lines;
  }
}
