import {
  type Cryptography,
  canonicalText,
  type Money,
  money,
  ok,
  type PublicKey,
  type Refusal,
  type Result,
  refuse,
  type Signature,
} from "@weft/kernel";
import { type Contract, type ContractTerms, contractText, verifyContract } from "./contract.ts";

/*
 * Signed papers as files: the text that was signed, letter by letter, and the signatures under it. Whoever has the file
 * checks it with nothing else.
 */

export type SigningRole = "consumer" | "provider" | "manager" | "node";

export interface SignedPaper {
  /** Canonical text. */
  readonly text: string;
  readonly signatures: readonly {
    readonly role: SigningRole;
    readonly key: PublicKey;
    readonly signature: Signature;
  }[];
}

export type PaperRefusal = Refusal<string>;

/** A contract as a file. The consumer's signature is the one under the order inside it. */
export function contractPaper({ terms, manager, provider }: Contract): SignedPaper {
  const signatures: SignedPaper["signatures"][number][] = [
    { role: "consumer", key: terms.consumer.key, signature: terms.order.signature },
  ];
  if (manager !== null) signatures.push({ role: "manager", key: terms.manager.key, signature: manager });
  if (provider !== null) signatures.push({ role: "provider", key: terms.provider.key, signature: provider });
  return { text: contractText(terms), signatures };
}

const unreadable = (message: string): { readonly ok: false; readonly refusal: PaperRefusal } =>
  refuse("E_PAPER_UNREADABLE", message);

/** The plain data of a canonical text; refused when it is not the one canonical text of what it says. */
function parsed(text: string, kind: string): Result<Record<string, unknown>, PaperRefusal> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return unreadable("not JSON");
  }
  if (data === null || typeof data !== "object" || (data as { kind?: unknown }).kind !== kind) {
    return unreadable(`not a ${kind}`);
  }
  if (canonicalText(data as never) !== text) {
    return refuse("E_PAPER_NOT_CANONICAL", "not the canonical text of what it says");
  }
  const { kind: _, ...rest } = data as Record<string, unknown>;
  return ok(rest);
}

const amount = (value: unknown): Money => {
  if (typeof value !== "string" || !/^-?\d{1,30}$/.test(value)) throw new TypeError("not an amount");
  return money(BigInt(value));
};

type Loose = Record<string, unknown>;

function termsFrom(data: Loose): ContractTerms {
  const signed = data.order as { order: Loose; signature: string };
  const prices = data.prices as Loose;
  const peta = prices.petaOperation as Loose;
  return {
    ...data,
    order: { ...signed, order: { ...signed.order, payAtMost: amount(signed.order.payAtMost) } },
    ceiling: amount(data.ceiling),
    prices: {
      petaOperation: {
        logical: amount(peta.logical),
        parallel: amount(peta.parallel),
        neural: amount(peta.neural),
      },
      memoryGibHour: amount(prices.memoryGibHour),
      storageGibHour: amount(prices.storageGibHour),
      transferGb: amount(prices.transferGb),
      bandwidthGbpsHour: amount(prices.bandwidthGbpsHour),
      perTask: amount(prices.perTask),
    },
  } as unknown as ContractTerms;
}

/** Reads and checks a contract from its file: the terms when it binds all three, else what is wrong with it. */
export function verifyContractPaper(
  paper: SignedPaper,
  cryptography: Cryptography,
): Result<ContractTerms, PaperRefusal> {
  const data = parsed(paper.text, "weft/contract/1");
  if (!data.ok) return data;
  const of = (role: SigningRole): Signature | null =>
    paper.signatures.find((signature) => signature.role === role)?.signature ?? null;
  try {
    const terms = termsFrom(data.value);
    // every figure above came from the text, so the text of the terms is the text that was signed
    const refusal =
      contractText(terms) === paper.text
        ? verifyContract({ terms, manager: of("manager"), provider: of("provider") }, cryptography)
        : refuse("E_PAPER_NOT_CANONICAL", "holds what no contract holds").refusal;
    return refusal === null ? ok(terms) : { ok: false, refusal };
  } catch {
    return unreadable("parts of the contract are missing, or are not what they should be");
  }
}
