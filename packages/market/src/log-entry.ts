import { type Cryptography, canonicalText, type Digest } from "@weft/kernel";
import { type Contract, contractText } from "./contract.ts";
import type { Transfer } from "./ledger.ts";
import { type SignedUsage, usageText } from "./usage.ts";

/*
 * What stands in the manager's log: one line a contract that has ended, with the usage and the settlement that belong to
 * it, and one a transfer of any other kind. Digests only, so the log can be shown to anyone: whoever has the paper
 * itself finds it there, and nobody else learns anything.
 *
 *   weft/contract/1 PAPER USAGE SETTLEMENT STATE REASON ID
 *   weft/transfer/1 TRANSFER ID
 */

const NONE = "-";

/** SHA-256 of a contract's text and its two signatures, a line each; `-` for one that is missing. */
const contractDigest = ({ terms, manager, provider }: Contract, { digest }: Cryptography): Digest =>
  digest(`${contractText(terms)}\n${manager ?? NONE}\n${provider ?? NONE}`);

/** SHA-256 of a usage record's text and its signature. */
const usageDigest = ({ record, signature }: SignedUsage, { digest }: Cryptography): Digest =>
  digest(`${usageText(record)}\n${signature}`);

/** SHA-256 of transfers' texts, a line each. */
const transfersDigest = (transfers: readonly Transfer[], { digest }: Cryptography): Digest =>
  digest(transfers.map(transferText).join("\n"));

const transferText = (transfer: Transfer): string =>
  canonicalText({
    form: "weft/transfer/1",
    ...transfer,
    postings: transfer.postings.map((posting) => ({ ...posting })),
  });

/** A contract that has ended, and what it ended with. */
export interface EndedContract {
  readonly contract: Contract;
  readonly state: string;
  readonly because: string | null;
  readonly usage: SignedUsage | null;
  /** Its settlement and its penalty; empty where nothing was due. */
  readonly settlement: readonly Transfer[];
}

/** The line of a contract that has ended. */
export function contractEntry(ended: EndedContract, cryptography: Cryptography): string {
  const { contract, state, because, usage, settlement } = ended;
  const words = [
    "weft/contract/1",
    contractDigest(contract, cryptography),
    usage === null ? NONE : usageDigest(usage, cryptography),
    settlement.length === 0 ? NONE : transfersDigest(settlement, cryptography),
    state,
    because ?? NONE,
    contract.terms.id,
  ];
  return words.join(" ");
}

/** The line of a transfer that settles no contract. */
export const transferEntry = (transfer: Transfer, cryptography: Cryptography): string =>
  `weft/transfer/1 ${transfersDigest([transfer], cryptography)} ${transfer.id}`;

/** Whether a line of the log is about exactly this contract, signatures included. */
export function isEntryOf(entry: string, contract: Contract, cryptography: Cryptography): boolean {
  const [form, paper, , , , , ...id] = entry.split(" ");
  return (
    form === "weft/contract/1" &&
    paper === contractDigest(contract, cryptography) &&
    id.join(" ") === contract.terms.id
  );
}
