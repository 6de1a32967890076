import { formatMoney, type Instant, type Money } from "@weft/kernel";
import { type Invoice, localTime, type Statement } from "@weft/market";
import PDFDocument from "pdfkit";
import { Typesetter } from "./setting.ts";

/** Who stands on the paper, and whose clock it is read by. */
export interface Letterhead {
  readonly issuer: readonly string[];
  readonly recipient: readonly string[];
  /** IANA name, such as Asia/Shanghai. */
  readonly timeZone: string;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: "left" | "right";
}

const LEFT = 50;
const TOP = 50;
const WIDTH = 495;
const BOTTOM = 780;
const SMALL = 8.5;
const GAP = 8;
const GREY = "#555";

class Paper {
  readonly #pdf: PDFKit.PDFDocument;
  readonly #set: Typesetter;
  readonly #chunks: Buffer[] = [];
  readonly #title: string;
  #y = TOP;

  constructor(title: string, at: Instant) {
    this.#title = title;
    // the date on the paper is the document's own, so the same document gives the same bytes
    const info = { Title: title, CreationDate: new Date(at / 1000), Producer: "weft", Creator: "weft" };
    // the margin is ours to keep: pdfkit's own would begin pages by itself
    this.#pdf = new PDFDocument({ size: "A4", margin: 0, info, bufferPages: true, compress: true });
    this.#pdf.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.#set = new Typesetter(this.#pdf);
  }

  head({ issuer, recipient }: Letterhead, facts: readonly (readonly [string, string])[]): void {
    this.#set.write(this.#title, LEFT, TOP, 300, { size: 22, weight: "bold" });
    const from = { size: 9, colour: GREY, align: "right" } as const;
    this.#set.write(issuer.join("\n"), LEFT + 250, TOP + 4, WIDTH - 250, from);
    this.#set.write("To", LEFT, 122, 240, { size: 8, colour: GREY });
    const below = this.#set.write(recipient.join("\n"), LEFT, 134, 240, { size: 10.5 });
    let y = 122;
    for (const [name, value] of facts) {
      this.#set.write(name, 330, y, 80, { size: 9, colour: GREY });
      y = this.#set.write(value, 400, y, LEFT + WIDTH - 400, { size: 9, align: "right" }) + 3;
    }
    this.#y = Math.max(below, y) + 24;
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    const titles = columns.map((column) => column.title);
    this.#row(columns, titles, "bold");
    this.rule();
    for (const row of rows) {
      if (this.#turn(26)) {
        this.#row(columns, titles, "bold");
        this.rule();
      }
      this.#row(columns, row, "regular");
    }
    this.rule();
  }

