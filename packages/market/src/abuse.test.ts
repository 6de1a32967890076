import {
  type Bytes,
  type Instant,
  type Micros,
  type Money,
  money,
  type OperationsPerSecond,
  type Signer,
} from "@weft/kernel";
import { createSigner, nodeCryptography as crypto } from "@weft/live";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Contract,
  ContractLife,
  type ContractTerms,
  checkUsage,
  holdOf,
  Ledger,
  leafHash,
  MerkleTree,
  type MeterBounds,
  quote,
  rate,
  register,
  type SignedUsage,
  settlementTransfer,
  signContract,
  signHead,
  signOrder,
  signRegistration,
  signUsage,
  type UsageRecord,
  usageText,
  verifyContract,
  verifyLog,
  verifyOrder,
  verifyTaskOf,
  verifyUsage,
  Witness,
} from "./index.ts";
import { PRICES, termsBetween } from "./testing/papers.ts";

/*
 * Tries to cheat. Each attempt is refused with a stable code, and the books still balance. What the roles may call over
 * HTTP is tried where the routes are.
 */

const at = (seconds: number): Instant => (seconds * 1e6) as Instant;
const ann = createSigner();
const bob = createSigner();
const eve = createSigner();
const manager = createSigner();
const fee = { commissionPpm: 50_000 };
const bounds: MeterBounds = {
  lanes: 2,
  rate: 100e9 as OperationsPerSecond,
  memoryBytes: 2e9 as Bytes,
  storageBytes: 1e9 as Bytes,
  movedBytes: 3_000_000,
  reservedBps: 0,
};

const orderOf = (id: string, payAtMost: bigint, taskDigest = "ab".repeat(32)) =>
  signOrder({ id, consumer: ann.publicKey, taskDigest, payAtMost: money(payAtMost), notAfter: at(100) }, ann);
const termsOf = (id: string, change: Partial<ContractTerms> = {}): ContractTerms =>
  termsBetween(ann.publicKey, bob.publicKey, manager.publicKey, {
    ...{ id, task: id, order: orderOf(`order of ${id}`, 900n), validFrom: at(0), validUntil: at(100) },
    ...change,
  });
const signed = (terms: ContractTerms, provider: Signer = bob): Contract => ({
  terms,
  manager: signContract(terms, manager),
  provider: signContract(terms, provider),
});
const recordOf = (terms: ContractTerms, change: Partial<UsageRecord> = {}): UsageRecord => ({
  id: `run of ${terms.id}`,
  contract: terms.id,
  node: "corner",
  sequence: 1,
  startedAt: at(1),
  endedAt: at(2),
  cpuTime: 900_000 as Micros,
  wallTime: 1_000_000 as Micros,
  operations: 9_100_000_000n,
  memoryTime: 0n,
  storageTime: 0n,
  inputBytes: 100 as Bytes,
  outputBytes: 100 as Bytes,
  reservedBits: 0n,
  outcome: "completed",
  result: null,
  ...change,
});

let ledger = books();
function books(): Ledger {
  const made = new Ledger();
  made.open({ id: "world", currency: "CNY", limit: null });
  for (const id of ["ann", "bob", "eve", "fees"]) made.open({ id, currency: "CNY", limit: money(0n) });
  const postings = [
    { account: "world", amount: money(-1_000n) },
    { account: "ann", amount: money(1_000n) },
  ];
  made.post({ id: "deposit", at: at(0), kind: "deposit", reference: "", postings, closes: null });
  return made;
}
const codeOf = (outcome: { ok: true } | { ok: false; refusal: { code: string } }): string =>
  outcome.ok ? "ok" : outcome.refusal.code;
/** What a manager does with a record: every check, then the books. */
function settle(usage: SignedUsage, contract: Contract): string {
  const { terms } = contract;
  const wrong =
    verifyContract(contract, crypto) ??
    verifyUsage(usage, terms, crypto) ??
    checkUsage(usage.record, terms, bounds);
  if (wrong !== null) return wrong.code;
  const { total } = rate(usage.record, terms);
  const outcome = ledger.post(settlementTransfer(terms, total, fee, at(3)));
  return outcome.ok ? outcome.value : outcome.refusal.code;
}
const hold = (terms: ContractTerms): string =>
  codeOf(
    ledger.place({
      id: holdOf(terms),
      account: "ann",
      amount: terms.ceiling,
      at: at(0),
      reference: terms.id,
    }),
  );

afterEach(() => {
  expect(ledger.totals().get("CNY")).toBe(0n);
  for (const id of ["ann", "bob", "eve", "fees"]) {
    expect(ledger.balance(id)?.available, id).toBeGreaterThanOrEqual(0n);
  }
  ledger = books();
});

