export { type Address, ChainKey } from "./abi.ts";
export * from "./chain.ts";
export { ESCROW_BYTECODE } from "./escrow.ts";
export * from "./escrow-rail.ts";
