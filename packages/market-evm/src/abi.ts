import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** The few forms of Ethereum's ABI that the escrow needs: every argument is one word of 32 bytes. */

/** An address, `0x` and 40 lower-case hex digits. */
export type Address = string;
/** 32 bytes, `0x` and 64 hex digits. */
export type Word = string;

const hexOf = (bytes: Uint8Array): string => `0x${bytesToHex(bytes)}`;

function wordOf(value: bigint | string): Uint8Array {
  const hex = typeof value === "bigint" ? value.toString(16) : value.slice(2);
  return hexToBytes(hex.padStart(64, "0"));
}

export const textWord = (text: string): Word => hexOf(keccak_256(utf8ToBytes(text)));

/** Data of a call: the first four bytes of the signature's hash, then the words. */
export const callData = (signature: string, ...args: readonly (bigint | string)[]): Uint8Array =>
  concatBytes(keccak_256(utf8ToBytes(signature)).slice(0, 4), ...args.map(wordOf));

/** The selector a contract's custom error reverts with. */
export const errorSelector = (name: string): string =>
  hexOf(keccak_256(utf8ToBytes(`${name}()`)).slice(0, 4));

/** A key of a party on the chain (secp256k1). */
export class ChainKey {
  readonly #secret: Uint8Array;
  readonly address: Address;

  constructor(secret: Uint8Array = secp256k1.utils.randomSecretKey()) {
    this.#secret = secret;
    const point = secp256k1.getPublicKey(secret, false).slice(1);
    this.address = hexOf(keccak_256(point).slice(12));
  }

  /** Signs 32 bytes as a personal message (EIP-191); gives v, r, s. */
  sign(word: Uint8Array): readonly [v: bigint, r: Word, s: Word] {
    const prefix = utf8ToBytes("\x19Ethereum Signed Message:\n32");
    const digest = keccak_256(concatBytes(prefix, word));
    const signature = secp256k1.sign(digest, this.#secret, { prehash: false, format: "recovered" });
    const v = BigInt(27 + (signature[0] as number));
    return [v, hexOf(signature.slice(1, 33)), hexOf(signature.slice(33, 65))];
  }
}

/** What the manager signs for `release` and `resolve`: the same bytes as the contract's `word`. */
export const escrowWord = (
  chainId: bigint,
  escrow: Address,
  deal: Word,
  due: bigint,
  kind: "release" | "resolve",
): Uint8Array =>
  keccak_256(concatBytes(wordOf(chainId), wordOf(escrow), wordOf(deal), wordOf(due), wordOf(textWord(kind))));
