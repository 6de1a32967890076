import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Cryptography, Signer } from "@weft/kernel";
import { ed25519, PRIVATE_PREFIX, PUBLIC_PREFIX, privateKeyOf } from "./ed25519.ts";

/**
 * SHA-256 from Node's OpenSSL, Ed25519 from the fastest library there is. A malformed key or signature does not
 * verify; it never throws.
 */
export const nodeCryptography: Cryptography = {
  digest: (message) => hash("sha256", message, "hex"), // in one go: half the time of a hash object
  verify(key, message, signature) {
    if (!/^[0-9a-f]{64}$/.test(key) || !/^[0-9a-f]{128}$/.test(signature)) return false;
    return ed25519().verify(key, Buffer.from(message, "utf8"), Buffer.from(signature, "hex"));
  },
};

function signerOf(privateKey: KeyObject): Signer {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = spki.subarray(PUBLIC_PREFIX.length);
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(PRIVATE_PREFIX.length);
  let signing: ((message: Uint8Array) => Buffer) | undefined;
  return {
    publicKey: publicKey.toString("hex"),
    sign(message) {
      signing ??= ed25519().signing(seed, publicKey);
      return signing(Buffer.from(message, "utf8")).toString("hex");
    },
  };
}

/** A new key pair that lives only in this process. */
export const createSigner = (): Signer => signerOf(generateKeyPairSync("ed25519").privateKey);

/** The key pair of a 32-byte seed (RFC 8032, 5.1.5): the same seed gives the same keys. */
export const signerFromSeed = (seed: Uint8Array): Signer => signerOf(privateKeyOf(seed));

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
