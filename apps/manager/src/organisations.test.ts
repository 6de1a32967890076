import type { Micros } from "@weft/kernel";
import { createSigner } from "@weft/live";
import { type Registration, signRegistration } from "@weft/market";
import { describeNode } from "@weft/service/testing";
import { tokenDigest } from "@weft/service-http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DeskApi, deskApi } from "./testing/desk-api.ts";

let api: DeskApi;
beforeEach(async () => {
  api = await deskApi();
});
afterEach(() => api.close());

const NOBODY = "";
const ORGANISATION = { organisation: "acme" };

async function register(id = "acme", kind: Registration["kind"] = "provider") {
  const signer = createSigner();
  const registration = { id, name: "Acme", kind, owner: "olga", key: signer.publicKey };
  const body = { registration, proof: signRegistration(registration, signer) };
  return { signer, body, made: await api.client(NOBODY).call("POST /v1/organisations", { body }) };
}
async function registered(): Promise<string> {
  const { made } = await register();
  if (!made.ok) throw new Error(made.refusal.message);
  return made.value.token.secret;
}
const refused = (answer: { readonly ok: boolean; readonly refusal?: { readonly code: string } }) =>
  answer.ok ? null : answer.refusal?.code;

async function invite(token: string, person: string, role: "admin" | "billing" | "member" | "owner") {
  const body = { person, role };
  const route = "POST /v1/organisations/{organisation}/members";
  return api.client(token).call(route, { params: ORGANISATION, body });
}
async function invited(token: string, person: string, role: "admin" | "billing" | "member"): Promise<string> {
  const made = await invite(token, person, role);
  if (!made.ok) throw new Error(made.refusal.message);
  return made.value.token!.secret;
}

it("a provider registers itself with the key it brings, and its node joins", async () => {
  const owner = api.client(await registered());
  expect(await owner.call("GET /v1/whoami", {})).toMatchObject({
    value: { account: "provider/acme", role: "provider" },
  });
  const join = await owner.call("POST /v1/tokens", { body: { use: "join" } });
  expect(join).toMatchObject({ ok: true, value: { account: "provider/acme", use: "join" } });
  const token = api.desk.manager.core.tokensByDigest.get(tokenDigest(join.ok ? join.value.secret : ""));
  expect(token).toMatchObject({ account: "provider/acme", person: "olga" });
});

it("refuses a registration that another key signed, one of a taken id or key, and a flood of them", async () => {
  const { body, signer } = await register();
  const again = (change: object) =>
    api.client(NOBODY).call("POST /v1/organisations", { body: { ...body, ...change } });
  expect(refused(await again({}))).toBe("E_CONFLICT");
  expect(refused(await again({ registration: { ...body.registration, id: "other" } }))).toBe(
    "E_ORGANISATION_KEY_PROOF",
  );
  const other = { ...body.registration, id: "other" };
  expect(refused(await again({ registration: other, proof: signRegistration(other, signer) }))).toBe(
    "E_KEY_TAKEN",
  );
  expect(refused((await register("ann")).made)).toBe("E_CONFLICT");
  for (let i = 0; i < 59; i++) await register(`flood-${i}`);
  expect(refused((await register("one-more")).made)).toBe("E_TOO_MANY");
  api.desk.pass(60_000_000 as Micros);
  expect((await register("one-more")).made.ok).toBe(true);
});

