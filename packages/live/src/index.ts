export * from "./clock.ts";
export * from "./cryptography.ts";
export * from "./driver.ts";
