import { type Instant, money } from "@weft/kernel";
import { type Deal, Ledger, ledgerRail, type RailOutcome, type SettlementRail } from "@weft/market";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
// @ts-expect-error: a build script, in plain JavaScript
import { compile } from "../compile.mjs";
import { callData, escrowWord, textWord } from "./abi.ts";
import { type Address, ChainKey, ESCROW_BYTECODE, EscrowRail, LocalChain } from "./index.ts";

const START = 1_000_000;
const NAMES = ["ann", "bob", "cleo", "manager"];
const code = (outcome: RailOutcome): string => (outcome.ok ? "ok" : outcome.refusal.code);
const deal = (id: string, ceiling: bigint, consumer = "ann", provider = "bob"): Deal => ({
  id,
  consumer,
  provider,
  manager: "manager",
  ceiling: money(ceiling),
  commissionPpm: 50_000,
  refundAfter: ((START + 100) * 1e6) as Instant,
});

interface World {
  readonly rail: SettlementRail;
  advance(seconds: number): void;
}

async function onChain(): Promise<
  World & { chain: LocalChain; escrow: Address; keys: Map<string, ChainKey> }
> {
  const chain = await LocalChain.start(BigInt(START));
  const keys = new Map(NAMES.map((name, i) => [name, new ChainKey(new Uint8Array(32).fill(i + 1))]));
  for (const name of NAMES) await chain.fund((keys.get(name) as ChainKey).address, 1_000n);
  const escrow = await EscrowRail.deploy(chain, keys.get("manager") as ChainKey);
  const rail = new EscrowRail(chain, escrow, keys);
  return { rail, chain, escrow, keys, advance: (seconds) => chain.advance(BigInt(seconds)) };
}

async function inBooks(): Promise<World> {
  const ledger = new Ledger();
  ledger.open({ id: "world", currency: "CNY", limit: null });
  let now = START * 1e6;
  for (const name of NAMES) {
    ledger.open({ id: name, currency: "CNY", limit: money(0n) });
    const postings = [
      { account: "world", amount: money(-1_000n) },
      { account: name, amount: money(1_000n) },
    ];
    ledger.post({ id: name, at: now as Instant, kind: "deposit", reference: "", postings, closes: null });
  }
  return { rail: ledgerRail(ledger, () => now as Instant), advance: (seconds) => (now += seconds * 1e6) };
}

