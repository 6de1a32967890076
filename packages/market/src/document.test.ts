import { type Instant, money } from "@weft/kernel";
import { createSigner, nodeCryptography as crypto } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Contract,
  type ContractTerms,
  contractPaper,
  type SignedPaper,
  signContract,
  signOrder,
  verifyContractPaper,
} from "./index.ts";

const [ann, bob, manager] = [createSigner(), createSigner(), createSigner()];
const at = (n: number): Instant => n as Instant;
const terms: ContractTerms = {
  id: "c-1",
  order: signOrder(
    { id: "o", consumer: ann.publicKey, taskDigest: "ab", payAtMost: money(900n), notAfter: at(50) },
    ann,
  ),
  task: "t-1",
  attempt: 1,
  consumer: { account: "ann", key: ann.publicKey },
  provider: { account: "bob", key: bob.publicKey },
  manager: { account: "fees", key: manager.publicKey },
  node: { id: "corner", key: bob.publicKey },
  compute: "neural",
  currency: "CNY",
  prices: {
    petaOperation: { logical: money(1n), parallel: money(2n), neural: money(3n) },
    memoryGibHour: money(4n),
    storageGibHour: money(5n),
    transferGb: money(6n),
    bandwidthGbpsHour: money(7n),
    perTask: money(8n),
  },
  ceiling: money(900n),
  completeBy: null,
  levels: [{ kind: "completion", by: at(40), penaltyPpm: 100_000 }],
  validFrom: at(1),
  validUntil: at(100),
};
const contract: Contract = {
  terms,
  manager: signContract(terms, manager),
  provider: signContract(terms, bob),
};
const codeOf = (paper: SignedPaper): string => {
  const outcome = verifyContractPaper(paper, crypto);
  return outcome.ok ? "ok" : outcome.refusal.code;
};

describe("a contract as a file", () => {
  const paper = JSON.parse(JSON.stringify(contractPaper(contract))) as SignedPaper;

  it("is read back and checked with nothing else at hand", () => {
    expect(verifyContractPaper(paper, crypto)).toEqual({ ok: true, value: terms });
  });

  it("shows every change of a single letter", () => {
    fc.assert(
      fc.property(
        fc.nat(paper.text.length - 1),
        fc.constantFrom("0", "9", "a", " ", "}"),
        (place, letter) => {
          if (paper.text[place] === letter) return;
          const text = paper.text.slice(0, place) + letter + paper.text.slice(place + 1);
          expect(codeOf({ ...paper, text })).not.toBe("ok");
        },
      ),
      { numRuns: 400 },
    );
  });

  it("is refused when a signature is missing, when it hides more, or when it is something else", () => {
    expect(codeOf({ ...paper, signatures: paper.signatures.slice(0, 2) })).toBe("E_CONTRACT_SIGNATURE");
    expect(codeOf({ ...paper, text: `${paper.text} ` })).toBe("E_PAPER_NOT_CANONICAL");
    expect(codeOf({ ...paper, text: "{}" })).toBe("E_PAPER_UNREADABLE");
    expect(codeOf({ ...paper, text: '{"kind":"weft/contract/1"}' })).toBe("E_PAPER_UNREADABLE");
  });
});
