import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bytes, type Instant, type Micros, type Money, refuse } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import {
  type ContractTerms,
  contractEntry,
  leafHash,
  MerkleTree,
  type SignedMeasurement,
  signContract,
  signHead,
  signMeasurement,
  signOrder,
  signUsage,
  type UsageRecord,
} from "@weft/market";
import { wireText } from "@weft/service-http/client";
import { memoryLog } from "@weft/service-http/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { begin, end, folder, manager, renew, weft } from "../testing/command-line.ts";

/*
 * Papers checked by whoever holds them: contracts, usage records, the transparency log and its witnesses.
 */

beforeAll(begin);
afterEach(renew);
afterAll(end);

/** A contract that three keys signed, as the API tells it. */
function papers() {
  const [consumer, provider, broker, node] = [createSigner(), createSigner(), createSigner(), createSigner()];
  const zero = 0n as Money;
  const order = {
    id: "o",
    consumer: consumer.publicKey,
    taskDigest: "0".repeat(64),
    payAtMost: 1000n as Money,
    notAfter: 9e15 as Instant,
  };
  const terms: ContractTerms = {
    id: "c-1",
    order: signOrder(order, consumer),
    task: "task-1",
    attempt: 1,
    consumer: { account: "books", key: consumer.publicKey },
    provider: { account: "corner-ltd", key: provider.publicKey },
    manager: { account: "manager", key: broker.publicKey },
    node: { id: "corner", key: node.publicKey },
    compute: "logical",
    currency: "CNY",
    prices: {
      petaOperation: { logical: 50_000n as Money, parallel: zero, neural: zero },
      memoryGibHour: zero,
      storageGibHour: zero,
      transferGb: zero,
      bandwidthGbpsHour: zero,
      perTask: zero,
    },
    ceiling: 900n as Money,
    completeBy: null,
    validFrom: 1e15 as Instant,
    validUntil: 2e15 as Instant,
  };
  const contract = { terms, manager: signContract(terms, broker), provider: signContract(terms, provider) };
  const record: UsageRecord = {
    id: "r",
    contract: "c-1",
    node: "corner",
    sequence: 1,
    startedAt: 11e14 as Instant,
    endedAt: 12e14 as Instant,
    cpuTime: 1 as Micros,
    wallTime: 1 as Micros,
    operations: 10n ** 13n,
    memoryTime: 0n,
    storageTime: 0n,
    inputBytes: 0 as Bytes,
    outputBytes: 0 as Bytes,
    reservedBits: 0n,
    outcome: "completed",
    result: null,
  };
  return { contract, usage: signUsage(record, node), broker };
}
const keep = (name: string, value: unknown) => writeFileSync(join(folder, name), wireText(value));

it("verify checks a contract and its usage offline, and refuses a changed one", async () => {
  const { contract, usage } = papers();
  keep("contract.json", contract);
  keep("usage.json", usage);
  const held = await weft(
    "--server",
    "http://127.0.0.1:9",
    "verify",
    "contract",
    "contract.json",
    "--usage",
    "usage.json",
  );
  expect([held.code, held.err]).toEqual([0, ""]);
  expect(held.out).toContain("c-1: signed by all three, within the consumer's order");
  expect(held.out).toMatch(/total: +0\.0005 CNY/);
  keep("contract.json", { ...contract, terms: { ...contract.terms, ceiling: 901n } });
  const changed = await weft("verify", "contract", "contract.json");
  expect([changed.code, changed.err]).toEqual([1, expect.stringContaining("[E_CONTRACT_SIGNATURE]")]);
  keep("usage.json", { ...usage, record: { ...usage.record, operations: 10n ** 14n } });
  keep("contract.json", contract);
  const inflated = await weft("verify", "contract", "contract.json", "--usage", "usage.json");
  expect([inflated.code, inflated.err]).toEqual([1, expect.stringContaining("[E_USAGE_SIGNATURE]")]);
  expect((await weft("verify", "contract", "task.yaml")).code).toBe(2);
});

it("[K5.1] verify contract believes no measurement that no party of the contract signed", async () => {
  const { contract, broker } = papers();
  const { terms } = contract;
  const measurement = {
    contract: terms.id,
    observer: "manager",
    from: terms.validFrom,
    to: (terms.validFrom + 1) as Instant,
    up: 0 as Micros,
    deliveries: 0,
    withinDelay: 0,
  };
  const viewWith = (signed: SignedMeasurement) => ({
    ...{ id: terms.id, task: terms.task, run: "run-1", node: "corner", consumer: "books" },
    ...{ provider: "corner-ltd", state: "settled", ceiling: terms.ceiling, charged: 500n },
    ...{ openedAt: terms.validFrom, closedAt: terms.validUntil, closedBecause: "completed_late" },
    ...{ completeBy: null, penalty: 50n, steps: [], dispute: null, measurements: [signed] },
    document: contract,
  });
  keep("late.json", viewWith(signMeasurement(measurement, broker)));
  const held = await weft("verify", "contract", "late.json");
  expect([held.code, held.err]).toEqual([0, ""]);
  expect(held.out).toMatch(/Measured: +signed by manager, up to/);
  keep("late.json", viewWith(signMeasurement(measurement, createSigner())));
  const forged = await weft("verify", "contract", "late.json");
  expect([forged.code, forged.err]).toEqual([1, expect.stringContaining("[E_MEASUREMENT_SIGNATURE]")]);
});

