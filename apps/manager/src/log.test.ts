import { MILLISECOND, type Micros } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import {
  isEntryOf,
  leafHash,
  verifyConsistency,
  verifyHead,
  verifyInclusion,
  verifyLog,
  Witness,
} from "@weft/market";
import { describeNode, deskNeeds } from "@weft/service/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DeskApi, deskApi } from "./testing/desk-api.ts";

let api: DeskApi;
beforeEach(async () => {
  api = await deskApi();
  api.desk.join(describeNode("corner", "ningbo"), { lasts: (100 * MILLISECOND) as Micros, ends: "finished" });
  pass(100);
});
afterEach(() => api.close());

const pass = (ms: number): void => api.desk.pass((ms * MILLISECOND) as Micros);
const trade = (name: string): void => {
  api.desk.submit(name, deskNeeds());
  pass(3000);
};
function must<T>(
  answer:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly refusal: { readonly message: string } },
): T {
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.value;
}

it("proves to a party of a contract that it stands in the log, and to nobody else", async () => {
  trade("one");
  const ann = api.client(api.token("ann", "consumer"));
  const { id } = must(await ann.call("GET /v1/contracts", { query: {} })).items[0]!;
  const { document } = must(await ann.call("GET /v1/contracts/{contract}", { params: { contract: id } }));
  const told = must(await ann.call("GET /v1/log/proof", { query: { contract: id } }));
  expect(verifyHead(told.head, [], 0, nodeCryptography)).toBeNull();
  expect(isEntryOf(told.entry, document!, nodeCryptography)).toBe(true);
  const { size, root } = told.head.head;
  const leaf = leafHash(told.entry, nodeCryptography);
  expect(verifyInclusion(leaf, told.index, size, told.proof, root, nodeCryptography)).toBe(true);
  const eve = api.client(api.token("manager", "consumer"));
  expect(await eve.call("GET /v1/log/proof", { query: { contract: id } })).toMatchObject({
    refusal: { code: "E_NOT_FOUND" },
  });
});

it("a witness follows it over HTTP, and an auditor finds its entries to be those that were signed", async () => {
  trade("one");
  const pat = api.client(api.token("pat", "provider"));
  const witness = new Witness(createSigner(), nodeCryptography);
  const first = must(await pat.call("GET /v1/log/head", {}));
  expect(witness.cosign(first, []).ok).toBe(true);
  trade("two");
  const head = must(await pat.call("GET /v1/log/head", {}));
  const query = { first: first.head.size, second: head.head.size };
  const { proof } = must(await pat.call("GET /v1/log/consistency", { query }));
  const { root } = head.head;
  expect(verifyConsistency(query.first, query.second, first.head.root, root, proof, nodeCryptography)).toBe(
    true,
  );
  const cosigned = must(witness.cosign(head, proof));
  must(await pat.call("POST /v1/log/cosignatures", { body: { size: head.head.size, ...cosigned } }));
  const heads = must(await pat.call("GET /v1/log/heads", {})).items;
  expect(verifyHead(heads[0]!, [cosigned.witness], 1, nodeCryptography)).toBeNull();
  const { items } = must(await pat.call("GET /v1/log/entries", { query: { first: 0, limit: 1000 } }));
  expect(
    verifyLog(
      items.map(({ entry }) => entry),
      heads,
      nodeCryptography,
    ),
  ).toBeNull();
});

it("shows nothing beyond the last durable head", async () => {
  const pat = api.client(api.token("pat", "provider"));
  expect(await pat.call("GET /v1/log/head", {})).toMatchObject({ refusal: { code: "E_NOT_FOUND" } });
  pass(2000);
  const shown = must(await pat.call("GET /v1/log/head", {})).head.size;
  api.desk.onHead = () => {};
  trade("one");
  expect(must(await pat.call("GET /v1/log/head", {})).head.size).toBe(shown);
  const { items } = must(await pat.call("GET /v1/log/entries", { query: {} }));
  expect(items).toHaveLength(shown);
  const beyond = await pat.call("GET /v1/log/proof", { query: { index: shown } });
  expect(beyond).toMatchObject({ refusal: { code: "E_LOG_UNSIGNED" } });
  const nowhere = await pat.call("GET /v1/log/proof", { query: { index: 1000 } });
  expect(nowhere).toMatchObject({ refusal: { code: "E_NOT_FOUND" } });
  const query = { first: 0, second: shown + 1 };
  expect(await pat.call("GET /v1/log/consistency", { query })).toMatchObject({ ok: false });
});
