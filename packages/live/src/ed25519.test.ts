import { createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { libsodium, openssl, privateKeyOf } from "./ed25519.ts";

const sodium = libsodium();
if (sodium === null) console.warn("skipped: sodium-native has no binary for this platform");

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const publicKeyOf = (seed: Uint8Array): Buffer =>
  createPublicKey(privateKeyOf(seed)).export({ format: "der", type: "spki" }).subarray(12);

describe.skipIf(sodium === null)("OpenSSL and libsodium", () => {
  it("give the same signatures and take each other's, and no changed one", () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 300 }), fc.nat(511), (seed, message, bit) => {
        const publicKey = publicKeyOf(seed);
        const key = publicKey.toString("hex");
        const signature = openssl.signing(seed, publicKey)(message);
        expect(sodium?.signing(seed, publicKey)(message)).toEqual(signature);
        const changed = Buffer.from(signature);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        for (const library of [openssl, sodium]) {
          expect(library?.verify(key, message, signature)).toBe(true);
          expect(library?.verify(key, message, changed)).toBe(false);
          expect(library?.verify(key, Buffer.concat([message, Buffer.of(0)]), signature)).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("take no key that is none", () => {
    for (const library of [openssl, sodium]) {
      expect(library?.verify("f".repeat(64), Buffer.of(1), Buffer.alloc(64))).toBe(false);
    }
  });
});
