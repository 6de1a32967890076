import { type Instant, money } from "@weft/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  adjust,
  type Billable,
  Biller,
  type BillingRule,
  creditTransfer,
  invoiceCsv,
  invoiceTransfer,
  Ledger,
  localTime,
  payout,
  periodNamed,
  periodOf,
  statementCsv,
  statementFrom,
  type Transfer,
} from "./index.ts";

const at = (iso: string): Instant => (Date.parse(iso) * 1000) as Instant;
const rules: readonly BillingRule[] = [
  { kind: "discount", name: "volume", above: money(1_000n), ppm: 100_000 },
  { kind: "fee", name: "invoice", amount: money(20n) },
  { kind: "tax", name: "VAT 6 %", ppm: 60_000 },
];
const item = (id: string, when: string, amount: bigint, account = "ann"): Billable => ({
  id,
  account,
  at: at(when),
  description: `task ${id}`,
  amount: money(amount),
});
const november = periodOf(at("2026-11-22T15:00:00Z"), "month");
const december = periodOf(november.to, "month");
const later = at("2027-01-05T00:00:00Z");

describe("periods", () => {
  it("are those of the UTC calendar", () => {
    expect(november).toMatchObject({ name: "2026-11", from: at("2026-11-01"), to: at("2026-12-01") });
    expect(periodOf(at("2026-12-31T23:59:59Z"), "month").to).toBe(at("2027-01-01"));
    expect(periodOf(at("2024-02-29T12:00:00Z"), "day")).toMatchObject({
      name: "2024-02-29",
      to: at("2024-03-01"),
    });
    for (const [day, name] of [
      ["2026-11-22", "2026-W47"],
      ["2027-01-03", "2026-W53"],
      ["2027-01-04", "2027-W01"],
      ["2024-12-30", "2025-W01"],
      ["2023-01-01", "2022-W52"],
    ] as const) {
      expect(periodOf(at(day), "week").name).toBe(name);
    }
  });

  it("follow one another without gap or overlap", () => {
    const when = fc.integer({ min: 0, max: 4e9 }).map((seconds) => (seconds * 1e6) as Instant);
    fc.assert(
      fc.property(when, fc.constantFrom("day" as const, "week" as const, "month" as const), (now, kind) => {
        const period = periodOf(now, kind);
        expect(period.from <= now && now < period.to).toBe(true);
        expect(periodOf(period.from, kind)).toEqual(period);
        expect(periodOf(period.to, period.kind).from).toBe(period.to);
      }),
    );
  });

  it("are found by their names, and by no other name", () => {
    const when = fc.integer({ min: 0, max: 4e9 }).map((seconds) => (seconds * 1e6) as Instant);
    fc.assert(
      fc.property(when, fc.constantFrom("day" as const, "week" as const, "month" as const), (now, kind) => {
        const period = periodOf(now, kind);
        expect(periodNamed(period.name)).toEqual(period);
      }),
    );
    for (const name of [
      "",
      "2026",
      "2026-13",
      "2026-02-30",
      "2026-W00",
      "2026-W54",
      "2025-W53",
      "2026-11-1",
      "x",
    ]) {
      expect(periodNamed(name), name).toBeNull();
    }
  });

  it("are shown by the reader's clock", () => {
    expect(localTime(at("2026-11-22T15:30:00Z"), "Asia/Shanghai")).toBe("2026-11-22 23:30:00 GMT+8");
    expect(localTime(at("2026-11-22T15:30:00Z"), "UTC")).toBe("2026-11-22 15:30:00 UTC");
  });
});