it("verify log shows an edit, and whose log it is", async () => {
  const signer = createSigner();
  const entries = ["a", "b", "c"];
  const tree = new MerkleTree(nodeCryptography);
  for (const entry of entries) tree.append(leafHash(entry, nodeCryptography));
  const head = { log: signer.publicKey, size: 2, root: tree.root(2), at: 1 as Instant };
  keep("log.json", { entries, heads: [signHead(head, signer)] });
  expect((await weft("verify", "log", "log.json", "--manager", signer.publicKey)).out).toBe(
    "3 entries give the roots of all 1 signed heads; 1 newer than the last head\n",
  );
  expect((await weft("verify", "log", "log.json", "--manager", "0".repeat(64))).code).toBe(1);
  keep("log.json", { entries: ["a", "B", "c"], heads: [signHead(head, signer)] });
  expect((await weft("verify", "log", "log.json")).err).toContain("[E_LOG_EDITED]");
});

it("verify log fetches the manager's own, remembers its head, and finds a fork the next time", async () => {
  const signer = createSigner();
  manager.log = memoryLog(["a", "b", "c"], signer);
  const first = await weft("verify", "log", "--save", "kept.json", "--manager", signer.publicKey);
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toContain("3 entries give the roots of all 1 signed heads");
  expect((await weft("verify", "log", "kept.json")).code).toBe(0);
  manager.log = memoryLog(["a", "b", "c", "d"], signer);
  expect((await weft("verify", "log")).out).toContain("they begin with the 3 of");
  manager.log = memoryLog(["a", "B", "c", "d", "e"], signer);
  expect((await weft("verify", "log")).err).toContain("[E_LOG_EDITED]");
  manager.log = memoryLog(["a", "b"], signer);
  expect((await weft("verify", "log")).err).toContain("[E_LOG_SHORT]");
  manager.log = memoryLog(["a", "b", "c", "d"], signer);
  const alone = await weft("verify", "log", "--witness", createSigner().publicKey);
  expect([alone.code, alone.err]).toEqual([1, expect.stringContaining("[E_LOG_WITNESSES]")]);
});

it("witness stands by a log that grows, and keeps the evidence of one that does not", async () => {
  const signer = createSigner();
  const look = () => weft("witness", "--once", "--state", "witness.json");
  manager.log = memoryLog(["a", "b", "c"], signer);
  expect(await look()).toMatchObject({
    code: 0,
    out: expect.stringContaining("3 entries, seen for the first"),
  });
  const cosigned = await manager.log.head();
  expect(cosigned.ok && cosigned.value.cosignatures).toHaveLength(1);
  manager.log = memoryLog(["a", "b", "c", "d"], signer);
  expect((await look()).out).toContain("4 entries, 1 more");
  manager.log = memoryLog(["a", "B", "c", "d", "e"], signer);
  const forked = await look();
  expect([forked.code, forked.err]).toEqual([1, expect.stringContaining("[E_LOG_FORK]")]);
  expect(JSON.parse(readFileSync(join(folder, "witness.json.evidence"), "utf8"))).toHaveLength(2);
  manager.log = memoryLog(["a"], signer);
  expect((await look()).err).toContain("[E_LOG_ROLLED_BACK]");
});

it("verify contract --log waits for the head over what ended a moment ago", async () => {
  const { contract, broker } = papers();
  keep("contract.json", contract);
  const ended = { contract, state: "settled", because: "completed", usage: null, settlement: [] };
  const log = memoryLog(["a", contractEntry(ended, nodeCryptography)], broker);
  let asked = 0;
  const inclusion: typeof log.inclusion = (...of) =>
    asked++ === 0 ? refuse("E_LOG_UNSIGNED", "no signed head holds this line yet") : log.inclusion(...of);
  manager.log = { ...log, inclusion };
  expect((await weft("verify", "contract", "contract.json", "--log")).out).toContain("line 1 of 2");
  expect(asked).toBe(2);
});

it("verify contract --log believes only a line that leads to a head of the contract's manager", async () => {
  const { contract, broker } = papers();
  keep("contract.json", contract);
  const ended = { contract, state: "settled", because: "completed", usage: null, settlement: [] };
  const line = contractEntry(ended, nodeCryptography);
  manager.log = memoryLog(["a", line, "c"], broker);
  const held = await weft("verify", "contract", "contract.json", "--log");
  expect(held).toMatchObject({ code: 0, out: expect.stringContaining("line 1 of 3") });
  manager.log = memoryLog(["a", line, "c"]);
  expect((await weft("verify", "contract", "contract.json", "--log")).err).toContain("[E_LOG_SIGNATURE]");
  manager.log = memoryLog(["a", line.replace("weft/contract/1 ", "weft/contract/1 0"), "c"], broker);
  expect((await weft("verify", "contract", "contract.json", "--log")).err).toContain("[E_LOG_EDITED]");
});
