import { ROLE_ACTS } from "@weft/market";
import type { Role } from "@weft/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Route } from "../route.ts";
import { ROUTES, type RouteName, splitRoute } from "../routes.ts";
import { begin, call, end, manager, ROLES, submission, tokens } from "../testing/serving.ts";

beforeAll(begin);
afterAll(end);

/** What some routes have to be asked. */
const ASKED: { readonly [name in RouteName]?: string } = {
  "GET /v1/log/proof": "?index=0",
  "GET /v1/log/consistency": "?first=1&second=3",
};

describe("every route", () => {
  const names = Object.keys(ROUTES) as RouteName[];
  const concrete = (name: RouteName) => splitRoute(name).path.replace(/\{\w+\}/g, "none");
  const streaming = (route: Route) => route.answer === "text/event-stream";

  it.each(names)("%s refuses no token, a bad token, a join token", async (name) => {
    const { method } = splitRoute(name);
    const open = (ROUTES[name] as Route).access === "anyone" || (ROUTES[name] as Route).access === "local";
    const bad = [undefined, "wt_short", `wt_${"A".repeat(43)}`, `wj_${"A".repeat(43)}`, "x".repeat(9000)];
    for (const token of bad) {
      const { status, json } = await call(method, concrete(name), token);
      if (open) expect([401, 403, 404, 500]).not.toContain(status);
      else expect([status, json().error.code]).toEqual([401, "E_UNAUTHENTICATED"]);
    }
  });

  it.each(names.flatMap((name) => ROLES.map((role) => [name, role] as const)))(
    "%s for a %s",
    async (name, role) => {
      const route: Route = ROUTES[name];
      const { method } = splitRoute(name);
      const allowed = typeof route.access === "string" || route.access.includes(role);
      if (allowed && streaming(route)) return; // never ends by itself; tested below
      const { status, text } = await call(
        method,
        concrete(name),
        tokens[role],
        method === "POST" ? {} : undefined,
      );
      if (allowed) expect([200, 201, 400, 404]).toContain(status);
      else expect([status, JSON.parse(text).error.code]).toEqual([403, "E_FORBIDDEN"]);
    },
  );

  const acting = names.filter((name) => (ROUTES[name] as Route).act !== undefined);
  it.each(acting)("%s for a member who may, and for one who may not", async (name) => {
    const route: Route = ROUTES[name];
    const { method } = splitRoute(name);
    const role = (route.access as readonly Role[])[0] as Role;
    const others = ROLE_ACTS.owner.filter((act) => act !== route.act);
    const body = method === "POST" ? {} : undefined;
    const may = await call(method, concrete(name), manager.issue(role, "team", [route.act!]), body);
    const mayNot = await call(method, concrete(name), manager.issue(role, "team", others), body);
    expect([200, 201, 400, 404]).toContain(may.status);
    expect([mayNot.status, mayNot.json().error]).toEqual([
      403,
      expect.objectContaining({ code: "E_FORBIDDEN", expected: route.act }),
    ]);
  });

  it("answers what its schema says, once a task is there", async () => {
    const made = await call("POST", "/v1/tasks", tokens.consumer, submission("schema"));
    expect(made.status).toBe(201);
    manager.finish(made.json().id);
    for (const name of names) {
      const { answer, access }: Route = ROUTES[name];
      const { method, path } = splitRoute(name);
      if (method !== "GET" || typeof answer === "string") continue;
      const filled = path
        .replace("{task}", "count")
        .replace("{node}", "corner")
        .replace("{account}", "consumer-1");
      if (filled.includes("{")) continue;
      const { status, json } = await call(
        "GET",
        filled + (ASKED[name] ?? ""),
        access === "anyone" ? undefined : tokens.consumer,
      );
      expect([name, status]).toEqual([name, 200]);
      expect(answer.safeParse(json()).error, name).toBeUndefined();
    }
  });
});

it("every answer's schema can be told as JSON Schema", () => {
  for (const { answer } of Object.values(ROUTES) as Route[]) {
    if (typeof answer !== "string") z.toJSONSchema(answer, { io: "input", unrepresentable: "throw" });
  }
});
