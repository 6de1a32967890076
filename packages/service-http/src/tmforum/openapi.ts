import { TMF_CANCELS, TMF_ORDERS, TMF_RESOURCES } from "./routes.ts";

type Json = { [key: string]: unknown };

const JSON_TYPE = "application/json";
const ERROR = {
  type: "object",
  required: ["code", "reason"],
  properties: {
    code: { type: "string" },
    reason: { type: "string" },
    message: { type: "string" },
    status: { type: "string" },
  },
};
const answered = (description: string, schema: Json): Json => ({
  description,
  content: { [JSON_TYPE]: { schema } },
});
const refused = (description: string): Json => answered(description, ERROR);
const text = (name: string, description: string): Json => ({
  name,
  in: "query",
  required: false,
  schema: { type: "string", description },
});
const PAGING = [
  text("offset", "How many to leave out; 0 by default."),
  text("limit", "At most so many; 100 by default, 1000 at most."),
  text("fields", "Only these members, separated by commas; id and href always."),
];

/** The TM Forum paths for the API's description. Their documents are the published v4 schemas'; not repeated here. */
export function tmForumPaths(): { [path: string]: Json } {
  const paths: { [path: string]: Json } = {};
  for (const { path, access, summary } of TMF_RESOURCES) {
    const name = `tmf${path
      .split("/")
      .at(-1)
      ?.replace(/^./, (letter) => letter.toUpperCase())}`;
    const shared = { description: `For ${access.join(", ")}.`, security: [{ token: [] }] };
    paths[path] = {
      get: {
        operationId: `${name}List`,
        summary,
        ...shared,
        parameters: PAGING,
        responses: {
          200: answered("All of it; X-Total-Count and X-Result-Count say how many.", {
            type: "array",
            items: { type: "object" },
          }),
          206: answered("A part of it.", { type: "array", items: { type: "object" } }),
          400: refused("Not understood"),
          401: refused("No valid token"),
          403: refused("Not for this role"),
        },
      },
    };
    paths[`${path}/{id}`] = {
      get: {
        operationId: name,
        summary: `${summary}; one`,
        ...shared,
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }, PAGING[2]],
        responses: {
          200: answered(summary, { type: "object" }),
          401: refused("No valid token"),
          404: refused("Not there, or not the caller's"),
        },
      },
    };
  }
  const posted = (operationId: string, summary: string): Json => ({
    operationId,
    summary,
    description: "For consumer.",
    security: [{ token: [] }],
    parameters: [],
    requestBody: { required: true, content: { [JSON_TYPE]: { schema: { type: "object" } } } },
    responses: {
      201: answered(summary, { type: "object" }),
      400: refused("Not understood"),
      401: refused("No valid token"),
      403: refused("Not for this role"),
      422: refused("Understood, and refused"),
    },
  });
  paths[TMF_ORDERS] = { ...paths[TMF_ORDERS], post: posted("tmfOrder", "TMF622: order a task") };
  paths[TMF_CANCELS] = { post: posted("tmfCancelOrder", "TMF622: cancel an order") };
  return paths;
}
