import { z } from "zod";
import type { Access, Route } from "../route.ts";
import { ROUTES, splitRoute } from "../routes.ts";
import { tmForumPaths } from "../tmforum/openapi.ts";
import { refusal } from "../wire/views.ts";

type Json = { [key: string]: unknown };

const schemaOf = (schema: z.ZodType): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;
  return rest;
};

/** OpenAPI 3.1 of the whole API, from the table of routes and the very schemas that check requests. */
export function openApi(version: string): object {
  const paths: { [path: string]: Json } = {};
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const { method, path } = splitRoute(name);
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = operation(name, route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Weft",
      version,
      description:
        "A computing power network. Quantities are numbers in base units: microseconds, bytes, bits a second, operations (a second). Money is millionths of the network's currency as a string of digits. Unknown is null.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths: { ...paths, ...tmForumPaths() },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: {
        Error: { type: "object", required: ["error"], properties: { error: schemaOf(refusal) } },
      },
    },
  };
}

function operation(name: string, route: Route): Json {
  const refused = (description: string) => ({
    description,
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
  });
  return {
    operationId: operationId(name),
    summary: route.summary,
    description: accessText(route.access),
    ...(route.access === "anyone" ? { security: [] } : { security: [{ token: [] }] }),
    parameters: [...parameters(route.params, "path"), ...parameters(route.query, "query")],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { "application/json": { schema: schemaOf(route.body) } } },
        }),
    responses: {
      [route.status ?? 200]: { description: route.summary, content: answerContent(route.answer) },
      ...(route.access === "anyone"
        ? {}
        : { 401: refused("No valid token"), 403: refused("Not for this role") }),
      ...(route.params === undefined ? {} : { 404: refused("Not there, or not the caller's") }),
      ...(route.body === undefined ? {} : { 422: refused("Understood, and refused") }),
      ...((route.params ?? route.query ?? route.body) ? { 400: refused("Not understood") } : {}),
    },
  };
}

const answerContent = (answer: z.ZodType | string): Json =>
  typeof answer === "string" ? { [answer]: {} } : { "application/json": { schema: schemaOf(answer) } };

function accessText(access: Access): string {
  if (access === "anyone") return "Needs no token.";
  if (access === "local") return "For managers, and without a token for processes on the server's machine.";
  return `For ${access.join(", ")}.`;
}

function parameters(schema: z.ZodType | undefined, where: "path" | "query"): readonly Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema) as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: property,
  }));
}

/** `POST /v1/tasks:plan` -> `postTasksPlan` */
function operationId(name: string): string {
  const words = name
    .replace("/v1", "")
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== "");
  return words
    .map((word, i) => (i === 0 ? word.toLowerCase() : word[0]!.toUpperCase() + word.slice(1)))
    .join("");
}