describe("signatures", () => {
  it("replayed under another paper fit nothing", () => {
    const terms = termsOf("c1");
    const usage = signUsage(recordOf(terms), bob);
    // the provider's signature under its usage is offered as its signature under the contract, and the other way round
    const contract = { ...signed(terms), provider: usage.signature };
    expect(verifyContract(contract, crypto)?.code).toBe("E_CONTRACT_SIGNATURE");
    const forged = { record: usage.record, signature: signContract(terms, bob) };
    expect(verifyUsage(forged, terms, crypto)?.code).toBe("E_USAGE_SIGNATURE");
    const order = { order: terms.order.order, signature: ann.sign(usageText(recordOf(terms))) };
    expect(verifyOrder(order, crypto)?.code).toBe("E_ORDER_SIGNATURE");
  });

  it("replayed with the same paper are paid once", () => {
    const terms = termsOf("c1");
    hold(terms);
    const usage = signUsage(recordOf(terms), bob);
    expect([1, 2, 3].map(() => settle(usage, signed(terms)))).toEqual(["done", "already", "already"]);
    expect(ledger.balance("bob")?.posted).toBe(260n); // 274 less 5 %
  });

  it("of a second, dearer record for the same contract are refused", () => {
    const terms = termsOf("c1");
    hold(terms);
    settle(signUsage(recordOf(terms), bob), signed(terms));
    const dearer = recordOf(terms, { id: "another run", operations: 20_000_000_000n });
    expect(settle(signUsage(dearer, bob), signed(terms))).toBe("E_LEDGER_ID_REUSED");
  });
});

describe("contracts", () => {
  it("swapped for another task's, or another node's, are void", () => {
    const terms = termsOf("c1");
    const other = termsOf("c2", { order: orderOf("o2", 900n, "cd".repeat(32)) });
    expect(verifyTaskOf(signed(other), "ab".repeat(32))?.code).toBe("E_CONTRACT_TASK");
    const usage = signUsage(recordOf(terms), bob);
    expect(settle(usage, signed(other))).toBe("E_USAGE_CONTRACT");
    const stolen = termsOf("c1", { provider: { account: "eve", key: eve.publicKey } });
    expect(settle(usage, signed(stolen))).toBe("E_CONTRACT_SIGNATURE"); // bob signed where eve should
  });

  it("that the manager writes without the consumer, or beyond what he allowed, are void", () => {
    const forgedOrder = signOrder({ ...orderOf("o", 900n).order, consumer: ann.publicKey }, eve);
    expect(verifyContract(signed(termsOf("c1", { order: forgedOrder })), crypto)?.code).toBe(
      "E_ORDER_SIGNATURE",
    );
    expect(verifyContract(signed(termsOf("c1", { ceiling: money(901n) })), crypto)?.code).toBe(
      "E_CONTRACT_CEILING",
    );
    const late = termsOf("c1", { validFrom: at(101), validUntil: at(200) });
    expect(verifyContract(signed(late), crypto)?.code).toBe("E_CONTRACT_TIME");
  });

  it("are not made from a quote that has expired", () => {
    const life = ContractLife.request(termsOf("c1"), fee);
    life.offer(at(1), { kind: "quote", expiresAt: at(10) });
    expect(codeOf(life.offer(at(10), { kind: "accept", signBy: at(20) }))).toBe("E_CONTRACT_QUOTE_EXPIRED");
    life.handle(at(10), { kind: "accept", signBy: at(20) });
    expect(codeOf(life.offer(at(11), { kind: "accept", signBy: at(20) }))).toBe("E_CONTRACT_STATE");
  });
});

describe("a provider that inflates its usage", () => {
  const inflated: readonly (readonly [string, Partial<UsageRecord>, string])[] = [
    ["more CPU time than time x lanes", { cpuTime: 60_000_000 as Micros }, "E_USAGE_CPU_TIME"],
    ["more operations than the node can do", { operations: 10n ** 15n }, "E_USAGE_OPERATIONS"],
    ["a longer run than from start to end", { wallTime: 90_000_000 as Micros }, "E_USAGE_TIME"],
    ["a run beyond the contract", { startedAt: at(1), endedAt: at(500) }, "E_USAGE_TIME"],
    ["more memory than it has", { memoryTime: 10n ** 20n }, "E_USAGE_MEMORY"],
    ["more bytes than the path carried", { outputBytes: 900_000_000 as Bytes }, "E_USAGE_BYTES"],
    ["a path that was never reserved", { reservedBits: 10n ** 12n }, "E_USAGE_BANDWIDTH"],
    ["negative bytes", { inputBytes: -1 as Bytes }, "E_USAGE_FORM"],
    ["no number at all", { cpuTime: Number.NaN as Micros }, "E_USAGE_FORM"],
  ];
  it.each(inflated)("by %s is refused", (_what, change, expected) => {
    const terms = termsOf("c1");
    hold(terms);
    // a record that has no canonical form cannot even be signed honestly: the meter's own signature is skipped
    const record = recordOf(terms, change);
    const refusal = checkUsage(record, terms, bounds)?.code;
    expect(refusal).toBe(expected);
    expect(ledger.balance("ann")?.posted).toBe(1_000n);
  });

  it("within the possible never gets more than the ceiling", () => {
    const terms = termsOf("c1", { ceiling: money(100n) });
    hold(terms);
    const most = recordOf(terms, { operations: 190_000_000_000n });
    expect(settle(signUsage(most, bob), signed(terms))).toBe("done");
    expect(ledger.balance("ann")?.posted).toBe(900n);
  });
});

