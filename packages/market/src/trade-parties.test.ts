import { type Instant, type Micros, money, Rng } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CheatingStudy,
  change,
  checkWindows,
  mayAct,
  NO_REPUTATION,
  type Offer,
  type Organisation,
  type OrganisationCommand,
  openFor,
  type PriceList,
  quorum,
  register,
  remember,
  reputationOf,
  signRegistration,
  studyCheating,
  type TrustPolicy,
  Wallet,
} from "./index.ts";
import { WITHOUT_TERMS } from "./testing/papers.ts";

const at = (seconds: number): Instant => (seconds * 1e6) as Instant;
const hours = (count: number): Micros => (count * 3_600e6) as Micros;

describe("a wallet", () => {
  const policy = { warnBelow: money(1_000n), warnRunway: hours(1), memory: hours(1) };

  it("tells how long the money lasts at the present rate", () => {
    const wallet = new Wallet(policy);
    expect(wallet.runway(at(0), money(5_000n))).toBeNull();
    for (let second = 0; second < 36_000; second += 10) wallet.spent(at(second), money(20n)); // 2 a second
    const runway = Number(wallet.runway(at(36_000), money(72_000n))) / 3_600e6;
    expect(runway).toBeGreaterThan(9.9);
    expect(runway).toBeLessThan(10.1);
    expect(wallet.runway(at(36_000 + 4 * 3600), money(72_000n))).toBeGreaterThan(hours(100));
  });

  it("warns once per fall, by amount or by runway", () => {
    const wallet = new Wallet(policy);
    const low = (available: bigint): boolean => wallet.warning(at(1), money(available)) !== null;
    expect([5_000n, 999n, 900n, 1_500n, 999n, 2_000n, 999n].map(low)).toEqual([
      false,
      true,
      false,
      false,
      false,
      false,
      true,
    ]);
    const fast = new Wallet(policy);
    fast.spent(at(0), money(7_200n)); // 2 a second
    expect(fast.warning(at(0), money(7_000n))).toMatchObject({ available: 7_000n });
    expect(fast.warning(at(0), money(7_000n))).toBeNull();
  });
});

