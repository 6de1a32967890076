import { after, type Instant } from "@weft/kernel";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { misused, must } from "../failure.ts";
import { printValue } from "../print.ts";
import { validity } from "./apply.ts";
import { documentOption } from "./plan.ts";

interface CreateOptions {
  readonly role?: "consumer" | "provider" | "manager";
  readonly account?: string;
  readonly join?: true;
  readonly expires?: string;
  readonly note?: string;
  readonly output?: "json" | "yaml";
}

export function register(program: Command, context: Context): void {
  const token = program
    .command("token")
    .summary("make and revoke tokens")
    .description(
      "Makes and revokes tokens: of the API by role, or for nodes to join. weft get tokens lists them.",
    );
  token
    .command("create")
    .description("Makes a token and writes its secret, which is told only now, to standard output.")
    .addOption(new Option("--role <role>", "what it may do").choices(["consumer", "provider", "manager"]))
    .option("--account <account>", "whose it is; your own by default")
    .option("--join", "for nodes to join with, not for the API")
    .option("--expires <time>", "how long it is good for; for ever by default")
    .option("--note <text>", "what it is for")
    .addOption(documentOption())
    .action((options: CreateOptions) => create(context, options));
  token
    .command("rotate")
    .description(
      "Gives a token a new secret and writes it to standard output; the former one is void at once.",
    )
    .argument("<id>", "as weft get tokens names it")
    .action((id: string) => rotate(context, id));
  token
    .command("revoke")
    .description("Makes tokens open nothing from now on.")
    .argument("<ids...>", "as weft get tokens names them")
    .action(async (ids: string[]) => {
      const client = await context.client();
      for (const id of ids) {
        must(
          await client.call("DELETE /v1/tokens/{token}", { params: { token: id.replace(/^tokens?\//, "") } }),
        );
        context.print(`token/${id} revoked`);
      }
    });
}

async function rotate(context: Context, name: string): Promise<void> {
  const params = { token: name.replace(/^tokens?\//, "") };
  const made = must(await (await context.client()).call("POST /v1/tokens/{token}/rotate", { params }));
  context.note(
    `token/${made.id} has a new secret, not told again; the former one opens nothing from now on:`,
  );
  context.print(made.secret);
}

async function create(
  context: Context,
  { role, account, join, expires, note, output }: CreateOptions,
): Promise<void> {
  if (join && role !== undefined && role !== "provider")
    throw misused("nodes join as a provider's: leave --role out");
  const client = await context.client();
  const expiresAt = expires === undefined ? null : await expiry(context, expires);
  const made = must(
    await client.call("POST /v1/tokens", {
      body: {
        use: join ? "join" : "api",
        expiresAt,
        ...(role === undefined ? {} : { role }),
        ...(account === undefined ? {} : { account }),
        ...(note === undefined ? {} : { note }),
      },
    }),
  );
  if (output !== undefined) return printValue(context, made, output);
  context.note(`token/${made.id} for ${made.role} ${made.account}; its secret is not told again:`);
  context.print(made.secret);
}

async function expiry(context: Context, text: string): Promise<Instant> {
  const length = validity(text, "--expires");
  const { now } = must(await (await context.client()).call("GET /v1/network", {}));
  return after(now, length);
}
