// Compiles contracts/Escrow.sol and writes its code to src/escrow.ts, so that nobody who runs it needs the compiler.
// Run after editing the contract; a test checks that the two agree.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

export function compile() {
  const content = readFileSync(new URL("contracts/Escrow.sol", import.meta.url), "utf8");
  const input = {
    language: "Solidity",
    sources: { "Escrow.sol": { content } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: "paris",
      metadata: { bytecodeHash: "none", appendCBOR: false },
      outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  return output.contracts["Escrow.sol"].Escrow.evm.bytecode.object;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = `/** Code of contracts/Escrow.sol, as compile.mjs made it. */\nexport const ESCROW_BYTECODE =\n  "${compile()}";\n`;
  writeFileSync(new URL("src/escrow.ts", import.meta.url), text);
}
