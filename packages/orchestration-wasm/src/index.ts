export { createWasmRuntime, type WasmRuntimeOptions } from "./runtime.ts";
