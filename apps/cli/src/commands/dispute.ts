import { formatMoney } from "@weft/kernel";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { must } from "../failure.ts";
import { amountOf } from "./bills.ts";

interface Ruling {
  readonly refund: string;
  readonly note: string;
  readonly borneBy: "provider" | "manager";
}

export function register(program: Command, context: Context): void {
  program
    .command("dispute")
    .summary("object to how a contract ended")
    .description(
      "Objects to how a contract ended. What its provider earned by it is set aside until the manager has ruled.",
    )
    .argument("<contract>", "as weft contracts names it")
    .requiredOption("--reason <text>", "what is wrong")
    .action(async (contract: string, { reason }: { readonly reason: string }) => {
      const client = await context.client();
      const params = { contract };
      const body = { claim: reason };
      must(await client.call("POST /v1/contracts/{contract}/dispute", { params, body }));
      context.print(`contract/${contract} disputed; weft describe contract ${contract} tells the ruling`);
    });
  program
    .command("resolve")
    .summary("rule on a dispute, as manager")
    .description(
      "Rules on a dispute: what goes back to the consumer, from the provider unless said otherwise. A charge that was invoiced is given back by credit notes.",
    )
    .argument("<contract>", "as weft contracts names it")
    .requiredOption("--refund <amount>", "such as 0.01CNY; 0 lets it stand")
    .requiredOption("--note <text>", "why; both parties read it")
    .addOption(
      new Option("--borne-by <party>", "whose money it is")
        .choices(["provider", "manager"])
        .default("provider"),
    )
    .action(async (contract: string, { refund, note, borneBy }: Ruling) => {
      const client = await context.client();
      const { currency } = must(await client.call("GET /v1/network", {}));
      const amount = amountOf("--refund", refund, currency);
      const params = { contract };
      const body = { refund: String(amount), note, borneBy };
      must(await client.call("POST /v1/contracts/{contract}/resolve", { params, body }));
      context.print(
        `contract/${contract} resolved, ${formatMoney(amount, currency)} given back by the ${borneBy}`,
      );
    });
}
