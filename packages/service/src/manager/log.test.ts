import { MILLISECOND, type Micros } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { isEntryOf, type SignedTreeHead, verifyLog, Witness } from "@weft/market";
import { beforeEach, expect, it } from "vitest";
import { EMPTY_STORE } from "../store.ts";
import { Desk, describeNode, deskNeeds } from "../testing/index.ts";
import { ManagerLog } from "./log.ts";

let desk: Desk;
beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.join(describeNode("corner", "ningbo"), { lasts: (100 * MILLISECOND) as Micros, ends: "finished" });
  pass(100);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const entries = async (): Promise<string[]> =>
  (await desk.store.logEntries(0, 1_000_000)).map(({ body }) => body);
const heads = (): readonly SignedTreeHead[] => desk.manager.core.log.heads;
const trade = (count: number, mark = ""): void => {
  for (let i = 0; i < count; i++) desk.submit(`task-${mark}${i}`, deskNeeds());
  pass(3000);
};

it("[C7.1] every contract that ended and every other transfer stands in it, in the commit of the deed", async () => {
  trade(3);
  const lines = await entries();
  expect(lines.map((line) => line.split(" ")[0])).toEqual([
    "weft/transfer/1",
    "weft/contract/1",
    "weft/contract/1",
    "weft/contract/1",
  ]);
  for (const row of desk.store.state().contracts) {
    expect(isEntryOf(lines[row.entry!]!, row.contract, nodeCryptography)).toBe(true);
    const other = { ...row.contract, provider: row.contract.manager };
    expect(isEntryOf(lines[row.entry!]!, other, nodeCryptography)).toBe(false);
  }
});

it("[C7.2] heads are signed at intervals, over what is stored, and hold across restarts", async () => {
  for (let i = 0; i < 5; i++) trade(4, `${i}-`);
  expect(heads().length).toBeLessThan(16);
  expect(desk.heads).toEqual(heads().map(({ head }) => head.size));
  expect(verifyLog(await entries(), heads(), nodeCryptography)).toBeNull();
  const before = heads();
  desk.restartManager();
  expect(heads()).toEqual(before);
  expect(desk.manager.core.log.damage).toBeNull();
  pass(1000);
  trade(4, "more-");
  expect(heads().at(-1)!.head.size).toBe((await entries()).length);
  expect(verifyLog(await entries(), heads(), nodeCryptography)).toBeNull();
});

it("[C7.3] a manager that edits, removes or forks what was signed is found out", async () => {
  trade(6);
  const lines = await entries();
  const signed = heads();
  const code = (changed: readonly string[], shown = signed) =>
    verifyLog(changed, shown, nodeCryptography)?.code;
  expect(code(lines.map((line, i) => (i === 2 ? line.replace("settled", "breached") : line)))).toBe(
    "E_LOG_EDITED",
  );
  expect(code(lines.filter((_, i) => i !== 2))).toBe("E_LOG_SHORT");
  expect(code([...lines].reverse())).toBe("E_LOG_EDITED");
  const fork = new ManagerLog(nodeCryptography, EMPTY_STORE, desk.now);
  for (const line of lines.slice(0, -1)) fork.append(line, desk.now);
  fork.append("weft/transfer/1 another history", desk.now);
  const witness = new Witness(createSigner(), nodeCryptography);
  const last = signed.at(-1)!;
  expect(witness.cosign(last, []).ok).toBe(true);
  const core = desk.manager.core as Parameters<ManagerLog["sign"]>[0];
  fork.sign(core, desk.now);
  expect(code(lines, [...signed, fork.latest!])).toBe("E_LOG_FORK");
  expect(witness.cosign(fork.latest!, [])).toMatchObject({ refusal: { code: "E_LOG_FORK" } });
  const shorter = { ...last, head: { ...last.head, size: last.head.size - 1 } };
  expect(witness.cosign(shorter, [])).toMatchObject({ refusal: { code: "E_LOG_SIGNATURE" } });
});

it("[C7.4] a store that lost or changed entries is seen at the start, and gets no further head", () => {
  trade(3);
  const state = desk.store.state();
  const without = { ...state, logLeaves: state.logLeaves.slice(0, -1) };
  const edited = {
    ...state,
    logLeaves: state.logLeaves.map((leaf, i) => (i === 1 ? "00".repeat(32) : leaf)),
  };
  for (const [damaged, words] of [
    [without, "missing at the end"],
    [edited, "not those of the head"],
  ] as const) {
    const log = new ManagerLog(nodeCryptography, damaged, desk.now);
    expect(log.damage).toContain(words);
    log.append("more", desk.now);
    expect(log.headAt).toBe(Number.MAX_SAFE_INTEGER);
  }
});

it("[C7.5] a witness stands by a head once, and only with its own signature", () => {
  trade(2);
  const witness = createSigner();
  const signed = heads().at(-1)!;
  const cosigned = new Witness(witness, nodeCryptography).cosign(signed, []);
  if (!cosigned.ok) throw new Error(cosigned.refusal.message);
  const { size } = signed.head;
  const command = { kind: "cosign-head", size, ...cosigned.value } as const;
  for (let i = 0; i < 2; i++) expect(desk.command(command).ok).toBe(true);
  expect(heads().at(-1)!.cosignatures).toEqual([cosigned.value]);
  const forged = { ...command, witness: createSigner().publicKey };
  expect(desk.command(forged)).toMatchObject({ refusal: { code: "E_LOG_SIGNATURE" } });
  expect(desk.command({ ...command, size: 999 })).toMatchObject({ refusal: { code: "E_NOT_FOUND" } });
  desk.restartManager();
  expect(heads().at(-1)!.cosignatures).toEqual([cosigned.value]);
});
