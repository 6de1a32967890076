import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { SignedTreeHead } from "@weft/market";
import type { Command, History, Manager } from "@weft/service";
import type { InclusionView, LogApi } from "@weft/service-http";
import { mayRead } from "./ownership.ts";

/** The log over a live core: heads once they are durable, entries and proofs under the latest of those. */
export interface LiveLog extends LogApi {
  /** The head of this size is durable with all its entries: it may be shown. */
  published(size: number): void;
}

const absent = (
  what: string,
  found: string,
  hint: string,
): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", `no such ${what}`, { found, hint });

const NO_HEAD = absent("head", "an empty log", "it gets its first head once something is traded");

export function liveLog(
  core: () => Manager["core"],
  history: History,
  command: (command: Command) => Promise<Result<string>>,
): LiveLog {
  // What was loaded is durable.
  let shown = core().log.latest?.head.size ?? 0;
  const headOf = (size: number): SignedTreeHead | undefined =>
    core().log.heads.find(({ head }) => head.size === size);

  const inclusion = async (index: number): Promise<Result<InclusionView>> => {
    const head = headOf(shown);
    if (head === undefined) return NO_HEAD;
    const { size } = head.head;
    if (index >= core().log.size)
      return absent("line", String(index), `the log has ${core().log.size} lines`);
    if (index >= size) {
      return refuse("E_LOG_UNSIGNED", "no signed head holds this line yet", {
        found: `line ${index}`,
        expected: `a line before ${size}`,
        hint: "heads are signed once a second: ask again",
      });
    }
    const [row] = await history.logEntries(index, 1);
    if (row === undefined) return absent("line", String(index), "the store has lost it");
    return ok({ index, entry: row.body, proof: core().log.inclusionProof(index, size), head });
  };

  return {
    published: (size) => {
      shown = Math.max(shown, size);
    },
    head: () => {
      const head = headOf(shown);
      return head === undefined ? NO_HEAD : ok(head);
    },
    heads: () =>
      core()
        .log.heads.filter(({ head }) => head.size <= shown)
        .reverse(),
    entries: async (first, limit) => {
      const rows = await history.logEntries(first, Math.min(limit, Math.max(0, shown - first)));
      return rows.map(({ index, body }) => ({ index, entry: body }));
    },
    inclusion: async (caller, of) => {
      if ("index" in of) return inclusion(of.index);
      const known = core().tasks.runOfContract(of.contract)?.contract;
      const row = known ?? (await history.contract(of.contract));
      if (row === null || !mayRead(caller, row)) {
        return absent("contract", of.contract, "weft get contracts lists what there is");
      }
      if (row.entry !== undefined) return inclusion(row.entry);
      return absent("line", of.contract, "a contract is entered in the log when it ends");
    },
    consistency: (first, second) =>
      first <= second && second <= shown
        ? ok({ first, second, proof: core().log.consistencyProof(first, second) })
        : absent("sizes", `${first} and ${second}`, `the first is the smaller, the second at most ${shown}`),
    cosign: async (size, witness, signature) => {
      if (size > shown) return absent("head", String(size), "GET /v1/log/heads lists them");
      const answer = await command({ kind: "cosign-head", size, witness, signature });
      if (!answer.ok) return answer;
      const head = headOf(size);
      return head === undefined ? NO_HEAD : ok(head);
    },
  };
}