describe("an invoice", () => {
  it("lists what was charged and adds what the rules say", () => {
    const biller = new Biller("CNY", rules);
    const items = [item("b", "2026-11-03", 700n), item("a", "2026-11-02", 801n), item("x", "2026-12-01", 5n)];
    const draft = biller.draft("ann", november, items, later);
    expect(draft.lines.map((line) => line.billable)).toEqual(["a", "b"]);
    expect(draft.charges).toBe(1501n);
    expect(draft.adjustments.map((a) => a.amount)).toEqual([-50n, 20n, 89n]); // 501 / 10, 20, 1471 x 0.06
    expect(draft.total).toBe(1560n);
    expect(biller.state.invoices).toEqual([]); // a dry run keeps nothing
    expect(biller.issue("ann", november, items, later)).toEqual({ ok: true, value: { ...draft, number: 1 } });
    const transfer = invoiceTransfer(draft, { manager: "fees", tax: "tax" });
    expect(transfer?.postings).toEqual([
      { account: "ann", amount: -59n },
      { account: "tax", amount: 89n },
      { account: "fees", amount: -30n },
    ]);
  });

  it("[I2, I5] is made once, and a charge that comes late stands on the next one, marked", () => {
    const biller = new Biller("CNY", []);
    const first = biller.issue("ann", november, [item("a", "2026-11-02", 5n)], later);
    const again = biller.issue(
      "ann",
      november,
      [item("a", "2026-11-02", 5n), item("b", "2026-11-03", 6n)],
      later,
    );
    expect(again).toEqual(first);
    const next = biller.issue(
      "ann",
      december,
      [item("a", "2026-11-02", 5n), item("b", "2026-11-03", 6n)],
      later,
    );
    expect(next).toMatchObject({ value: { number: 2, lines: [{ billable: "b", late: true }], total: 6n } });
    const code = (outcome: ReturnType<Biller["issue"]>) => (outcome.ok ? "" : outcome.refusal.code);
    expect(code(biller.issue("bob", november, [], later))).toBe("E_INVOICE_EMPTY");
    expect(code(biller.issue("bob", november, [], at("2026-11-30")))).toBe("E_INVOICE_EARLY");
  });

  it("[I3] is put right by credit notes, never beyond its total, never twice", () => {
    const biller = new Biller("CNY", []);
    biller.issue("ann", november, [item("a", "2026-11-02", 100n)], later);
    const note = {
      id: "n1",
      invoice: "invoice/ann/2026-11",
      account: "ann",
      amount: money(60n),
      reason: "wrong result",
      borneBy: "bob",
      issuedAt: later,
    };
    const code = (change: object): string => {
      const outcome = biller.credit({ ...note, ...change });
      return outcome.ok ? "ok" : outcome.refusal.code;
    };
    expect(code({})).toBe("ok");
    expect(code({})).toBe("ok");
    expect(biller.creditable(note.invoice)).toBe(40n);
    expect(code({ amount: money(61n) })).toBe("E_CREDIT_REUSED");
    expect(code({ id: "n2", amount: money(41n) })).toBe("E_CREDIT_AMOUNT");
    expect(code({ id: "n2", amount: money(-1n) })).toBe("E_CREDIT_AMOUNT");
    expect(code({ id: "n2", amount: money(0n) })).toBe("E_CREDIT_AMOUNT");
    expect(code({ id: "n2", account: "eve" })).toBe("E_CREDIT_NO_INVOICE");
    expect(creditTransfer(note).postings.reduce((sum, p) => sum + p.amount, 0n)).toBe(0n);
    const restarted = new Biller("CNY", [], biller.state);
    expect(restarted.creditable(note.invoice)).toBe(40n);
    expect(restarted.state).toEqual(biller.state);
    for (const [id, amount, left] of [
      ["n3", 39n, 1n],
      ["n4", 1n, 0n],
    ] as const) {
      expect(restarted.credit({ ...note, id, amount: money(amount) }).ok).toBe(true);
      expect(restarted.creditable(note.invoice)).toBe(left);
    }
  });

  it("lists no rule that adds nothing", () => {
    const kinds = (charges: bigint) => adjust(money(charges), rules).map(({ kind }) => kind);
    expect(kinds(0n)).toEqual([]);
    expect(kinds(1_000n)).toEqual(["fee", "tax"]);
    expect(kinds(1_010n)).toEqual(["discount", "fee", "tax"]);
  });

  it("moves no money where no rule adds any", () => {
    const draft = new Biller("CNY", []).draft("ann", november, [item("a", "2026-11-02", 100n)], later);
    expect(draft.total).toBe(100n);
    expect(invoiceTransfer(draft, { manager: "fees", tax: "tax" })).toBeNull();
  });

  it("[I4] never is negative, and more use never costs less, whatever the rules", () => {
    const amount = fc.bigInt(0n, 5_000n).map(money);
    const ppm = fc.integer({ min: 0, max: 1_000_000 });
    const rule = fc.oneof(
      fc.record({ kind: fc.constant("discount" as const), name: fc.constant("d"), above: amount, ppm }),
      fc.record({ kind: fc.constant("tax" as const), name: fc.constant("t"), ppm }),
    );
    const total = (charges: bigint, list: readonly BillingRule[]): bigint =>
      adjust(money(charges), list).reduce((sum, a) => sum + a.amount, charges);
    fc.assert(
      fc.property(
        fc.bigInt(0n, 9_000n),
        fc.bigInt(0n, 9_000n),
        fc.array(rule, { maxLength: 4 }),
        (less, more, list) => {
          expect(total(less, list)).toBeGreaterThanOrEqual(0n);
          if (list.filter((r) => r.kind === "discount").length <= 1) {
            expect(total(less + more, list)).toBeGreaterThanOrEqual(total(less, list) - 4n); // micros lost to rounding
          }
        },
      ),
    );
  });

  it("[I1] bills every charge exactly once over any history, crashes in between included", () => {
    const days = 90;
    const charge = fc.record({
      used: fc.nat(days - 1),
      known: fc.nat(days + 20),
      amount: fc.bigInt(1n, 99n),
    });
    const run = fc.record({ day: fc.nat(days + 30), crash: fc.boolean() });
    fc.assert(
      fc.property(fc.array(charge, { maxLength: 30 }), fc.array(run, { maxLength: 12 }), (charges, runs) => {
        const day = (n: number): Instant => (at("2026-09-01") + n * 86_400e6) as Instant;
        const items = charges.map(({ used, known, amount }, i) => ({
          item: { id: `c${i}`, account: "ann", at: day(used), description: "", amount: money(amount) },
          known: Math.max(used, known),
        }));
        let kept = new Biller("CNY", rules).state;
        const ends = [...runs, { day: 200, crash: false }].sort((a, b) => a.day - b.day);
        for (const { day: today, crash } of ends) {
          const biller = new Biller("CNY", rules, kept);
          const known = items.filter((entry) => entry.known <= today).map((entry) => entry.item);
          for (
            let period = periodOf(day(0), "month");
            period.to <= day(today);
            period = periodOf(period.to, period.kind)
          ) {
            biller.issue("ann", period, known, day(today));
          }
          expect(biller.state.invoices.slice(0, kept.invoices.length)).toEqual(kept.invoices); // I3
          if (!crash) kept = biller.state; // killed before it was kept: nobody was told
        }
        const lines = kept.invoices.flatMap((invoice) => invoice.lines.map((line) => line.billable));
        expect(lines.toSorted()).toEqual(items.map((entry) => entry.item.id).toSorted());
        expect(kept.invoices.map((invoice) => invoice.number)).toEqual(kept.invoices.map((_, i) => i + 1));
        for (const invoice of kept.invoices) expect(invoice.total).toBeGreaterThanOrEqual(0n);
      }),
      { numRuns: 100 },
    );
  });
});

