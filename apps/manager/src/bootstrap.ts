import { type Money, type Result, ZERO } from "@weft/kernel";
import type { Command, Manager } from "@weft/service";
import type { ManagerConfig } from "./config.ts";

/** Makes what the configuration wants to be there from the start; what is there already stays as it is. */
export async function bootstrap(
  { bootstrap: { accounts, tokens, keys } }: ManagerConfig,
  { core }: Manager,
  command: (command: Command) => Promise<Result<string>>,
): Promise<void> {
  const wanted: Command[] = [];
  for (const { id, name, role, credit } of accounts) {
    if (core.books.account(id) !== undefined) continue;
    wanted.push({ kind: "open-account", id, name, role, limit: ZERO });
    const amount = BigInt(credit) as Money;
    if (amount > 0n) wanted.push({ kind: "deposit", id: `bootstrap/${id}`, account: id, amount });
  }
  for (const token of tokens) {
    if (!core.tokens.has(token.id))
      wanted.push({ kind: "create-token", token: { ...token, expiresAt: null } });
  }
  for (const key of keys) if (!core.keys.has(key.key)) wanted.push({ kind: "add-key", ...key });
  for (const one of wanted) {
    const answer = await command(one);
    if (!answer.ok) throw new Error(`bootstrap: ${answer.refusal.message} [${answer.refusal.code}]`);
  }
}
