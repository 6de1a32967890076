export { Context, type Stream } from "./context.ts";
export { createProgram, runCommandLine } from "./program.ts";
export { keepContext, type NetworkContext, STATE_FOLDER, stateFolder } from "./settings.ts";
