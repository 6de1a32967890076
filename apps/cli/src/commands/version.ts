import type { Command } from "commander";
import type { Context } from "../context.ts";
import { printValue } from "../print.ts";
import { VERSION } from "../version.ts";
import { documentOption } from "./plan.ts";

export function register(program: Command, context: Context): void {
  program
    .command("version")
    .summary("versions of client and manager")
    .description("Shows the versions of this client and of the manager, where one answers.")
    .option("--client", "only this client's")
    .addOption(documentOption())
    .action(
      async ({
        client: clientOnly,
        output,
      }: {
        readonly client?: true;
        readonly output?: "json" | "yaml";
      }) => {
        const network = clientOnly ? null : await (await context.client()).call("GET /v1/network", {});
        const manager = network?.ok ? network.value.version : null;
        if (output !== undefined) return printValue(context, { client: VERSION, manager }, output);
        context.print(`client ${VERSION}`);
        if (network?.ok) context.print(`manager ${network.value.version}, network ${network.value.name}`);
        else if (network !== null) context.note(`manager unknown: ${network.refusal.message}`);
      },
    );
}