describe("a consumer", () => {
  it("who empties the account in parallel requests is stopped at what there is", () => {
    const all = Array.from({ length: 50 }, (_, i) => termsOf(`c${i}`, { ceiling: money(90n) }));
    const outcomes = all.map(hold);
    expect(outcomes.filter((outcome) => outcome === "ok").length).toBe(11);
    expect(new Set(outcomes.slice(11))).toEqual(new Set(["E_LEDGER_OVERDRAWN"]));
    for (const terms of all.slice(0, 11)) settle(signUsage(recordOf(terms), bob), signed(terms));
    expect(ledger.balance("ann")?.posted).toBe(10n);
  });

  it("who takes the money out while it is held does not get it", () => {
    hold(termsOf("c1"));
    const postings = [
      { account: "ann", amount: money(-101n) },
      { account: "world", amount: money(101n) },
    ];
    const out = ledger.post({ id: "out", at: at(1), kind: "payout", reference: "", postings, closes: null });
    expect(codeOf(out)).toBe("E_LEDGER_OVERDRAWN");
  });

  it("who names a negative price, or has money come out of nothing, is refused", () => {
    expect(verifyOrder(orderOf("o", -5n), crypto)?.code).toBe("E_ORDER_BOUND");
    const postings = [{ account: "ann", amount: money(5n) }];
    const mint = ledger.post({
      id: "mint",
      at: at(1),
      kind: "adjustment",
      reference: "",
      postings,
      closes: null,
    });
    expect(codeOf(mint)).toBe("E_LEDGER_UNBALANCED");
  });
});

describe("rounding", () => {
  it("gains nobody anything by cutting work or charges into crumbs", () => {
    const usage = {
      operations: 10n ** 12n,
      memoryTime: 10n ** 15n,
      storageTime: 0n,
      movedBytes: 10n ** 6n,
      reservedBits: 0n,
    };
    const free = { ...PRICES, perTask: money(0n) };
    const whole = quote(free, "neural", usage);
    for (const parts of [2n, 7n, 1_000n]) {
      const crumb = {
        ...usage,
        operations: usage.operations / parts,
        memoryTime: usage.memoryTime / parts,
        movedBytes: usage.movedBytes / parts,
      };
      // what integer division drops is less than a crumb of each resource
      expect(quote(free, "neural", crumb) * parts).toBeGreaterThanOrEqual(whole - 3n);
    }
    const feeOf = (total: bigint): bigint =>
      settlementTransfer(termsOf("c"), total as Money, fee, at(0)).postings.find((p) => p.account === "fees")
        ?.amount ?? 0n;
    expect(feeOf(1n) * 1_000n).toBeGreaterThanOrEqual(feeOf(1_000n));
  });
});

describe("a manager that edits history", () => {
  it("is caught by anyone who kept a head, and by every witness", () => {
    const entries = Array.from({ length: 30 }, (_, i) => `settlement ${i}: 410`);
    const treeOf = (texts: readonly string[]): MerkleTree =>
      new MerkleTree(
        crypto,
        texts.map((text) => leafHash(text, crypto)),
      );
    const headOf = (texts: readonly string[]) =>
      signHead(
        { log: manager.publicKey, size: texts.length, root: treeOf(texts).root(), at: at(1) },
        manager,
      );
    const kept = headOf(entries.slice(0, 20));
    const edited = entries.with(7, "settlement 7: 910");
    expect(verifyLog(edited, [kept, headOf(edited)], crypto)?.code).toBe("E_LOG_EDITED");
    const witness = new Witness(createSigner(), crypto, kept.head);
    expect(codeOf(witness.cosign(headOf(edited), treeOf(edited).consistencyProof(20)))).toBe("E_LOG_FORK");
    expect(codeOf(witness.cosign(headOf(entries.slice(0, 10)), []))).toBe("E_LOG_ROLLED_BACK");
  });
});

describe("tokens and keys", () => {
  it("of one organisation open nothing of another, nor more than was given", () => {
    const registration = {
      id: "bobs",
      name: "Bob",
      kind: "provider",
      owner: "bob",
      key: bob.publicKey,
    } as const;
    expect(
      codeOf(
        register({ ...registration, key: ann.publicKey }, signRegistration(registration, bob), at(0), crypto),
      ),
    ).toBe("E_ORGANISATION_KEY_PROOF");
  });
});