describe("payouts and statements", () => {
  const policy = { minimum: money(100n), fixed: money(2n), ppm: 10_000 };
  const accounts = { manager: "fees", world: "world" };

  it("pay what is available less the fee, once a period, and wait while it is too little", () => {
    const ledger = new Ledger();
    for (const id of ["world", "fees"]) ledger.open({ id, currency: "CNY", limit: null });
    ledger.open({ id: "bob", currency: "CNY", limit: money(0n) });
    const earn = (id: string, amount: bigint): Transfer => ({
      id,
      at: at("2026-11-05"),
      kind: "settlement",
      reference: id,
      postings: [
        { account: "world", amount: money(-amount) },
        { account: "bob", amount: money(amount) },
      ],
      closes: null,
    });
    ledger.post(earn("a", 99n));
    expect(payout("bob", money(99n), november, policy, accounts, later)).toBeNull();
    ledger.post(earn("b", 901n));
    const paid = payout("bob", money(1_000n), november, policy, accounts, later) as Transfer;
    expect(paid.postings.map((p) => p.amount)).toEqual([-1_000n, 988n, 12n]);
    expect(ledger.post(paid)).toEqual({ ok: true, value: "done" });
    expect(ledger.post(paid)).toEqual({ ok: true, value: "already" });
    expect(ledger.balance("bob")?.posted).toBe(0n);
    const all = [earn("a", 99n), earn("b", 901n), paid];
    const statement = statementFrom("bob", "CNY", periodOf(later, "month"), money(1_000n), all);
    expect(statement).toMatchObject({
      opening: 1_000n,
      closing: 0n,
      rows: [{ amount: -1_000n, balance: 0n }],
    });
  });

  it("have each movement in one period: that which begins at its instant", () => {
    const moved = (id: string, when: Instant): Transfer => ({
      id,
      at: when,
      kind: "deposit",
      reference: id,
      postings: [
        { account: "world", amount: money(-5n) },
        { account: "ann", amount: money(5n) },
      ],
      closes: null,
    });
    const before = (november.from - 1) as Instant;
    const all = [moved("next", november.to), moved("first", november.from), moved("before", before)];
    const statement = statementFrom("ann", "CNY", november, money(5n), all);
    expect(statement.rows.map(({ transfer, balance }) => [transfer, balance])).toEqual([["first", 10n]]);
    expect(statement.closing).toBe(10n);
    expect(statementFrom("ann", "CNY", december, statement.closing, all).closing).toBe(15n);
  });

  it("list what the rules added, so that an invoice's CSV adds up to its total", () => {
    const invoice = new Biller("CNY", rules).draft("ann", november, [item("a", "2026-11-02", 1501n)], later);
    const cells = invoiceCsv(invoice)
      .trim()
      .split("\r\n")
      .slice(1)
      .map((line) => line.split(","));
    const micros = cells.map((row) => Math.round(Number(row[3]) * 1e6));
    expect(cells.map((row) => row[1])).toEqual(["a", "discount", "fee", "tax", "total"]);
    expect(micros.slice(0, -1).reduce((sum, amount) => sum + amount, 0)).toBe(micros.at(-1));
  });

  it("are written as CSV that keeps its columns and runs no formula", () => {
    const biller = new Biller("CNY", []);
    const hostile = { ...item("a", "2026-11-02", 1_500_000n), description: '=HYPERLINK("http://x","y")' };
    const csv = invoiceCsv(biller.draft("ann", november, [hostile], later));
    expect(csv.split("\r\n")).toEqual([
      "time (UTC),item,description,amount (CNY)",
      '2026-11-02T00:00:00.000000Z,a,"\'=HYPERLINK(""http://x"",""y"")",1.50',
      ",total,invoice/ann/2026-11,1.50",
      "",
    ]);
    expect(statementCsv(statementFrom("ann", "CNY", november, money(0n), [])).split("\r\n")[1]).toBe(
      "2026-11-01T00:00:00.000000Z,,opening,,,0.00",
    );
  });
});
