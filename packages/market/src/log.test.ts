import { type Digest, type Instant, money } from "@weft/kernel";
import { createSigner, nodeCryptography as crypto } from "@weft/live";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Contract,
  contractEntry,
  type EndedContract,
  isEntryOf,
  leafHash,
  MerkleTree,
  type SignedTreeHead,
  settlementTransfer,
  signContract,
  signHead,
  TransparencyLog,
  type UsageRecord,
  verifyConsistency,
  verifyHead,
  verifyInclusion,
  verifyLog,
  Witness,
} from "./index.ts";
import { termsBetween } from "./testing/papers.ts";

const entries = (count: number, mark = ""): string[] =>
  Array.from({ length: count }, (_, i) => `entry ${i}${mark}`);
const treeOf = (texts: readonly string[]): MerkleTree =>
  new MerkleTree(
    crypto,
    texts.map((text) => leafHash(text, crypto)),
  );

/** The tree of RFC 9162, 2.1.1, as plainly as it is written there. */
function plainRoot(leaves: readonly Digest[]): Digest {
  if (leaves.length === 0) return crypto.digest("");
  if (leaves.length === 1) return leaves[0] as Digest;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const pair = `01${plainRoot(leaves.slice(0, split))}${plainRoot(leaves.slice(split))}`;
  return crypto.digest(Buffer.from(pair, "hex"));
}

