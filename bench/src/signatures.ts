import { randomBytes } from "node:crypto";
import { type Ed25519, ed25519, openssl, signerFromSeed } from "@weft/live";
import type { Bench } from "./bench.ts";

/** CPU time of one call, microseconds. */
function cpuOf(calls: number, call: () => unknown): number {
  for (let i = 0; i < calls / 10; i++) call();
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** What a signature costs over a text as long as a contract's, with the library in use and with Node's own. */
export const signatures: Bench = {
  name: "signatures",
  run(size, report) {
    const calls = size === "full" ? 4000 : 50;
    const seed = randomBytes(32);
    const { publicKey } = signerFromSeed(seed);
    const message = randomBytes(900);
    const used = ed25519();
    const signature = openssl.signing(seed, Buffer.from(publicKey, "hex"))(message);
    const verify = (by: Ed25519) => cpuOf(calls, () => by.verify(publicKey, message, signature));
    const sign = (by: Ed25519) => {
      const signing = by.signing(seed, Buffer.from(publicKey, "hex"));
      return cpuOf(calls, () => signing(message));
    };
    for (const [name, cost] of [
      ["verify", verify],
      ["sign", sign],
    ] as const) {
      const ours = cost(used);
      const theirs = cost(openssl);
      report({
        name: `signatures/${name}`,
        value: ours,
        unit: "CPU-us",
        against: `OpenSSL's ${theirs.toFixed(0)} CPU-us, with ${used.name}`,
        ratio: ours / theirs,
      });
    }
  },
};
