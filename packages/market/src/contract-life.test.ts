import { type Instant, type Micros, money, NEVER } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ContractDeed,
  type ContractInput,
  ContractLife,
  type ContractState,
  HEARD_IN,
  Ledger,
  type Measurement,
  missedLevels,
  penaltyFor,
  signMeasurement,
  verifyMeasurement,
} from "./index.ts";
import { termsBetween } from "./testing/papers.ts";

const at = (seconds: number): Instant => (seconds * 1e6) as Instant;
const fee = { commissionPpm: 50_000 };
const consumer = createSigner();
const terms = termsBetween(consumer.publicKey, "bb", "cc", {
  order: {
    order: {
      id: "o-1",
      consumer: consumer.publicKey,
      taskDigest: "ab",
      payAtMost: money(1000n),
      notAfter: at(100),
    },
    signature: "",
  },
  levels: [{ kind: "completion", by: at(50), penaltyPpm: 300_000 }],
  validFrom: at(10),
  validUntil: at(100),
});

/** Drives a contract against real books. */
function trade() {
  const ledger = new Ledger();
  ledger.open({ id: "world", currency: "CNY", limit: null });
  for (const id of ["ann", "bob", "fees"]) ledger.open({ id, currency: "CNY", limit: money(0n) });
  ledger.post({
    id: "in",
    at: at(0),
    kind: "deposit",
    reference: "",
    postings: [
      { account: "world", amount: money(-1000n) },
      { account: "ann", amount: money(1000n) },
    ],
    closes: null,
  });
  const life = ContractLife.request(terms, fee);
  const states: ContractState[] = [];
  const apply = (deeds: readonly ContractDeed[]): void => {
    for (const deed of deeds) {
      if (deed.kind === "place-hold") expect(ledger.place(deed.hold).ok).toBe(true);
      else if (deed.kind === "release-hold")
        expect(ledger.release(deed.id)).toEqual({ ok: true, value: "done" });
      else if (deed.kind === "transfer")
        expect(ledger.post(deed.transfer)).toEqual({ ok: true, value: "done" });
      else states.push(deed.state);
    }
  };
  const offer = (seconds: number, input: ContractInput): string => {
    const before = life.life;
    const outcome = life.offer(at(seconds), input);
    if (outcome.ok) apply(outcome.value);
    else expect(life.life).toBe(before); // a refusal changes nothing
    return outcome.ok ? life.life.state : outcome.refusal.code;
  };
  const balances = (): (bigint | undefined)[] =>
    ["ann", "bob", "fees"].map((id) => ledger.balance(id)?.posted);
  return { ledger, life, offer, balances, states, apply };
}
const opening: readonly (readonly [number, ContractInput])[] = [
  [1, { kind: "quote", expiresAt: at(5) }],
  [2, { kind: "accept", signBy: at(8) }],
  [3, { kind: "sign", role: "manager" }],
  [4, { kind: "sign", role: "provider" }],
  [11, { kind: "start" }],
];
const begun = () => {
  const made = trade();
  for (const [when, input] of opening) made.offer(when, input);
  return made;
};

