import type { Command } from "commander";
import type { Context } from "../context.ts";
import { must } from "../failure.ts";
import { makeKeyKnown } from "../submit.ts";

export function register(program: Command, context: Context): void {
  const key = program
    .command("key")
    .summary("keys that sign for your account")
    .description("Keys that sign orders for your account. weft get keys lists them.");
  key
    .command("add")
    .description("Lets this machine's key (made if there is none) sign for your account.")
    .action(async () => {
      const { publicKey } = await context.signer();
      await makeKeyKnown(context, await context.client(), publicKey);
      context.print(publicKey);
    });
  key
    .command("remove")
    .description("Makes a key sign for your account no more.")
    .argument("<key>", "64 hex digits, as weft get keys shows them")
    .action(async (publicKey: string) => {
      must(await (await context.client()).call("DELETE /v1/keys/{key}", { params: { key: publicKey } }));
      context.print(`key/${publicKey} removed`);
    });
}
