import { type Instant, money } from "@weft/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ledger, type LedgerOutcome, type Transfer } from "./index.ts";

const at = 0 as Instant;
const code = (outcome: LedgerOutcome): string => (outcome.ok ? outcome.value : outcome.refusal.code);

function books(): Ledger {
  const ledger = new Ledger();
  ledger.open({ id: "world", currency: "CNY", limit: null });
  for (const id of ["ann", "bob", "fees"]) ledger.open({ id, currency: "CNY", limit: money(0n) });
  ledger.open({ id: "dollars", currency: "USD", limit: null });
  return ledger;
}
const move = (
  id: string,
  from: string,
  to: string,
  amount: bigint,
  closes: string | null = null,
): Transfer => ({
  id,
  at,
  kind: "settlement",
  reference: id,
  postings: [
    { account: from, amount: money(-amount) },
    { account: to, amount: money(amount) },
  ],
  closes,
});
const hold = (id: string, amount: bigint) => ({
  id,
  account: "ann",
  amount: money(amount),
  at,
  reference: id,
});

describe("the books", () => {
  it("[B1] refuse what does not sum to zero in each currency", () => {
    const ledger = books();
    const uneven = { ...move("t", "world", "ann", 5n), postings: [{ account: "ann", amount: money(5n) }] };
    expect(code(ledger.post(uneven))).toBe("E_LEDGER_UNBALANCED");
    expect(code(ledger.post(move("t", "dollars", "ann", 5n)))).toBe("E_LEDGER_UNBALANCED");
    expect(ledger.balance("ann")?.posted).toBe(0n);
  });

  it("[B2] refuse to overdraw, holds counted, and let a postpaid account go to its limit", () => {
    const ledger = books();
    ledger.post(move("in", "world", "ann", 100n));
    expect(code(ledger.place(hold("h", 70n)))).toBe("done");
    expect(code(ledger.place(hold("h2", 31n)))).toBe("E_LEDGER_OVERDRAWN");
    expect(code(ledger.post(move("out", "ann", "bob", 31n)))).toBe("E_LEDGER_OVERDRAWN");
    expect(code(ledger.post(move("out", "ann", "bob", 30n)))).toBe("done");
    ledger.open({ id: "ann", currency: "CNY", limit: money(50n) });
    expect(ledger.balance("ann")).toEqual({ posted: 70n, held: 70n, available: 50n });
    expect(code(ledger.post(move("late", "ann", "bob", 50n)))).toBe("done");
  });

  it("[B3] take an id once, and never for two things", () => {
    const ledger = books();
    expect(code(ledger.post(move("in", "world", "ann", 100n)))).toBe("done");
    expect(code(ledger.post(move("in", "world", "ann", 100n)))).toBe("already");
    expect(code(ledger.post(move("in", "world", "ann", 101n)))).toBe("E_LEDGER_ID_REUSED");
    expect(code(ledger.place(hold("h", 1n)))).toBe("done");
    expect(code(ledger.place(hold("h", 1n)))).toBe("already");
    expect(code(ledger.place(hold("h", 2n)))).toBe("E_LEDGER_ID_REUSED");
    expect(ledger.balance("ann")?.held).toBe(1n);
  });

  it("[B4] use a hold once: by the transfer that closes it, or released", () => {
    const ledger = books();
    ledger.post(move("in", "world", "ann", 100n));
    ledger.place(hold("h", 100n));
    expect(code(ledger.post(move("pay", "ann", "bob", 40n, "h")))).toBe("done");
    expect(ledger.balance("ann")).toEqual({ posted: 60n, held: 0n, available: 60n });
    expect(code(ledger.post(move("again", "ann", "bob", 40n, "h")))).toBe("E_LEDGER_NO_HOLD");
    expect(code(ledger.release("h"))).toBe("already");
    expect(code(ledger.place(hold("h", 100n)))).toBe("already");
    expect(ledger.balance("ann")?.held).toBe(0n);
    expect(code(ledger.release("never"))).toBe("E_LEDGER_NO_HOLD");
  });

  it("balance after any history, and nobody is below the limit", () => {
    const accounts = ["ann", "bob", "fees", "world"];
    const step = fc.record({
      act: fc.constantFrom("move", "move", "hold", "release", "use"),
      from: fc.constantFrom(...accounts),
      to: fc.constantFrom(...accounts),
      amount: fc.bigInt(-20n, 120n),
      id: fc.integer({ min: 0, max: 12 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = books();
        for (const { act, from, to, amount, id } of steps) {
          if (act === "move") ledger.post(move(`t${id}`, from, to, amount));
          else if (act === "hold") ledger.place({ ...hold(`h${id}`, amount), account: from });
          else if (act === "release") ledger.release(`h${id}`);
          else ledger.post(move(`t${id}`, from, to, amount, `h${id}`));
          for (const total of ledger.totals().values()) expect(total).toBe(0n);
          for (const account of ["ann", "bob", "fees"]) {
            expect(ledger.balance(account)?.available).toBeGreaterThanOrEqual(0n);
            expect(ledger.balance(account)?.held).toBeGreaterThanOrEqual(0n);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("[B3] forget the oldest ids first, and only beyond what they are to remember", () => {
    const ledger = new Ledger(10);
    for (const id of ["world", "ann"]) ledger.open({ id, currency: "CNY", limit: null });
    for (let i = 0; i < 25; i++) ledger.post(move(`t${i}`, "world", "ann", 1n));
    expect(code(ledger.post(move("t24", "world", "ann", 1n)))).toBe("already");
    expect(code(ledger.post(move("t15", "world", "ann", 1n)))).toBe("already");
    expect(code(ledger.post(move("t0", "world", "ann", 1n)))).toBe("done");
  });

  it("open again as they were", () => {
    const ledger = books();
    ledger.post(move("in", "world", "ann", 100n));
    ledger.place(hold("h", 30n));
    const again = Ledger.restore({
      accounts: ledger.accounts,
      balances: ledger.accounts.map(({ id }) => ({
        account: id,
        posted: ledger.balance(id)?.posted ?? money(0n),
      })),
      holds: [hold("h", 30n)],
      done: [],
    });
    for (const { id } of ledger.accounts) expect(again.balance(id)).toEqual(ledger.balance(id));
  });

  it("[B1] show by currency what is wrong with balances that they were opened with", () => {
    const posted = { ann: 3n, bob: 4n, fees: 0n, world: -5n, dollars: 1n };
    const ledger = Ledger.restore({
      accounts: books().accounts,
      balances: Object.entries(posted).map(([account, amount]) => ({ account, posted: money(amount) })),
      holds: [],
      done: [],
    });
    expect([...ledger.totals()].sort()).toEqual([
      ["CNY", 2n],
      ["USD", 1n],
    ]);
  });
});
