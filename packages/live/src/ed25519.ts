import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { createRequire } from "node:module";
import type { PublicKey } from "@weft/kernel";

/** Ed25519 (RFC 8032) by one library. Signatures of the same seed and message are the same with every one. */
export interface Ed25519 {
  readonly name: string;
  /** `key` is 64 hex digits and `signature` 64 bytes; a key that is no point of the curve verifies nothing. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean;
  /** Signs with the key of a 32-byte seed; the signature is 64 bytes. */
  signing(seed: Uint8Array, publicKey: Uint8Array): (message: Uint8Array) => Buffer;
}

/** DER in front of a raw key (RFC 8410): SubjectPublicKeyInfo and PKCS #8. */
export const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
export const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** The private key of a 32-byte seed, as Node holds it. */
export const privateKeyOf = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: "der", type: "pkcs8" });

const KEPT_KEYS = 4096;
const keys = new Map<PublicKey, KeyObject | null>();

/** Importing a key costs as much as using it, so the last few thousand stay imported. null: not a key. */
function publicKeyOf(hex: PublicKey): KeyObject | null {
  let key = keys.get(hex);
  if (key === undefined) {
    if (keys.size >= KEPT_KEYS) keys.clear();
    try {
      const der = Buffer.concat([PUBLIC_PREFIX, Buffer.from(hex, "hex")]);
      key = createPublicKey({ key: der, format: "der", type: "spki" });
    } catch {
      key = null;
    }
    keys.set(hex, key);
  }
  return key;
}

/** What Node brings. */
export const openssl: Ed25519 = {
  name: "OpenSSL",
  verify(key, message, signature) {
    const publicKey = publicKeyOf(key);
    return publicKey !== null && verify(null, message, publicKey, signature);
  },
  signing(seed) {
    const key = privateKeyOf(seed);
    return (message) => sign(null, message, key);
  },
};

interface Sodium {
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** libsodium, in half the time; null where there is no binary for this platform. */
export function libsodium(): Ed25519 | null {
  let sodium: Sodium;
  try {
    sodium = createRequire(import.meta.url)("sodium-native") as Sodium;
  } catch {
    return null;
  }
  return {
    name: "libsodium",
    verify: (key, message, signature) =>
      sodium.crypto_sign_verify_detached(signature, message, Buffer.from(key, "hex")),
    signing(seed, publicKey) {
      const secretKey = Buffer.concat([seed, publicKey]); // the form it wants it in
      return (message) => {
        const signature = Buffer.allocUnsafe(64);
        sodium.crypto_sign_detached(signature, message, secretKey);
        return signature;
      };
    },
  };
}

let fastest: Ed25519 | undefined;

/** The fastest there is here; loaded with the first signature, since most commands need none. */
export function ed25519(): Ed25519 {
  fastest ??= libsodium() ?? openssl;
  return fastest;
}
