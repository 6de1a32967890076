import { Context } from "./context.ts";
import { runCommandLine } from "./program.ts";

// A reader that has seen enough (`weft get nodes | head -1`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const context = new Context({
  out: process.stdout,
  err: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});
process.exitCode = await runCommandLine(context, process.argv.slice(2));
