export * from "./clock.ts";
export * from "./config-file.ts";
export * from "./cryptography.ts";
export * from "./driver.ts";
export { type Ed25519, ed25519, openssl } from "./ed25519.ts";
export * from "./group-commit.ts";
export * from "./pause.ts";
export * from "./stop-signal.ts";
