import { join } from "node:path";
import type { Registration } from "@weft/market";
import type { RouteAnswer } from "@weft/service-http/client";
import type { Context } from "./context.ts";
import { must } from "./failure.ts";
import { keepContext } from "./settings.ts";

/**
 * Registers an organisation at a manager with a key of its own, made here, and keeps token and key as the context of
 * that name: whatever is asked later is asked as this organisation.
 */
export async function registerOrganisation(
  context: Context,
  server: string,
  asked: Omit<Registration, "key">,
): Promise<RouteAnswer<"POST /v1/organisations">> {
  const key = join(context.folder, `${asked.id}.pem`);
  const [{ loadSigner }, { signRegistration }, { WeftClient }] = await Promise.all([
    import("@weft/live"),
    import("@weft/market"),
    import("@weft/service-http/client"),
  ]);
  const signer = loadSigner(key);
  const registration: Registration = { ...asked, key: signer.publicKey };
  const client = new WeftClient({ server, token: "" });
  const proof = signRegistration(registration, signer);
  const made = must(await client.call("POST /v1/organisations", { body: { registration, proof } }));
  keepContext(context.folder, asked.id, { server, token: made.token.secret, key });
  return made;
}