describe("a contract's life", () => {
  it("goes from request to settlement, and pays provider and manager", () => {
    const { offer, balances, ledger, states } = begun();
    expect(ledger.balance("ann")?.held).toBe(900n);
    expect(offer(20, { kind: "complete", charge: money(400n) })).toBe("fulfilled");
    expect(offer(21, { kind: "settle" })).toBe("settled");
    expect(balances()).toEqual([600n, 380n, 20n]);
    expect(ledger.balance("ann")?.held).toBe(0n);
    expect(states).toEqual(["quoted", "accepted", "signed", "active", "fulfilled", "settled"]);
  });

  it("[K3.4] a quote lapses, and an acceptance after it is refused", () => {
    const { offer, life } = trade();
    expect(life.wakeAt).toBe(NEVER); // a request waits for its quote
    offer(1, { kind: "quote", expiresAt: at(5) });
    expect(life.wakeAt).toBe(at(5));
    expect(offer(6, { kind: "accept", signBy: at(8) })).toBe("E_CONTRACT_QUOTE_EXPIRED");
    life.handle(at(6), { kind: "accept", signBy: at(8) });
    expect(life.life).toMatchObject({ state: "expired", because: "quote_expired" });
    expect(life.wakeAt).toBe(NEVER);
  });

  it("[K3.3] frees the hold at once when it is cancelled, lapses or fails, and then owes nothing", () => {
    for (const end of [
      { kind: "cancel", by: "consumer" },
      { kind: "fail", because: "node_silent" },
    ] as const) {
      const { offer, ledger, balances } = begun();
      offer(20, end);
      expect(ledger.balance("ann")).toEqual({ posted: 1000n, held: 0n, available: 1000n });
      expect(balances()).toEqual([1000n, 0n, 0n]);
    }
    const { life, ledger, apply } = begun();
    apply(life.wake(at(100)));
    expect(life.life).toMatchObject({ state: "breached", because: "never_completed" });
    expect(ledger.balance("ann")?.held).toBe(0n);
  });

  it("[K3.6] a reservation is not used before its time", () => {
    const { offer } = trade();
    for (const [when, input] of opening.slice(0, 4)) offer(when, input);
    expect(offer(9, { kind: "start" })).toBe("E_CONTRACT_EARLY");
    expect(offer(10, { kind: "start" })).toBe("active");
  });

  it("[K3.7] nothing lapses while its keeper was away, and what was done then counts as done then", () => {
    const { life } = begun();
    const back = new ContractLife({ ...life.life, patience: at(200) }, fee);
    expect(back.wakeAt).toBe(at(200));
    expect(back.wake(at(150))).toEqual([]);
    expect(back.offer(at(150), { kind: "complete", charge: money(400n), doneAt: at(40) }).ok).toBe(true);
    expect(back.life).toMatchObject({ state: "fulfilled", completedAt: at(40), penalty: 0n });
  });

  it("a refund that the manager bears leaves the provider what it earned", () => {
    const { offer, balances } = begun();
    offer(20, { kind: "complete", charge: money(400n) });
    offer(21, { kind: "settle" });
    offer(22, { kind: "dispute", by: "consumer", claim: "wrong result" });
    offer(23, { kind: "resolve", refund: money(15n), borneBy: "manager" });
    expect(balances()).toEqual([615n, 380n, 5n]);
  });

  it("[K5.2] late work costs its provider a share", () => {
    const { offer, life, balances } = begun();
    expect(offer(60, { kind: "complete", charge: money(401n) })).toBe("breached");
    expect(life.life).toMatchObject({ because: "completed_late", penalty: 121n });
    offer(61, { kind: "settle" });
    expect(balances()).toEqual([720n, 266n, 14n]);
  });

  it("[K5.2] late work costs nothing where a time was promised without a penalty", () => {
    const promised = { ...terms, levels: [], completeBy: at(50), ceiling: money(10n ** 9n) };
    const { life } = begun();
    const plain = new ContractLife({ ...life.life, terms: promised }, fee);
    expect(plain.offer(at(60), { kind: "complete", charge: money(10n ** 9n) }).ok).toBe(true);
    expect(plain.life).toMatchObject({ state: "breached", because: "completed_late", penalty: 0n });
    const delay = { kind: "delay", atMost: 1 as Micros, sharePpm: 950_000, penaltyPpm: 500_000 } as const;
    const own = { kind: "completion", by: at(70), penaltyPpm: 500_000 } as const;
    for (const [levels, because] of [
      [[delay], "completed_late"],
      [[own], "completed"], // what the levels say of it holds
    ] as const) {
      const other = new ContractLife({ ...life.life, terms: { ...promised, levels } }, fee);
      other.offer(at(60), { kind: "complete", charge: money(400n) });
      expect(other.life).toMatchObject({ because, penalty: 0n });
    }
  });

  it("does what an accepted input asks for, after what was due", () => {
    const { life } = trade();
    expect(life.handle(at(1), { kind: "quote", expiresAt: at(5) })).toEqual([
      { kind: "became", state: "quoted", because: null },
    ]);
    const accepted = life.handle(at(2), { kind: "accept", signBy: at(8) });
    expect(accepted.map(({ kind }) => kind)).toEqual(["place-hold", "became"]);
  });

  it("[K3.5] a ruling that gives nothing back lets the settlement stand, before it and after it", () => {
    for (const settled of [false, true]) {
      const { offer, balances, ledger } = begun();
      offer(20, { kind: "complete", charge: money(400n) });
      if (settled) offer(21, { kind: "settle" });
      offer(22, { kind: "dispute", by: "provider", claim: "paid too little" });
      expect(offer(23, { kind: "resolve", refund: money(0n) })).toBe("resolved");
      expect(balances()).toEqual([600n, 380n, 20n]);
      expect(ledger.balance("ann")?.held).toBe(0n);
    }
  });

  it("[K3.5] a dispute before settlement settles for less; after it, gives back what was due at most", () => {
    const early = begun();
    early.offer(20, { kind: "complete", charge: money(400n) });
    early.offer(21, { kind: "dispute", by: "consumer", claim: "wrong result" });
    expect(early.offer(22, { kind: "settle" })).toBe("E_CONTRACT_STATE");
    expect(early.offer(22, { kind: "resolve", refund: money(401n) })).toBe("E_CONTRACT_REFUND");
    expect(early.offer(23, { kind: "resolve", refund: money(300n) })).toBe("resolved");
    expect(early.balances()).toEqual([900n, 95n, 5n]);

    const late = begun();
    late.offer(20, { kind: "complete", charge: money(400n) });
    late.offer(21, { kind: "settle" });
    late.offer(22, { kind: "dispute", by: "consumer", claim: "wrong result" });
    expect(late.offer(23, { kind: "resolve", refund: money(380n) })).toBe("resolved");
    expect(late.balances()).toEqual([980n, 19n, 1n]); // as if 20 had been due
    expect(late.offer(24, { kind: "resolve", refund: money(1n) })).toBe("E_CONTRACT_STATE");
  });

  it("[K3.1 to K3.5] hears only what its state allows, and money is neither lost nor moved twice", () => {
    const input: fc.Arbitrary<ContractInput> = fc.oneof(
      fc.record({ kind: fc.constant("quote" as const), expiresAt: fc.integer({ min: 0, max: 60 }).map(at) }),
      fc.record({ kind: fc.constant("accept" as const), signBy: fc.integer({ min: 0, max: 60 }).map(at) }),
      fc.record({
        kind: fc.constant("sign" as const),
        role: fc.constantFrom("manager" as const, "provider" as const),
      }),
      fc.constant<ContractInput>({ kind: "start" }),
      fc.bigInt(0n, 900n).map((charge): ContractInput => ({ kind: "complete", charge: money(charge) })),
      fc.constant<ContractInput>({ kind: "fail", because: "node_silent" }),
      fc.constant<ContractInput>({ kind: "cancel", by: "provider" }),
      fc.constant<ContractInput>({ kind: "settle" }),
      fc.constant<ContractInput>({ kind: "dispute", by: "consumer", claim: "" }),
      fc.bigInt(-1n, 400n).map((refund): ContractInput => ({ kind: "resolve", refund: money(refund) })),
    );
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), input), { maxLength: 25 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), steps, (prefix, rest) => {
        const { offer, life, ledger, apply } = trade();
        for (const [when, step] of opening.slice(0, prefix)) offer(when, step);
        let now = 11;
        for (const [wait, step] of rest) {
          now += wait;
          if (life.wakeAt <= at(now)) apply(life.wake(at(now)));
          const state = life.life.state;
          const outcome = offer(now, step);
          if (!HEARD_IN[step.kind].includes(state)) expect(outcome).toBe("E_CONTRACT_STATE");
          const total = ["ann", "bob", "fees"].reduce(
            (sum, id) => sum + (ledger.balance(id)?.posted ?? 0n),
            0n,
          );
          expect(total).toBe(1000n);
          const holds = ["accepted", "signed", "active", "fulfilled", "breached", "disputed"];
          const open = holds.includes(life.life.state) && !life.life.settled;
          expect(ledger.balance("ann")?.held).toBe(open ? 900n : 0n);
          expect(life.wakeAt).toBeGreaterThan(at(now)); // lapsed ones were woken before
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("service levels", () => {
  const measurement: Measurement = {
    contract: "c-1",
    observer: "ann",
    from: at(20),
    to: at(30),
    up: 9_800_000 as Micros,
    deliveries: 100,
    withinDelay: 94,
  };

  it("[K5.1] count only what a party of the contract signed about it", () => {
    const check = (change: Partial<Measurement>, key = consumer): string | undefined =>
      verifyMeasurement(signMeasurement({ ...measurement, ...change }, key), terms, nodeCryptography)?.code;
    expect(check({})).toBeUndefined();
    expect(check({ up: 1e7 as Micros, withinDelay: 100 })).toBeUndefined(); // all of it
    expect(check({}, createSigner())).toBe("E_MEASUREMENT_SIGNATURE");
    expect(check({ observer: "eve" })).toBe("E_MEASUREMENT_SIGNATURE");
    for (const wrong of [{ up: 1e7 + 1 }, { withinDelay: 101 }, { from: at(5) }, { contract: "c-2" }]) {
      expect(check(wrong as Partial<Measurement>)).toBe("E_MEASUREMENT_FORM");
    }
  });

  it("[K5.2] are missed by share, and never cost more than the charge", () => {
    const levels = [
      { kind: "availability", atLeastPpm: 980_000, penaltyPpm: 100_000 },
      { kind: "delay", atMost: 1 as Micros, sharePpm: 950_000, penaltyPpm: 700_000 },
      { kind: "completion", by: at(50), penaltyPpm: 700_000 },
    ] as const;
    expect(missedLevels(levels, at(40), [measurement]).map((level) => level.kind)).toEqual(["delay"]);
    expect(missedLevels(levels, null, []).map((level) => level.kind)).toEqual(["completion"]);
    expect(missedLevels(levels, at(40), [{ ...measurement, withinDelay: 95 }])).toEqual([]); // the share itself
    const better = { ...measurement, deliveries: 20, withinDelay: 20 }; // with it 114 of 120: 95 %
    expect(missedLevels(levels, at(50), [measurement, better])).toEqual([]);
    const down = { ...measurement, up: 9_799_999 as Micros, withinDelay: 95 };
    expect(missedLevels(levels, at(40), [down]).map((level) => level.kind)).toEqual(["availability"]);
    expect(penaltyFor(levels, money(99n))).toBe(99n);
    expect(penaltyFor(levels.slice(0, 1), money(99n))).toBe(10n);
  });
});
