import { inflateSync } from "node:zlib";
import { type Instant, money } from "@weft/kernel";
import { Biller, periodOf, statementFrom } from "@weft/market";
import { expect, it } from "vitest";
import { invoicePdf, type Letterhead, statementPdf } from "./index.ts";
import { runsOf } from "./typeface.ts";

const at = (iso: string): Instant => (Date.parse(iso) * 1000) as Instant;
const november = periodOf(at("2026-11-01"), "month");
const letterhead: Letterhead = {
  issuer: ["Weft Exchange", "1 Loom Lane"],
  recipient: ["Ann Weaver", "算力 Street 5"],
  timeZone: "Asia/Shanghai",
};

/** The words a PDF shows: pdfkit writes them as hex strings in deflated page streams. */
function wordsOf(pdf: Uint8Array): string {
  const text = Buffer.from(pdf).toString("latin1");
  let words = "";
  for (const [, stream] of text.matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)) {
    try {
      const page = inflateSync(Buffer.from(stream as string, "latin1")).toString("latin1");
      for (const [, array] of page.matchAll(/\[(.*?)\] TJ/g)) {
        for (const [, hex] of (array as string).matchAll(/<([0-9a-f]+)>/g)) {
          words += Buffer.from(hex as string, "hex").toString("latin1");
        }
        words += "\n";
      }
    } catch {
      // not a page
    }
  }
  return words;
}

const invoice = (count: number) => {
  const items = Array.from({ length: count }, (_, i) => ({
    id: `contract-${i}`,
    account: "ann",
    at: at("2026-11-22T15:30:00Z"),
    description: `task ${i}`,
    amount: money(410n),
  }));
  const tax = { kind: "tax", name: "VAT 6 %", ppm: 60_000 } as const;
  return new Biller("CNY", [tax]).draft("ann", november, items, at("2026-12-01T00:00:00Z"));
};

it("an invoice says who, what, when by the reader's clock, and how the total comes about", async () => {
  const pdf = await invoicePdf({ ...invoice(2), number: 7 }, letterhead);
  expect(Buffer.from(pdf.slice(0, 5)).toString()).toBe("%PDF-");
  const words = wordsOf(pdf);
  for (const shown of [
    "Weft Exchange",
    "Ann Weaver",
    " Street 5",
    "contract-1",
    "2026-11-22 23:30:00 GMT+8",
  ]) {
    expect(words).toContain(shown);
  }
  expect(words.replaceAll("\n", " ")).toMatch(/Charges 0\.00082 CNY VAT 6 % 0\.00005 CNY Total 0\.00087 CNY/);
});

it("runs over as many pages as it needs, numbered, and is the same bytes for the same invoice", async () => {
  const pdf = await invoicePdf(invoice(120), letterhead);
  const words = wordsOf(pdf);
  expect(words).toContain("contract-119");
  expect(words).toMatch(/1 \/ [3-9]/);
  expect(words).toContain("Invoice (draft)");
  expect(Buffer.from(await invoicePdf(invoice(120), letterhead)).equals(Buffer.from(pdf))).toBe(true);
});

it("a statement shows every movement with the balance after it", async () => {
  const postings = [
    { account: "world", amount: money(-5_000_000n) },
    { account: "ann", amount: money(5_000_000n) },
  ];
  const deposit = {
    id: "d",
    at: at("2026-11-05"),
    kind: "deposit",
    reference: "card",
    postings,
    closes: null,
  } as const;
  const pdf = await statementPdf(
    statementFrom("ann", "CNY", november, money(0n), [deposit]),
    letterhead,
    at("2026-12-01"),
  );
  expect(wordsOf(pdf).replaceAll("\n", " ")).toMatch(/deposit card 5\.00 5\.00/);
});

it("draws what Western fonts lack: names keep their letters, and only what no font has is a question mark", () => {
  const kinds = (text: string) => runsOf(text, "regular").map((run) => [run.kind, run.text]);
  expect(kinds("Ann 算力 5")).toEqual([
    ["standard", "Ann "],
    ["outlines", "算力"],
    ["standard", " 5"],
  ]);
  expect(kinds("Жук テスト")).toEqual([
    ["outlines", "Жук"],
    ["standard", " "],
    ["outlines", "テスト"],
  ]);
  expect(kinds("a\u{10ffff}")).toEqual([["standard", "a?"]]);
  const [letters] = runsOf("算算力", "bold");
  if (letters?.kind !== "outlines") throw new Error("not drawn");
  const [first, same, other] = letters.letters;
  expect(first).toEqual(same);
  expect(other!.path).not.toBe(first!.path);
  expect(first!.path.length).toBeGreaterThan(50);
  expect(first!.advance).toBe(first!.perSize); // a full square each
});

it("a paper in Chinese is still small", async () => {
  const chinese = { ...letterhead, recipient: ["上海算力科技有限公司", "浦东新区世纪大道 100 号"] };
  const pdf = await invoicePdf(invoice(3), chinese);
  expect(pdf.length).toBeLessThan(40_000);
});
