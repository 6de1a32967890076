import {
  type Bytes,
  type Instant,
  type Micros,
  type Money,
  money,
  type OperationsPerSecond,
  parseMoney,
} from "@weft/kernel";
import { createSigner, nodeCryptography as crypto } from "@weft/live";
import { expect, it } from "vitest";
import {
  Biller,
  ContractLife,
  type ContractTerms,
  checkUsage,
  checkWindows,
  contractText,
  expectedUsage,
  invoiceTransfer,
  Ledger,
  type Offer,
  openFor,
  payout,
  periodOf,
  quote,
  rate,
  register,
  signContract,
  signOrder,
  signRegistration,
  signUsage,
  statementFrom,
  type Transfer,
  TransparencyLog,
  verifyContract,
  verifyLog,
  verifyUsage,
} from "./index.ts";
import { WITHOUT_TERMS } from "./testing/papers.ts";

/* The walk of docs/guides/market.md, as it runs: a provider from nothing to the first payout. */

const at = (iso: string): Instant => (Date.parse(iso) * 1000) as Instant;
const cny = (text: string): Money => {
  const amount = parseMoney(text, "CNY");
  if (!amount.ok) throw new Error(amount.refusal.message);
  return amount.value;
};

it("walks a provider from nothing to the first payout, and every step can be checked by a stranger", () => {
  const [bob, node, ann, manager] = [createSigner(), createSigner(), createSigner(), createSigner()];
  const ledger = new Ledger();
  const transfers: Transfer[] = [];
  const enter = (transfer: Transfer): void => {
    expect(ledger.post(transfer)).toEqual({ ok: true, value: "done" });
    transfers.push(transfer);
  };

  // 1. register
  const registration = {
    id: "bobs",
    name: "Bob's corner",
    kind: "provider",
    owner: "bob",
    key: bob.publicKey,
  } as const;
  const registered = register(registration, signRegistration(registration, bob), at("2026-11-01"), crypto);
  if (!registered.ok) throw new Error(registered.refusal.message);
  const provider = registered.value;
  for (const id of ["consumer/ann", provider.account, "fees", "tax"]) {
    ledger.open({ id, currency: "CNY", limit: money(0n) });
  }
  ledger.open({ id: "world", currency: "CNY", limit: null });

  // 2. offer it: 0.03 CNY a TFLOP at night
  const none = money(0n);
  const offer: Offer = {
    id: "bobs-corner",
    provider: provider.account,
    node: "corner",
    region: "ningbo",
    grade: "entry",
    compute: ["neural"],
    prices: {
      petaOperation: { logical: none, parallel: none, neural: cny("30") },
      memoryGibHour: cny("0.03"),
      storageGibHour: none,
      transferGb: cny("0.4"),
      bandwidthGbpsHour: none,
      perTask: cny("0.0001"),
    },
    ...WITHOUT_TERMS,
    windows: [{ from: 22 * 60, to: 7 * 60, days: null }],
  };
  expect(checkWindows(offer)).toBeNull();

  // 3. somebody looks for it, and pays in
  const expected = expectedUsage({
    operations: 40e9,
    memoryBytes: 180e6 as Bytes,
    storageBytes: 0 as Bytes,
    movedBytes: 2.3e6,
    reservedBps: 0,
    lasting: 1e6 as Micros,
  });
  expect(openFor(offer, at("2026-11-02T23:00:00Z"))).toBeGreaterThan(1e6);
  expect(quote(offer.prices, "neural", expected)).toBe(2_122n);
  enter({
    id: "deposit/1",
    at: at("2026-11-02"),
    kind: "deposit",
    reference: "card",
    postings: [
      { account: "world", amount: money(-5_000_000n) },
      { account: "consumer/ann", amount: cny("5") },
    ],
    closes: null,
  });

  // 4. a contract all three sign
  const begin = at("2026-11-02T23:00:00Z");
  const later = (seconds: number): Instant => (begin + seconds * 1e6) as Instant;
  const order = {
    id: "o-1",
    consumer: ann.publicKey,
    taskDigest: crypto.digest("task"),
    payAtMost: cny("0.003"),
  };
  const terms: ContractTerms = {
    id: "c-1",
    order: signOrder({ ...order, notAfter: later(60) }, ann),
    task: "t-1",
    attempt: 1,
    consumer: { account: "consumer/ann", key: ann.publicKey },
    provider: { account: provider.account, key: bob.publicKey },
    manager: { account: "fees", key: manager.publicKey },
    node: { id: "corner", key: node.publicKey },
    compute: "neural",
    currency: "CNY",
    prices: offer.prices,
    ceiling: cny("0.003"),
    completeBy: later(30),
    levels: [{ kind: "completion", by: later(30), penaltyPpm: 200_000 }],
    validFrom: begin,
    validUntil: later(600),
  };
  const contract = { terms, manager: signContract(terms, manager), provider: signContract(terms, bob) };
  expect(verifyContract(contract, crypto)).toBeNull();
  const log = new TransparencyLog(crypto);
  const bodies: string[] = [];
  const record = (body: string): void => void bodies.push(log.append(body).body);
  record(contractText(terms));

  const life = ContractLife.request(terms, { commissionPpm: 50_000 });
  const step = (seconds: number, input: Parameters<ContractLife["offer"]>[1]): void => {
    const deeds = life.offer(later(seconds), input);
    if (!deeds.ok) throw new Error(deeds.refusal.message);
    for (const deed of deeds.value) {
      if (deed.kind === "place-hold") expect(ledger.place(deed.hold).ok).toBe(true);
      if (deed.kind === "transfer") enter(deed.transfer);
    }
  };
  step(0, { kind: "quote", expiresAt: later(10) });
  step(0, { kind: "accept", signBy: later(10) });
  step(0, { kind: "sign", role: "manager" });
  step(1, { kind: "sign", role: "provider" });
  step(1, { kind: "start" });

  // 5. the node meters and signs; the manager checks, rates and settles
  const usage = signUsage(
    {
      id: "run-1",
      contract: "c-1",
      node: "corner",
      sequence: 1,
      startedAt: later(1),
      endedAt: later(2),
      cpuTime: 900_000 as Micros,
      wallTime: 1_000_000 as Micros,
      operations: 38_000_000_000n,
      memoryTime: expected.memoryTime,
      storageTime: 0n,
      inputBytes: 2_300_000 as Bytes,
      outputBytes: 400 as Bytes,
      reservedBits: 0n,
      outcome: "completed",
      result: crypto.digest("47.50"),
    },
    node,
  );
  const bounds = {
    lanes: 2,
    rate: 60e9 as OperationsPerSecond,
    memoryBytes: 2e9 as Bytes,
    storageBytes: 0 as Bytes,
    movedBytes: 2_300_400,
    reservedBps: 0,
  };
  expect(verifyUsage(usage, terms, crypto)).toBeNull();
  expect(checkUsage(usage.record, terms, bounds)).toBeNull();
  const charge = rate(usage.record, terms);
  step(2, { kind: "complete", charge: charge.total });
  step(3, { kind: "settle" });
  record(`settled c-1 ${charge.total}`);
  expect(life.life).toMatchObject({ state: "settled", because: "completed" });

  // 6. the month ends: an invoice for Ann, a payout and a statement for Bob
  const november = periodOf(begin, "month");
  const after = at("2026-12-01T08:00:00Z");
  const biller = new Biller("CNY", [{ kind: "tax", name: "VAT 6 %", ppm: 60_000 }]);
  const billable = {
    id: "c-1",
    account: "consumer/ann",
    at: later(2),
    description: "t-1",
    amount: charge.total,
  };
  const invoice = biller.issue("consumer/ann", november, [billable], after);
  if (!invoice.ok) throw new Error(invoice.refusal.message);
  enter(invoiceTransfer(invoice.value, { manager: "fees", tax: "tax" }) as Transfer);
  const policy = { minimum: money(1_000n), fixed: money(10n), ppm: 0 };
  const earned = ledger.balance(provider.account)?.available as Money;
  enter(
    payout(
      provider.account,
      earned,
      november,
      policy,
      { manager: "fees", world: "world" },
      after,
    ) as Transfer,
  );
  const statement = statementFrom(provider.account, "CNY", periodOf(after, "month"), earned, transfers);
  expect(statement).toMatchObject({ rows: [{ amount: -earned }], closing: 0n });
  expect(ledger.totals().get("CNY")).toBe(0n);

  // 7. a stranger checks it all from files
  expect(verifyContract(contract, crypto)).toBeNull();
  expect(verifyLog(bodies, [log.head(manager, after)], crypto)).toBeNull();
});
