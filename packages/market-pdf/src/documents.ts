import { formatMoney, type Instant, type Money } from "@weft/kernel";
import { type Invoice, localTime, type Statement } from "@weft/market";
import PDFDocument from "pdfkit";

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

const PAGE = { size: "A4", margin: 50 } as const;
const LEFT = 50;
const WIDTH = 495;
const BOTTOM = 770;
const SMALL = 8.5;

/** The standard fonts know Windows-1252 only; what they lack is shown as a question mark rather than as a wrong letter. */
const plain = (text: string): string => text.replace(/[^\u0020-\u007e\u00a0-\u00ff–—€•]/gu, "?");

class Paper {
  readonly #pdf: PDFKit.PDFDocument;
  readonly #chunks: Buffer[] = [];
  readonly #title: string;

  constructor(title: string, at: Instant) {
    this.#title = title;
    // the date on the paper is the document's own, so the same document gives the same bytes
    const info = { Title: title, CreationDate: new Date(at / 1000), Producer: "weft", Creator: "weft" };
    this.#pdf = new PDFDocument({ ...PAGE, info, bufferPages: true, compress: true });
    this.#pdf.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
  }

  head({ issuer, recipient }: Letterhead, facts: readonly (readonly [string, string])[]): void {
    const pdf = this.#pdf;
    pdf.font("Helvetica-Bold").fontSize(20).text(this.#title, LEFT, 50);
    pdf.font("Helvetica").fontSize(9).fillColor("#555");
    pdf.text(issuer.map(plain).join("\n"), LEFT, 56, { width: WIDTH, align: "right" });
    pdf.fillColor("#000").fontSize(10).text(recipient.map(plain).join("\n"), LEFT, 120, { width: 240 });
    const afterRecipient = pdf.y;
    let y = 120;
    for (const [name, value] of facts) {
      pdf.fillColor("#555").text(name, 310, y, { width: 90 });
      pdf.fillColor("#000").text(plain(value), 400, y, { width: 145, align: "right" });
      y = Math.max(pdf.y, y + 14);
    }
    pdf.y = Math.max(afterRecipient, y) + 20;
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    this.#row(
      columns,
      columns.map((column) => column.title),
      "Helvetica-Bold",
    );
    this.rule();
    for (const row of rows) {
      if (this.#pdf.y > BOTTOM - 20) {
        this.#pdf.addPage();
        this.#pdf.y = 50;
        this.#row(
          columns,
          columns.map((column) => column.title),
          "Helvetica-Bold",
        );
        this.rule();
      }
      this.#row(columns, row, "Helvetica");
    }
    this.rule();
  }

  #row(columns: readonly Column[], cells: readonly string[], font: string): void {
    const pdf = this.#pdf;
    const top = pdf.y;
    let bottom = top;
    let x = LEFT;
    pdf.font(font).fontSize(SMALL);
    columns.forEach(({ width, align }, i) => {
      pdf.text(plain(cells[i] ?? ""), x, top, { width: width - 6, align });
      bottom = Math.max(bottom, pdf.y);
      x += width;
    });
    pdf.y = bottom + 3;
  }

  rule(): void {
    const y = this.#pdf.y;
    this.#pdf
      .moveTo(LEFT, y)
      .lineTo(LEFT + WIDTH, y)
      .lineWidth(0.5)
      .strokeColor("#999")
      .stroke();
    this.#pdf.y = y + 4;
  }

  /** Lines under the table: name and amount at the right; the last may be bold. */
  sums(lines: readonly (readonly [string, string])[], boldFrom: number): void {
    lines.forEach(([name, amount], i) => {
      if (this.#pdf.y > BOTTOM - 20) {
        this.#pdf.addPage();
        this.#pdf.y = 50;
      }
      const top = this.#pdf.y;
      this.#pdf.font(i >= boldFrom ? "Helvetica-Bold" : "Helvetica").fontSize(10);
      this.#pdf.text(plain(name), 250, top, { width: 180 });
      this.#pdf.text(amount, 430, top, { width: 109, align: "right" });
      this.#pdf.y = top + 15;
    });
  }

  note(text: string): void {
    this.#pdf
      .moveDown()
      .font("Helvetica")
      .fontSize(8)
      .fillColor("#555")
      .text(plain(text), LEFT, this.#pdf.y, { width: WIDTH });
  }

  /** Numbers the pages and closes; gives the bytes. */
  async finish(): Promise<Uint8Array> {
    const pdf = this.#pdf;
    const { start, count } = pdf.bufferedPageRange();
    for (let page = start; page < start + count; page++) {
      pdf.switchToPage(page);
      pdf.page.margins.bottom = 0; // else a line in the margin begins a new page
      pdf.font("Helvetica").fontSize(8).fillColor("#555");
      pdf.text(`${page + 1} / ${count}`, LEFT, 805, { width: WIDTH, align: "right", lineBreak: false });
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
