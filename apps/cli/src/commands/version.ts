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
        const announced = network?.ok
          ? {
              network: network.value.name,
              domain: network.value.domain,
              announcement: network.value.announcement,
              bus: network.value.bus,
            }
          : {};
        if (output !== undefined)
          return printValue(context, { client: VERSION, manager, ...announced }, output);
        context.print(`client ${VERSION}`);
        if (network?.ok) {
          const { version, name, domain, announcement, bus } = network.value;
          context.print(`manager ${version}, network ${name}`);
          context.print(
            `domain ${domain}, announced by ${announcement}${announcement === "centralised" ? "" : ` over ${bus}`}`,
          );
        } else if (network !== null) context.note(`manager unknown: ${network.refusal.message}`);
      },
    );
}