describe("an organisation", () => {
  const key = createSigner();
  const registration = {
    id: "corner-shop",
    name: "Corner Shop",
    kind: "provider",
    owner: "bob",
    key: key.publicKey,
  } as const;
  const begin = (): Organisation => {
    const outcome = register(registration, signRegistration(registration, key), at(0), nodeCryptography);
    if (!outcome.ok) throw new Error(outcome.refusal.message);
    return outcome.value;
  };
  const after = (
    organisation: Organisation,
    by: string,
    command: OrganisationCommand,
  ): Organisation | string => {
    const outcome = change(organisation, by, command, at(1));
    return outcome.ok ? outcome.value : outcome.refusal.code;
  };

  it("registers itself with a key it can prove, and with nobody else's", () => {
    expect(begin()).toMatchObject({
      account: "provider/corner-shop",
      members: [{ person: "bob", role: "owner" }],
    });
    const stolen = register(
      registration,
      signRegistration(registration, createSigner()),
      at(0),
      nodeCryptography,
    );
    expect(stolen).toMatchObject({ refusal: { code: "E_ORGANISATION_KEY_PROOF" } });
    const bad = { ...registration, id: "../x" };
    expect(register(bad, signRegistration(bad, key), at(0), nodeCryptography)).toMatchObject({
      refusal: { code: "E_ORGANISATION_NAME" },
    });
  });

  it("lets each role do its part and no more, and keeps an owner and a key", () => {
    let organisation = begin();
    organisation = after(organisation, "bob", {
      kind: "set-member",
      person: "ann",
      role: "admin",
    }) as Organisation;
    organisation = after(organisation, "ann", {
      kind: "set-member",
      person: "cleo",
      role: "member",
    }) as Organisation;
    expect(after(organisation, "cleo", { kind: "set-member", person: "eve", role: "admin" })).toBe(
      "E_ORGANISATION_FORBIDDEN",
    );
    expect(after(organisation, "ann", { kind: "set-member", person: "ann", role: "owner" })).toBe(
      "E_ORGANISATION_FORBIDDEN",
    );
    expect(after(organisation, "bob", { kind: "remove-member", person: "nobody" })).toBe(
      "E_ORGANISATION_NO_MEMBER",
    );
    expect(after(organisation, "ann", { kind: "remove-member", person: "bob" })).toBe(
      "E_ORGANISATION_FORBIDDEN",
    );
    expect(after(organisation, "bob", { kind: "remove-member", person: "bob" })).toBe(
      "E_ORGANISATION_LAST_OWNER",
    );
    expect(after(organisation, "ann", { kind: "remove-key", key: key.publicKey })).toBe(
      "E_ORGANISATION_LAST_KEY",
    );
    expect(after(organisation, "eve", { kind: "revoke-token", id: "x" })).toBe("E_ORGANISATION_FORBIDDEN");
    expect(mayAct(organisation, "ann", "withdraw")).toBe(false);
  });

  it("has tokens that give no more than their maker may do, and go when he goes", () => {
    let organisation = begin();
    organisation = after(organisation, "bob", {
      kind: "set-member",
      person: "cleo",
      role: "member",
    }) as Organisation;
    const token = { id: "t", digest: "ab", acts: ["submit-tasks"] as const, expiresAt: at(100) };
    expect(
      after(organisation, "cleo", { kind: "issue-token", token: { ...token, acts: ["withdraw"] } }),
    ).toBe("E_ORGANISATION_FORBIDDEN");
    organisation = after(organisation, "cleo", { kind: "issue-token", token }) as Organisation;
    expect(organisation.tokens).toEqual([{ ...token, by: "cleo" }]);
    const second = { ...token, id: "u" };
    const two = after(organisation, "bob", { kind: "issue-token", token: second }) as Organisation;
    expect(after(two, "bob", { kind: "issue-token", token: second })).toBe("E_ORGANISATION_TOKEN");
    expect(after(two, "cleo", { kind: "revoke-token", id: "u" })).toBe("E_ORGANISATION_FORBIDDEN");
    const one = after(two, "cleo", { kind: "revoke-token", id: "t" }) as Organisation;
    expect(one.tokens.map(({ id }) => id)).toEqual(["u"]);
    const gone = after(organisation, "bob", { kind: "remove-member", person: "cleo" }) as Organisation;
    expect(gone.tokens).toEqual([]);
  });
});

describe("offers", () => {
  const list = (micros: bigint): PriceList => ({
    petaOperation: { logical: money(micros), parallel: money(micros), neural: money(micros) },
    memoryGibHour: money(0n),
    storageGibHour: money(0n),
    transferGb: money(0n),
    bandwidthGbpsHour: money(0n),
    perTask: money(0n),
  });
  const offer: Offer = {
    id: "o1",
    provider: "bob",
    node: "corner",
    region: "ningbo",
    grade: "entry",
    compute: ["neural"],
    prices: list(1_000n),
    ...WITHOUT_TERMS,
  };
  const night = { ...offer, windows: [{ from: 22 * 60, to: 7 * 60, days: null }] };
  const day = 86_400;

  it("are open in their windows, through midnight, on their days", () => {
    expect(openFor(night, at(10 * day + 21 * 3600))).toBe(0);
    expect(openFor(night, at(10 * day + 23 * 3600))).toBe(hours(8));
    expect(openFor(night, at(10 * day + 6.5 * 3600))).toBe(hours(0.5));
    // 1970-01-01 was a Thursday: the night that begins on a Friday
    const friday = { ...offer, windows: [{ from: 22 * 60, to: 7 * 60, days: [5] }] };
    expect(openFor(friday, at(day + 23 * 3600))).toBe(hours(8));
    expect(openFor(friday, at(2 * day + 6 * 3600))).toBe(hours(1));
    expect(openFor(friday, at(2 * day + 23 * 3600))).toBe(0);
    const around = {
      ...offer,
      windows: [night.windows[0], { from: 420, to: 1320, days: null }] as Offer["windows"],
    };
    expect(openFor(around, at(5 * day))).toBeGreaterThanOrEqual(hours(24 * 7));
    expect(openFor({ ...night, validUntil: at(10 * day + 24 * 3600) }, at(10 * day + 23 * 3600))).toBe(
      hours(1),
    );
    const once = { ...offer, windows: [{ from: 5, to: 5, days: null }] };
    expect(checkWindows(once)?.code).toBe("E_OFFER_WINDOW");
    expect(checkWindows({ ...offer, longest: hours(-1) })?.code).toBe("E_OFFER_LENGTH");
    expect(checkWindows(night)).toBeNull();
  });
});

