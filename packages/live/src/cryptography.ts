import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Cryptography, PublicKey, Signer } from "@weft/kernel";

/** DER in front of a raw Ed25519 key (RFC 8410): SubjectPublicKeyInfo and PKCS #8. */
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const KEPT_KEYS = 4096;

const keys = new Map<PublicKey, KeyObject | null>();

/** Importing a key costs as much as using it, so the last few thousand stay imported. null: not a key. */
function publicKeyObject(hex: PublicKey): KeyObject | null {
  let key = keys.get(hex);
  if (key === undefined) {
    if (keys.size >= KEPT_KEYS) keys.clear();
    key = null;
    if (/^[0-9a-f]{64}$/.test(hex)) {
      try {
        const der = Buffer.concat([PUBLIC_PREFIX, Buffer.from(hex, "hex")]);
        key = createPublicKey({ key: der, format: "der", type: "spki" });
      } catch {
        key = null;
      }
    }
    keys.set(hex, key);
  }
  return key;
}

/** SHA-256 and Ed25519 from Node's own OpenSSL. A malformed key or signature does not verify; it never throws. */
export const nodeCryptography: Cryptography = {
  digest: (message) => hash("sha256", message, "hex"), // in one go: half the time of a hash object
  verify(key, message, signature) {
    const publicKey = publicKeyObject(key);
    if (publicKey === null || !/^[0-9a-f]{128}$/.test(signature)) return false;
    return verify(null, Buffer.from(message, "utf8"), publicKey, Buffer.from(signature, "hex"));
  },
};

function signerOf(privateKey: KeyObject): Signer {
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = der.subarray(PUBLIC_PREFIX.length).toString("hex");
  return {
    publicKey,
    sign: (message) => sign(null, Buffer.from(message, "utf8"), privateKey).toString("hex"),
  };
}

/** A new key pair that lives only in this process. */
export const createSigner = (): Signer => signerOf(generateKeyPairSync("ed25519").privateKey);

/** The key pair of a 32-byte seed (RFC 8032, 5.1.5): the same seed gives the same keys. */
export function signerFromSeed(seed: Uint8Array): Signer {
  const der = Buffer.concat([PRIVATE_PREFIX, seed]);
  return signerOf(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

/** The key pair kept in a file (PKCS #8 PEM, readable by its owner only), made there when there is none. */
export function loadSigner(file: string): Signer {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
    writeFileSync(`${file}.new`, pem, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const pem = readFileSync(file);
  try {
    return signerOf(createPrivateKey(pem));
  } catch (error) {
    throw Object.assign(new Error(`${file} holds no private key`, { cause: error }), {
      code: "E_KEY_FILE",
      hint: "restore it from a backup; removed, a new one is made and what the old one signed for is lost",
    });
  }
}
