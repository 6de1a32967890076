export * from "./clock.ts";
export * from "./cryptography.ts";
export * from "./driver.ts";
export * from "./group-commit.ts";
export * from "./stop-signal.ts";