/** What every way of settling keeps to. */
describe.each([
  ["the ledger", inBooks],
  ["the escrow on a chain", onChain],
] as const)("%s", (_name, make: () => Promise<World>) => {
  const balances = async (rail: SettlementRail): Promise<bigint[]> => {
    const all: bigint[] = [];
    for (const name of NAMES) all.push(await rail.balance(name));
    return all;
  };

  it("[R1, R2] pays once by the manager's word, and gives the rest back", async () => {
    const { rail } = await make();
    expect(code(await rail.open(deal("d", 900n)))).toBe("ok");
    expect(code(await rail.open(deal("d", 90n)))).toBe("E_RAIL_KNOWN");
    expect(code(await rail.open(deal("e", 101n)))).toBe("E_RAIL_FUNDS");
    expect(await balances(rail)).toEqual([100n, 1_000n, 1_000n, 1_000n]);
    expect(code(await rail.release("d", money(401n)))).toBe("ok");
    expect(await balances(rail)).toEqual([599n, 1_380n, 1_000n, 1_021n]);
    expect(code(await rail.release("d", money(401n)))).toBe("E_RAIL_STATE");
    expect(code(await rail.refund("d", "ann"))).toBe("E_RAIL_STATE");
  });

  it("[R3] pays nothing above the ceiling", async () => {
    const { rail } = await make();
    await rail.open(deal("d", 900n));
    expect(code(await rail.release("d", money(901n)))).toBe("E_RAIL_AMOUNT");
    expect(code(await rail.release("d", money(-1n)))).toBe("E_RAIL_AMOUNT");
    expect(code(await rail.release("none", money(1n)))).toBe("E_RAIL_STATE");
  });

  it("[R4] gives everything back to the consumer alone, once the time is over", async () => {
    const { rail, advance } = await make();
    await rail.open(deal("d", 900n));
    expect(code(await rail.refund("d", "ann"))).toBe("E_RAIL_EARLY");
    advance(101);
    expect(code(await rail.refund("d", "bob"))).toBe("E_RAIL_PARTY");
    expect(code(await rail.refund("d", "ann"))).toBe("ok");
    expect(await balances(rail)).toEqual([1_000n, 1_000n, 1_000n, 1_000n]);
  });

  it("[R5] a dispute leaves it to the manager's ruling", async () => {
    const { rail } = await make();
    await rail.open(deal("d", 900n));
    expect(code(await rail.dispute("d", "cleo"))).toBe("E_RAIL_PARTY");
    expect(code(await rail.resolve("d", money(1n)))).toBe("E_RAIL_STATE");
    expect(code(await rail.dispute("d", "ann"))).toBe("ok");
    expect(code(await rail.release("d", money(400n)))).toBe("E_RAIL_STATE");
    expect(code(await rail.resolve("d", money(100n)))).toBe("ok");
    expect(await balances(rail)).toEqual([900n, 1_095n, 1_000n, 1_005n]);
  });

  it("[R1] conserves all money over any history", async () => {
    const name = fc.constantFrom("ann", "bob", "cleo");
    const id = fc.constantFrom("d1", "d2", "d3");
    const amount = fc.bigInt(0n, 700n);
    const step = fc.oneof(
      fc.record({ act: fc.constant("open" as const), id, amount, from: name, to: name }),
      fc.record({ act: fc.constant("release" as const), id, amount }),
      fc.record({ act: fc.constant("resolve" as const), id, amount }),
      fc.record({ act: fc.constant("refund" as const), id, from: name }),
      fc.record({ act: fc.constant("dispute" as const), id, from: name }),
      fc.record({ act: fc.constant("wait" as const), id, seconds: fc.integer({ min: 1, max: 80 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { rail, advance } = await make();
        const set = new Map<string, bigint>();
        for (const s of steps) {
          let closed: RailOutcome | null = null;
          if (s.act === "open") {
            if ((await rail.open(deal(s.id, s.amount, s.from, s.to))).ok) set.set(s.id, s.amount);
          } else if (s.act === "release" || s.act === "resolve")
            closed = await rail[s.act](s.id, money(s.amount));
          else if (s.act === "refund") closed = await rail.refund(s.id, s.from);
          else if (s.act === "dispute") await rail.dispute(s.id, s.from);
          else if (s.act === "wait") advance(s.seconds);
          if (closed?.ok) set.delete(s.id);
          const held = [...set.values()].reduce((sum, value) => sum + value, 0n);
          const free = (await balances(rail)).reduce((sum, value) => sum + value, 0n);
          expect(free + held).toBe(4_000n);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("the escrow contract", () => {
  it("is what contracts/Escrow.sol compiles to", () => {
    expect(compile()).toBe(ESCROW_BYTECODE);
  });

  it("[R3] takes no word but the manager's own, for this deal, amount, act, contract and chain", async () => {
    const { rail, chain, escrow, keys } = await onChain();
    await rail.open(deal("d", 900n));
    await rail.open(deal("e", 50n));
    const other = await EscrowRail.deploy(chain, keys.get("ann") as ChainKey);
    const id = textWord("d");
    const manager = keys.get("manager") as ChainKey;
    const bob = keys.get("bob") as ChainKey;
    const bring = async (
      due: bigint,
      signature: readonly (bigint | string)[],
      to = "d",
    ): Promise<boolean> => {
      const data = callData(
        "release(bytes32,uint256,uint8,bytes32,bytes32)",
        textWord(to),
        due,
        ...signature,
      );
      return (await chain.send(bob.address, escrow, data, 0n)).ok;
    };
    const word = (due: bigint) => escrowWord(chain.chainId, escrow, id, due, "release");
    expect(await bring(900n, bob.sign(word(900n)))).toBe(false);
    expect(await bring(900n, manager.sign(word(1n)))).toBe(false);
    expect(await bring(10n, manager.sign(word(10n)), "e")).toBe(false);
    expect(await bring(10n, manager.sign(escrowWord(chain.chainId, other, id, 10n, "release")))).toBe(false);
    expect(await bring(10n, manager.sign(escrowWord(5n, escrow, id, 10n, "release")))).toBe(false);
    expect(await bring(10n, manager.sign(escrowWord(chain.chainId, escrow, id, 10n, "resolve")))).toBe(false);
    const [v, r, s] = manager.sign(word(10n));
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const twin = `0x${(order - BigInt(s)).toString(16).padStart(64, "0")}`;
    expect(await bring(10n, [v === 27n ? 28n : 27n, r, twin])).toBe(false);
    expect(await bring(10n, [0n, r, s])).toBe(false);
    expect(await bring(10n, [v, r, s])).toBe(true); // anyone may bring it
    expect(await bring(10n, [v, r, s])).toBe(false); // once
  });

  it("hands out what it owes, once", async () => {
    const { rail, chain, escrow, keys } = await onChain();
    const escrowRail = rail as EscrowRail;
    await rail.open(deal("d", 900n));
    await rail.release("d", money(400n));
    const bob = keys.get("bob") as ChainKey;
    expect(await chain.balance(bob.address)).toBe(1_000n);
    await escrowRail.withdraw("bob");
    await escrowRail.withdraw("bob");
    expect(await chain.balance(bob.address)).toBe(1_380n);
    expect(await chain.balance(escrow)).toBe(520n);
  });
});
