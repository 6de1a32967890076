import { Command, CommanderError } from "commander";
import { COMMANDS } from "./commands/index.ts";
import type { Context } from "./context.ts";
import { type ExitCode, Failure, misused } from "./failure.ts";
import { VERSION } from "./version.ts";

/** The whole tree of commands, ready to parse. */
function createProgram(context: Context): Command {
  const program = new Command("weft");
  program
    .description(
      "A computing power network: every task runs where compute and network together serve it best.",
    )
    .version(VERSION, "-V, --version", "show the version of this client")
    .option("--server <url>", "manager to talk to (WEFT_SERVER)")
    .option("--token <token>", "token to show it (WEFT_TOKEN)")
    .option("--context <name>", "network of .weft/config.json to talk to (WEFT_CONTEXT)")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .addHelpText(
      "after",
      "\nnpm start runs a network on this machine; docs/guides/first-task.md walks through a first task.",
    )
    .hook("preAction", (_, action) => context.ask(action.optsWithGlobals()));
  for (const { group, commands } of COMMANDS) {
    program.commandsGroup(group);
    for (const { register } of commands) register(program, context);
  }
  program.helpCommand("help [command]", "show what a command does");
  for (const command of [program, ...program.commands, ...program.commands.flatMap((sub) => sub.commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: (text) => context.err.write(text),
      outputError: (text, write) => write(`${misuseOf(command, text).message}\n`),
      getOutHasColors: () => context.mayColour,
      getErrHasColors: () => false,
    });
  }
  return program;
}

/** What the parser of command lines found wrong, as every other mistake is told. */
function misuseOf(command: Command, text: string): Failure {
  const [, what = text, guess] = /^(?:error: )?(.*?)\n*(?:\(Did you mean (.*)\?\))?\n*$/s.exec(text) ?? [];
  const names = [];
  for (let one: Command | null = command; one !== null; one = one.parent) names.unshift(one.name());
  return misused(
    what,
    guess === undefined ? `${names.join(" ")} --help shows what it takes` : `did you mean ${guess}?`,
  );
}

/** Runs one command line; resolves to the exit code, everything having been said. */
export async function runCommandLine(context: Context, words: readonly string[]): Promise<ExitCode> {
  try {
    await createProgram(context).parseAsync([...words], { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said already what was wrong with the command line; asking for help is no mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Failure)) throw error;
    context.note(error.message);
    return error.exitCode;
  }
}