describe("the Merkle tree", () => {
  it("hashes as in Certificate Transparency's known answers", () => {
    // RFC 6962's reference test: the empty tree, one empty leaf, and leaves "", 00, 10
    expect(treeOf([]).root()).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(treeOf([""]).root()).toBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    expect(treeOf(["", "\u0000", "\u0010"]).root()).toBe(
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    );
  });

  it("has the root of the plain definition at every size, and proofs that verify for every leaf and pair", () => {
    const texts = entries(33);
    const tree = treeOf(texts);
    const leaves = texts.map((text) => leafHash(text, crypto));
    for (let size = 1; size <= texts.length; size++) {
      const root = plainRoot(leaves.slice(0, size));
      expect(tree.root(size)).toBe(root);
      for (let index = 0; index < size; index++) {
        const proof = tree.inclusionProof(index, size);
        expect(verifyInclusion(leaves[index] as Digest, index, size, proof, root, crypto)).toBe(true);
      }
      for (let first = 1; first <= size; first++) {
        const proof = tree.consistencyProof(first, size);
        expect(verifyConsistency(first, size, tree.root(first), root, proof, crypto)).toBe(true);
      }
    }
  });

  it("a place outside the tree proves nothing", () => {
    const tree = treeOf(entries(1));
    const within = (index: number): boolean =>
      verifyInclusion(tree.leaf(0), index, 1, [], tree.root(), crypto);
    expect([-1, 0, 1].map(within)).toEqual([false, true, false]);
    const root = tree.root();
    expect(verifyConsistency(0, 1, root, root, [], crypto)).toBe(false);
    expect(verifyConsistency(2, 1, root, root, [], crypto)).toBe(false);
  });

  it("proofs fail for any other leaf, place, size, root or path", () => {
    const tree = treeOf(entries(40));
    const size = fc.integer({ min: 2, max: 40 });
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (n, a, b) => {
        const index = a % n;
        const other = b % n;
        const proof = tree.inclusionProof(index, n);
        const root = tree.root(n);
        if (other !== index) {
          expect(verifyInclusion(tree.leaf(other), index, n, proof, root, crypto)).toBe(false);
          expect(verifyInclusion(tree.leaf(index), other, n, proof, root, crypto)).toBe(false);
        }
        expect(verifyInclusion(tree.leaf(index), index, n, proof.slice(1), root, crypto)).toBe(false);
        expect(verifyInclusion(tree.leaf(index), index, n, [...proof, root], root, crypto)).toBe(false);
        const first = 1 + index;
        if (first < n) {
          const step = tree.consistencyProof(first, n);
          const forged = treeOf(entries(first, "!")).root();
          expect(verifyConsistency(first, n, forged, root, step, crypto)).toBe(false);
          expect(verifyConsistency(first, n, tree.root(first), forged, step, crypto)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the log", () => {
  const manager = createSigner();
  const head = (texts: readonly string[], at = 1): SignedTreeHead =>
    signHead(
      { log: manager.publicKey, size: texts.length, root: treeOf(texts).root(), at: at as Instant },
      manager,
    );

  it("shows an edit, a removal, a reordering, a cut and a fork, offline", () => {
    const texts = entries(20);
    const heads = [head(texts.slice(0, 7)), head(texts)];
    expect(verifyLog(texts, heads, crypto)).toBeNull();
    expect(verifyLog([...texts, "later"], heads, crypto)).toBeNull();
    const edited = texts.with(3, "entry 3, for less");
    expect(verifyLog(edited, heads, crypto)?.code).toBe("E_LOG_EDITED");
    expect(verifyLog([...texts.toSpliced(3, 1), "x"], heads, crypto)?.code).toBe("E_LOG_EDITED");
    expect(verifyLog(texts.toReversed(), heads, crypto)?.code).toBe("E_LOG_EDITED");
    expect(verifyLog(texts.slice(0, 19), heads, crypto)?.code).toBe("E_LOG_SHORT");
    expect(verifyLog(texts, [...heads, head(edited)], crypto)?.code).toBe("E_LOG_FORK");
    const unsigned = { ...heads[1], signature: "00" } as SignedTreeHead;
    expect(verifyLog(texts, [unsigned], crypto)?.code).toBe("E_LOG_SIGNATURE");
  });

  it("has witnesses that stand only by what extends what they saw", () => {
    const witness = new Witness(createSigner(), crypto);
    const texts = entries(20);
    const tree = treeOf(texts);
    const first = witness.cosign(head(texts.slice(0, 7)), []);
    expect(first.ok).toBe(true);
    const forked = head(texts.with(3, "edited"));
    expect(witness.cosign(forked, tree.consistencyProof(7)).ok).toBe(false);
    expect(witness.cosign(head(texts.slice(0, 6)), [])).toMatchObject({
      refusal: { code: "E_LOG_ROLLED_BACK" },
    });
    const next = witness.cosign(head(texts), tree.consistencyProof(7));
    expect(next.ok).toBe(true);
    expect(witness.last?.size).toBe(20);
  });

  it("goes on after a restart from its leaves alone, and proves what stands in it", () => {
    const log = new TransparencyLog(crypto);
    const kept = entries(9).map((text) => log.append(text));
    const again = new TransparencyLog(
      crypto,
      kept.map((entry) => entry.leaf),
    );
    again.append("entry 9");
    const { head: last } = again.head(manager, 1 as Instant);
    expect(last.root).toBe(treeOf(entries(10)).root());
    const leaf = leafHash("entry 4", crypto);
    expect(verifyInclusion(leaf, 4, 10, again.inclusionProof(4), last.root, crypto)).toBe(true);
    const watcher = new Witness(createSigner(), crypto);
    expect(watcher.cosign(again.head(manager, 1 as Instant, 0), []).ok).toBe(true);
    expect(watcher.cosign(again.head(manager, 1 as Instant), again.consistencyProof(0)).ok).toBe(true);
  });

  it("has a line for a contract's end that no other paper and no other end has", () => {
    const key = createSigner();
    const order = {
      ...{ id: "o-1", consumer: "aa", taskDigest: "ab", payAtMost: money(900n), notAfter: 9 as Instant },
    };
    const said = { order: { order, signature: "" }, validFrom: 0 as Instant, validUntil: 9 as Instant };
    const terms = termsBetween("aa", "bb", "cc", said);
    const contract: Contract = { terms, manager: signContract(terms, key), provider: null };
    const usage = { record: { id: "r", contract: "c-1" } as UsageRecord, signature: "ab" };
    const paid = settlementTransfer(terms, money(400n), { commissionPpm: 50_000 }, 5 as Instant);
    const end: EndedContract = {
      contract,
      state: "settled",
      because: "completed",
      usage,
      settlement: [paid],
    };
    const postings = paid.postings.map((posting, i) => (i === 0 ? { ...posting, account: "eve" } : posting));
    const others: readonly EndedContract[] = [
      {
        ...end,
        contract: { terms: { ...terms, ceiling: money(901n) }, manager: contract.manager, provider: null },
      },
      { ...end, contract: { ...contract, provider: "ab" } },
      { ...end, contract: { ...contract, manager: "ab" } },
      { ...end, usage: null },
      { ...end, usage: { ...usage, signature: "cd" } },
      { ...end, usage: { ...usage, record: { ...usage.record, sequence: 2 } } },
      { ...end, settlement: [] },
      { ...end, settlement: [{ ...paid, postings }] },
      { ...end, settlement: [paid, paid] },
      { ...end, state: "breached" },
      { ...end, because: null },
    ];
    const lines = [end, ...others].map((ended) => contractEntry(ended, crypto));
    expect(new Set(lines).size).toBe(lines.length);
    const mine = lines.map((line) => isEntryOf(line, contract, crypto));
    expect(mine).toEqual([end, ...others].map((ended) => ended.contract === contract));
  });

  it("is believed when enough known witnesses cosigned, each counted once", () => {
    const texts = entries(3);
    const signers = [createSigner(), createSigner(), createSigner()];
    const keys = signers.map((signer) => signer.publicKey);
    const cosignatures = signers.slice(0, 2).flatMap((signer) => {
      const outcome = new Witness(signer, crypto).cosign(head(texts), []);
      return outcome.ok ? [outcome.value] : [];
    });
    const signed = { ...head(texts), cosignatures: [...cosignatures, ...cosignatures] };
    expect(verifyHead(signed, keys, 2, crypto)).toBeNull();
    expect(verifyHead(signed, keys, 3, crypto)?.code).toBe("E_LOG_WITNESSES");
    expect(verifyHead(signed, keys.slice(1), 2, crypto)?.code).toBe("E_LOG_WITNESSES");
  });
});