  #row(columns: readonly Column[], cells: readonly string[], weight: "regular" | "bold"): void {
    let bottom = this.#y;
    let x = LEFT;
    columns.forEach(({ width, align }, i) => {
      const below = this.#set.write(
        cells[i] ?? "",
        x,
        this.#y,
        width - (i === columns.length - 1 ? 0 : GAP),
        { size: SMALL, weight, align },
      );
      bottom = Math.max(bottom, below);
      x += width;
    });
    this.#y = bottom + 4;
  }

  rule(): void {
    this.#pdf
      .moveTo(LEFT, this.#y)
      .lineTo(LEFT + WIDTH, this.#y)
      .lineWidth(0.5)
      .strokeColor("#999")
      .stroke();
    this.#y += 6;
  }

  /** Lines under the table: name and amount at the right; the last may be bold. */
  sums(lines: readonly (readonly [string, string])[], boldFrom: number): void {
    lines.forEach(([name, amount], i) => {
      this.#turn(26);
      const weight = i >= boldFrom ? "bold" : "regular";
      const size = i >= boldFrom ? 11 : 10;
      const below = this.#set.write(name, 300, this.#y, 120, { size, weight });
      this.#set.write(amount, 420, this.#y, LEFT + WIDTH - 420, { size, weight, align: "right" });
      this.#y = below + 4;
    });
  }

  note(text: string): void {
    this.#turn(30);
    this.#y = this.#set.write(text, LEFT, this.#y + 14, WIDTH, { size: 8, colour: GREY });
  }

  /** Goes on on a new page where less than `room` is left; returns whether it did. */
  #turn(room: number): boolean {
    if (this.#y + room <= BOTTOM) return false;
    this.#pdf.addPage();
    this.#y = TOP;
    return true;
  }

  /** Numbers the pages and closes; gives the bytes. */
  async finish(): Promise<Uint8Array> {
    const pdf = this.#pdf;
    const { start, count } = pdf.bufferedPageRange();
    for (let page = start; page < start + count; page++) {
      pdf.switchToPage(page);
      const number = `${page + 1} / ${count}`;
      this.#set.write(number, LEFT, 805, WIDTH, { size: 8, colour: GREY, align: "right" });
    }
    const ended = new Promise<void>((done) => pdf.on("end", () => done()));
    pdf.end();
    await ended;
    return Buffer.concat(this.#chunks);
  }
}

/** An invoice as a PDF that a person would accept: who, what for, when, every line, how the total comes about. */
export function invoicePdf(invoice: Invoice, letterhead: Letterhead): Promise<Uint8Array> {
  const { currency, period, number, lines, adjustments } = invoice;
  const draft = number === 0;
  const amount = (value: Money): string => formatMoney(value, currency);
  const time = (at: Instant): string => localTime(at, letterhead.timeZone);
  const paper = new Paper(draft ? "Invoice (draft)" : "Invoice", invoice.issuedAt);
  paper.head(letterhead, [
    ["Number", draft ? "none yet" : String(number)],
    ["Account", invoice.account],
    ["Period (UTC)", period.name],
    ["Issued", time(invoice.issuedAt)],
  ]);
  paper.table(
    [
      { title: "Time", width: 125, align: "left" },
      { title: "Item", width: 130, align: "left" },
      { title: "Description", width: 150, align: "left" },
      { title: "Amount", width: 90, align: "right" },
    ],
    lines.map((line) => [
      time(line.at),
      line.billable,
      line.late ? `${line.description} (from an earlier period)` : line.description,
      amount(line.amount),
    ]),
  );
  const sums: (readonly [string, string])[] = [["Charges", amount(invoice.charges)]];
  for (const adjustment of adjustments) sums.push([adjustment.name, amount(adjustment.amount)]);
  paper.sums([...sums, ["Total", amount(invoice.total)]], sums.length);
  paper.note(`Every line follows from a contract and its signed usage records. ${invoice.id}`);
  return paper.finish();
}

/** An account's statement as a PDF: opening balance, every movement with the balance after it, closing balance. */
export function statementPdf(
  statement: Statement,
  letterhead: Letterhead,
  issuedAt: Instant,
): Promise<Uint8Array> {
  const { currency, period, rows } = statement;
  const paper = new Paper("Statement", issuedAt);
  paper.head(letterhead, [
    ["Account", statement.account],
    ["Period (UTC)", period.name],
    ["Issued", localTime(issuedAt, letterhead.timeZone)],
    ["Opening", formatMoney(statement.opening, currency)],
    ["Closing", formatMoney(statement.closing, currency)],
  ]);
  paper.table(
    [
      { title: "Time", width: 125, align: "left" },
      { title: "Kind", width: 65, align: "left" },
      { title: "Reference", width: 135, align: "left" },
      { title: `Amount (${currency})`, width: 85, align: "right" },
      { title: `Balance (${currency})`, width: 85, align: "right" },
    ],
    rows.map((row) => [
      localTime(row.at, letterhead.timeZone),
      row.kind,
      row.reference,
      formatMoney(row.amount),
      formatMoney(row.balance),
    ]),
  );
  return paper.finish();
}
