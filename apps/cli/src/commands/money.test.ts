import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { begin, end, folder, manager, renew, weft } from "../testing/command-line.ts";

/*
 * Accounts, invoices, payouts and statements; the short words of the market.
 */

beforeAll(begin);
afterEach(renew);
afterAll(end);

it("invoices, payouts and statements are shown, and written as PDF files", async () => {
  expect((await weft("invoices")).out).toMatch(/NUMBER +ACCOUNT[\s\S]*1 +books +2026-11/);
  const shown = await weft("invoices", "show", "1");
  expect(shown.out).toContain("VAT 6 %:");
  expect(shown.out).toContain("2026-11-01 08:00:00 GMT+8");
  expect((await weft("invoices", "show", "1", "-o", "csv")).out).toMatch(/^time \(UTC\),item/);
  expect((await weft("invoices", "show", "9")).err).toContain("[E_NOT_FOUND]");
  expect((await weft("invoices", "show", "1", "-o", "pdf")).err).toBe("wrote invoice-books-2026-11.pdf\n");
  expect((await weft("statement", "-o", "pdf", "--file", "s.pdf")).err).toBe("wrote s.pdf\n");
  for (const file of ["invoice-books-2026-11.pdf", "s.pdf"]) {
    expect(readFileSync(join(folder, file)).subarray(0, 5).toString()).toBe("%PDF-");
  }
  expect((await weft("invoices", "draft")).out).toMatch(/^draft of books/);
  expect((await weft("invoices", "issue", "--period", "2026-11")).err).toContain("[E_FORBIDDEN]");
  const boss = manager.issue("manager", "manager");
  expect((await weft("--token", boss, "invoices", "issue", "--period", "2026-11")).out).toContain("books");
  expect((await weft("--token", boss, "invoices", "credit", "1", "wrong", "--reason", "r")).code).toBe(2);
  const note = await weft("--token", boss, "invoices", "credit", "1", "0.0001CNY", "--reason", "r");
  expect(note.out).toContain("0.0001 CNY of invoice/books/2026-11 to books");
  const pat = manager.issue("provider", "pat");
  expect((await weft("--token", pat, "payout", "--dry-run")).out).toContain("is the manager's");
  expect((await weft("--token", pat, "payout", "list")).out).toMatch(/PAID[\s\S]*pat +2026-11-22/);
  expect((await weft("payout")).err).toContain("[E_FORBIDDEN]");
});

it("balance and statement tell the account's own", async () => {
  expect((await weft("balance")).out).toBe(
    "books  5.00 CNY, 0.001 CNY held, 4.999 CNY available\nat the rate of the last hour that lasts 2 h\n",
  );
  expect((await weft("balance", "else")).code).toBe(1);
  expect((await weft("statement", "--period", "2026-11")).out).toBe(
    "books, 2026-11: from 0.00 CNY to 0.00 CNY\nnothing moved\n",
  );
  expect((await weft("statement", "--period", "2026-W47", "-o", "csv")).out).toMatch(
    /^time \(UTC\),transfer/,
  );
  for (const wrong of ["2026-13", "2026-W60", "november"]) {
    expect([wrong, (await weft("statement", "--period", wrong)).code]).toEqual([wrong, 2]);
  }
});

it("offers, contracts and usage are short for get", async () => {
  for (const short of ["offers", "contracts", "usage"]) {
    expect(await weft(short)).toEqual({ code: 0, out: "", err: `no ${short}\n` });
  }
});

it("joining at a price below zero is refused before anything is measured", async () => {
  const { code, err } = await weft("join", "http://127.0.0.1:1", "--price=-0.02CNY/TFLOP");
  expect(code).toBe(2);
  expect(err).toContain(
    "--price  no price is below zero: found -0.02CNY/TFLOP, expected 0 or more  [E_PRICE_NEGATIVE]",
  );
  expect(err).toContain("hint: ");
});
