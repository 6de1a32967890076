import type { DomainId } from "@weft/infrastructure";
import { type Instant, MINUTE } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { expect, it } from "vitest";
import { Envelopes, passHolder, peerPass } from "./envelope.ts";
import type { PeerMessage } from "./messages.ts";

const east = "east" as DomainId;
const west = "west" as DomainId;
const signers = new Map([east, west].map((domain) => [domain, createSigner()]));
const signerOf = (domain: DomainId) => signers.get(domain) as ReturnType<typeof createSigner>;
const keyOf = (domain: DomainId) => signers.get(domain)?.publicKey ?? null;
const envelopes = (domain: DomainId, signer = signerOf(domain)) =>
  new Envelopes(domain, signer, nodeCryptography, keyOf);
const NOW = 1_800_000_000_000_000 as Instant;
const hello: PeerMessage = { kind: "announce", bytes: Uint8Array.of(0, 1, 255) };
const codeOf = (opened: ReturnType<Envelopes["open"]>) => (opened.ok ? "opened" : opened.refusal.code);

it("what is sealed is opened by the one it is for, once", () => {
  const sealed = envelopes(east).seal(NOW, west, hello);
  const reader = envelopes(west);
  expect(reader.open(NOW, sealed)).toEqual({ ok: true, value: { from: east, message: hello } });
  expect(codeOf(reader.open(NOW, sealed))).toBe("replayed");
  expect(codeOf(envelopes(east).open(NOW, sealed))).toBe("unknown_peer");
});

it("what is forged, changed, out of time or no envelope is refused by name", () => {
  const sealed = envelopes(east).seal(NOW, west, hello);
  const reader = envelopes(west);
  expect(codeOf(reader.open(NOW, envelopes(east, createSigner()).seal(NOW, west, hello)))).toBe("forged");
  expect(codeOf(reader.open(NOW, sealed.replace("0001ff", "0001fe")))).toBe("forged");
  expect(codeOf(reader.open((NOW + 2 * MINUTE) as Instant, sealed))).toBe("clock");
  for (const text of ["", "null", "{}", sealed.slice(1)])
    expect(codeOf(reader.open(NOW, text))).toBe("malformed");
  expect(codeOf(reader.open(NOW, sealed))).toBe("opened");
});

it("a pass opens the one manager it was made for, and shows whose it is", () => {
  const pass = peerPass(east, signerOf(west).publicKey, signerOf(east));
  expect(passHolder(pass, signerOf(west).publicKey, keyOf, nodeCryptography)).toBe(east);
  expect(passHolder(pass, signerOf(east).publicKey, keyOf, nodeCryptography)).toBeNull();
  expect(
    passHolder(pass.replace("wp_east", "wp_west"), signerOf(west).publicKey, keyOf, nodeCryptography),
  ).toBeNull();
  expect(passHolder(null, signerOf(west).publicKey, keyOf, nodeCryptography)).toBeNull();
});