it("members do what their role allows, and a token never more than its maker", async () => {
  const owner = await registered();
  const billing = api.client(await invited(owner, "bill", "billing"));
  expect((await billing.call("GET /v1/accounts", {})).ok).toBe(true);
  expect(refused(await invite(await invited(owner, "mia", "member"), "eve", "member"))).toBe("E_FORBIDDEN");
  expect(refused(await billing.call("POST /v1/tokens", { body: { use: "join" } }))).toBe("E_FORBIDDEN");
  const admin = await invited(owner, "ada", "admin");
  expect(refused(await invite(admin, "eve", "owner"))).toBe("E_ORGANISATION_FORBIDDEN");
  const route = "POST /v1/organisations/{organisation}/tokens";
  const asked = (acts: ("see-bills" | "see-tasks")[]) =>
    api.client(admin).call(route, { params: ORGANISATION, body: { acts } });
  expect(refused(await asked(["see-bills"]))).toBe("E_ORGANISATION_FORBIDDEN");
  const narrow = await asked(["see-tasks"]);
  if (!narrow.ok) throw new Error(narrow.refusal.message);
  const client = api.client(narrow.value.secret);
  expect((await client.call("GET /v1/tasks", { query: {} })).ok).toBe(true);
  expect(refused(await client.call("GET /v1/accounts", {}))).toBe("E_FORBIDDEN");
  expect(refused(await client.call(route, { params: ORGANISATION, body: { acts: ["manage-keys"] } }))).toBe(
    "E_ORGANISATION_FORBIDDEN",
  );
  const handed = await client.call("POST /v1/tokens", { body: { use: "api" } });
  expect(handed).toMatchObject({ ok: true, value: { person: "ada", acts: ["see-tasks"] } });
});

it("a lower role takes effect at once, and whoever is let go keeps nothing that opens or signs", async () => {
  const owner = await registered();
  const admin = await invited(owner, "ada", "admin");
  const route = "POST /v1/organisations/{organisation}/members";
  const lowered = { person: "ada", role: "billing", token: false } as const;
  expect((await api.client(owner).call(route, { params: ORGANISATION, body: lowered })).ok).toBe(true);
  expect(refused(await invite(admin, "eve", "member"))).toBe("E_FORBIDDEN");
  const gone = "DELETE /v1/organisations/{organisation}/members/{person}";
  const dismiss = (person: string) => api.client(owner).call(gone, { params: { ...ORGANISATION, person } });
  expect(await dismiss("ada")).toMatchObject({ ok: true, value: { person: "ada", role: "billing" } });
  expect(refused(await api.client(admin).call("GET /v1/whoami", {}))).toBe("E_UNAUTHENTICATED");
  expect(refused(await dismiss("olga"))).toBe("E_ORGANISATION_LAST_OWNER");
});

it("a rotated token's former secret opens nothing, and another organisation's is not there", async () => {
  const owner = await registered();
  const { made } = await register("other");
  if (!made.ok) throw new Error(made.refusal.message);
  const mine = await api.client(owner).call("GET /v1/tokens", {});
  const token = mine.ok ? mine.value.items[0]!.id : "";
  const rotate = (bearer: string) =>
    api.client(bearer).call("POST /v1/tokens/{token}/rotate", { params: { token } });
  expect(refused(await rotate(made.value.token.secret))).toBe("E_NOT_FOUND");
  const fresh = await rotate(owner);
  if (!fresh.ok) throw new Error(fresh.refusal.message);
  expect(refused(await api.client(owner).call("GET /v1/whoami", {}))).toBe("E_UNAUTHENTICATED");
  expect((await api.client(fresh.value.secret).call("GET /v1/whoami", {})).ok).toBe(true);
  const foreign = { params: { organisation: "other" } };
  expect(
    refused(await api.client(fresh.value.secret).call("GET /v1/organisations/{organisation}", foreign)),
  ).toBe("E_NOT_FOUND");
});

it("everything of it is there after a restart, and no secret is in the store", async () => {
  const owner = await registered();
  const admin = await invited(owner, "ada", "admin");
  api.desk.join(describeNode("corner", "ningbo"), { lasts: 1 as Micros, ends: "finished" });
  api.desk.restartManager();
  const one = await api.client(admin).call("GET /v1/organisations/{organisation}", { params: ORGANISATION });
  expect(one).toMatchObject({
    value: { name: "Acme", account: "provider/acme", members: [{ person: "olga" }, { person: "ada" }] },
  });
  const stored = JSON.stringify(api.desk.store.state(), (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  for (const secret of [owner, admin]) expect(stored).not.toContain(secret);
  const listed = await api.client(api.token("manager", "manager")).call("GET /v1/organisations", {});
  expect(listed.ok && listed.value.items.map(({ id }) => id)).toEqual(["acme", "ann", "manager", "pat"]);
});
