import { join } from "node:path";
import type { OrganisationRole } from "@weft/market";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { failed, must } from "../failure.ts";
import { registerOrganisation } from "../registration.ts";
import { ROLES } from "../written-out.ts";

interface CreateOptions {
  readonly name?: string;
  readonly kind: "consumer" | "provider";
  readonly owner: string;
}

export function register(program: Command, context: Context): void {
  const org = program
    .command("org")
    .summary("take part as an organisation; its members")
    .description(
      "Registers an organisation and manages its members. weft get organisations and weft get members list them.",
    );
  org
    .command("create")
    .description(
      "Registers an organisation of one at the network in force: no token is needed, it is known by a key made here. Keeps it as the current context.",
    )
    .argument("<id>", "2 to 63 lower-case letters, digits and dashes")
    .option("--name <name>", "its name for people; the id by default")
    .addOption(
      new Option("--kind <kind>", "what it takes part as")
        .choices(["consumer", "provider"])
        .default("consumer"),
    )
    .option("--owner <person>", "its first member", "owner")
    .action(async (id: string, { name, kind, owner }: CreateOptions) => {
      const { server } = context.network;
      const made = await registerOrganisation(context, server, { id, name: name ?? id, kind, owner });
      context.print(`organisation/${id} registered, account ${made.organisation.account}`);
      context.note(`the current context is now ${id}, in ${join(context.folder, "config.json")}`);
    });
  org
    .command("invite")
    .description(
      "Takes in a member, or changes its role. Writes the token of a new member to standard output.",
    )
    .argument("<person>", "a name, or an address")
    .addOption(new Option("--role <role>", "what the member may do").choices(ROLES).default("member"))
    .option("--role-only", "make no token: the member has one")
    .action(async (person: string, { role, roleOnly }: { role: OrganisationRole; roleOnly?: true }) => {
      const { client, organisation } = await own(context);
      const route = "POST /v1/organisations/{organisation}/members";
      const made = must(
        await client.call(route, {
          params: { organisation },
          body: { person, role, token: roleOnly !== true },
        }),
      );
      const { ROLE_ACTS } = await import("@weft/market");
      context.note(`${person} is ${role} of ${organisation}: ${ROLE_ACTS[role].join(", ")}`);
      if (made.token === null) return;
      context.note("the member's token, not told again; it goes with --token or WEFT_TOKEN:");
      context.print(made.token.secret);
    });
  org
    .command("remove")
    .description("Lets members go; their tokens and keys open and sign nothing from now on.")
    .argument("<persons...>", "as weft get members names them")
    .action(async (persons: string[]) => {
      const { client, organisation } = await own(context);
      const route = "DELETE /v1/organisations/{organisation}/members/{person}";
      for (const person of persons) {
        must(await client.call(route, { params: { organisation, person } }));
        context.print(`member/${person} removed`);
      }
    });
}

/** The organisation of the token in force. */
async function own(context: Context) {
  const client = await context.client();
  const { account } = must(await client.call("GET /v1/whoami", {}));
  const { items } = must(await client.call("GET /v1/organisations", {}));
  const found = items.find((one) => one.account === account);
  if (found === undefined) throw failed("E_NOT_FOUND", `account ${account} is no organisation's`);
  return { client, organisation: found.id };
}
