export { Context, type Stream } from "./context.ts";
export { runCommandLine } from "./program.ts";
