import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSigner, loadSigner, nodeCryptography, signerFromSeed } from "./cryptography.ts";

it("signs and verifies the first test vector of RFC 8032, 7.1", () => {
  const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
  const signer = signerFromSeed(seed);
  expect(signer.publicKey).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = signer.sign("");
  expect(signature.slice(0, 32)).toBe("e5564300c360ac729086e2cc806e828a");
  expect(nodeCryptography.verify(signer.publicKey, "", signature)).toBe(true);
});

it("refuses another message, another key, and anything malformed", () => {
  const signer = createSigner();
  const signature = signer.sign("pay 1");
  expect(nodeCryptography.verify(signer.publicKey, "pay 2", signature)).toBe(false);
  expect(nodeCryptography.verify(createSigner().publicKey, "pay 1", signature)).toBe(false);
  expect(nodeCryptography.verify("zz", "pay 1", signature)).toBe(false);
  expect(nodeCryptography.verify(signer.publicKey, "pay 1", "00")).toBe(false);
});

it("keeps a key in a file only its owner reads, and finds it again", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-key-"));
  try {
    const file = join(folder, "keys", "node.pem");
    const first = loadSigner(file);
    expect(loadSigner(file).publicKey).toBe(first.publicKey);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
