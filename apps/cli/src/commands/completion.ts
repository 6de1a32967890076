import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "../completion.ts";
import type { Context } from "../context.ts";

export function register(program: Command, context: Context): void {
  program
    .command("completion")
    .summary("completion for bash, zsh or fish")
    .description("Writes a script that completes commands, flags and names in your shell.")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .addHelpText(
      "after",
      "\nTo load it in every shell:\n  bash:  echo 'source <(weft completion bash)' >> ~/.bashrc\n  zsh:   echo 'source <(weft completion zsh)' >> ~/.zshrc\n  fish:  weft completion fish > ~/.config/fish/completions/weft.fish",
    )
    .action((shell: Shell) => context.print(completionScript(shell, program)));
}