describe("untrusted results", () => {
  it("are believed when enough different providers agree", () => {
    const answers = (text: string) => [...text].map((result, i) => ({ provider: `p${i}`, result }));
    expect(quorum(answers("ab"), 2, 3)).toEqual({ kind: "more", atLeast: 1 });
    expect(quorum(answers("aba"), 2, 3)).toEqual({ kind: "agreed", result: "a", dissent: ["p1"] });
    expect(quorum(answers("abc"), 2, 3)).toEqual({ kind: "undecided" });
    const twice = [...answers("a"), ...answers("a")];
    expect(quorum(twice, 2, 3)).toEqual({ kind: "more", atLeast: 1 });
  });

  it("leave a reputation that fades back to a stranger's", () => {
    const policy = { memory: hours(24), priorWeight: 4, priorScore: 0.5 };
    let state = NO_REPUTATION;
    expect(reputationOf(state, at(0), policy)).toBe(0.5);
    for (let i = 0; i < 20; i++) state = remember(state, at(i), "good", 1, policy);
    const good = reputationOf(state, at(20), policy);
    expect(good).toBeGreaterThan(0.9);
    const lied = remember(state, at(21), "bad", 20, policy);
    expect(reputationOf(lied, at(21), policy)).toBeLessThan(0.55);
    expect(reputationOf(lied, at(86_400 * 30), policy)).toBeCloseTo(0.5, 5);
    fc.assert(
      fc.property(fc.array(fc.constantFrom("good" as const, "bad" as const)), (outcomes) => {
        let s = NO_REPUTATION;
        for (const outcome of outcomes) s = remember(s, at(1), outcome, 1, policy);
        const value = reputationOf(s, at(1), policy);
        expect(value >= 0 && value <= 1).toBe(true);
      }),
    );
  });

  it("cost more the surer they are: what each guard costs and catches, measured", () => {
    const study: CheatingStudy = {
      providers: 40,
      cheaters: 0.25,
      cheatingRate: 0.5,
      colluding: 0,
      tasks: 3_000,
      secondsBetweenTasks: 10,
      reputation: { memory: hours(24), priorWeight: 4, priorScore: 0.8 },
    };
    const none: TrustPolicy = {
      name: "none",
      need: 1,
      most: 1,
      spotChecks: 0,
      leastReputation: 0,
      trustedFrom: 2,
    };
    const play = (change: Partial<TrustPolicy>) => studyCheating(study, { ...none, ...change }, new Rng(3));
    const unguarded = play({});
    expect(unguarded).toMatchObject({ cost: 1, detected: 0 });
    expect(unguarded.wrong).toBeGreaterThan(0.1);
    const two = play({ need: 2, most: 3 });
    expect(two.cost).toBeGreaterThan(2);
    expect(two.wrong).toBe(0);
    expect(two.undecided).toBeGreaterThan(0); // three different answers
    expect(two.detected).toBeGreaterThan(0.95);
    const spots = play({ spotChecks: 0.1, leastReputation: 0.7 });
    expect(spots.cost).toBeLessThan(1.2);
    expect(spots.wrong).toBeLessThan(unguarded.wrong / 3);
    expect(spots.cheatersOut).toBe(1);
    expect(spots.honestOut).toBe(0);
    const adaptive = play({ need: 2, most: 3, leastReputation: 0.7, trustedFrom: 0.95, spotChecks: 0.02 });
    expect(adaptive.cost).toBeLessThan(two.cost);
    expect(adaptive.wrong).toBeLessThan(0.01);
    const comparing = play({ need: 2, most: 3, leastReputation: 0.7 }); // only by what others answered
    expect(comparing).toMatchObject({ wrong: 0, cheatersOut: 1, honestOut: 0 });
    expect(comparing.cost).toBeLessThan(two.cost);
    for (const { detected } of [two, spots, adaptive, comparing]) {
      expect(detected).toBeGreaterThan(0.1);
      expect(detected).toBeLessThanOrEqual(1);
    }
  });
});
