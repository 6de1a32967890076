/*
 * Cryptography as a port: pure floors say what is hashed, signed and verified; an edge says with what.
 * Keys and signatures are lower-case hex so that they print, compare and store as they are.
 */

/** SHA-256 of a text (as UTF-8) or bytes, lower-case hex, 64 digits. */
export type Digest = string;
/** An Ed25519 public key (RFC 8032), lower-case hex, 64 digits. */
export type PublicKey = string;
/** An Ed25519 signature (RFC 8032), lower-case hex, 128 digits. */
export type Signature = string;

export interface Cryptography {
  digest(message: string | Uint8Array): Digest;
  verify(key: PublicKey, message: string, signature: Signature): boolean;
}

/** One party's private key, held where it was made; only signatures leave. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: string): Signature;
}
