import type { OrganisationAct } from "@weft/market";
import type { Caller, Role } from "@weft/service";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ManagerApi } from "../manager-api.ts";
import { admit } from "../server/access.ts";
import { type ApiError, requestError } from "../server/errors.ts";
import { json } from "../server/reply.ts";
import { tmfError } from "./errors.ts";
import { cancelBody, orderBody, placeOrder } from "./order.ts";
import { pageOf, readQuery, select } from "./query.ts";
import { TMF_CANCELS, TMF_ORDERS, TMF_RESOURCES, type TmfResource } from "./routes.ts";

/** Serves the market in the shapes of TM Forum's Open APIs v4, on their own paths and with their own errors. */
export function serveTmForum(fastify: FastifyInstance, manager: ManagerApi): void {
  for (const resource of TMF_RESOURCES) {
    const { path, access, act } = resource;
    const entering = entry(manager, access, act);
    fastify.get(
      path,
      entering((caller, request, reply) => list(manager, resource, caller, request, reply)),
    );
    fastify.get(
      `${path}/:id`,
      entering((caller, request, reply) => one(manager, resource, caller, request, reply)),
    );
  }
  const ordering = entry(manager, ["consumer"], "submit-tasks");
  fastify.post(
    TMF_ORDERS,
    ordering((caller, request, reply) => order(manager, caller, request, reply)),
  );
  fastify.post(
    TMF_CANCELS,
    ordering((caller, request, reply) => cancel(manager, caller, request, reply)),
  );
}

type Step = (caller: Caller, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Lets in whom the table of routes would let in; what is refused says so in TM Forum's form. */
const entry =
  (manager: ManagerApi, access: readonly Role[], act: OrganisationAct | undefined) =>
  (step: Step) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const admission = await admit(
      access,
      request.headers.authorization,
      false,
      (digest) => manager.authenticate(digest),
      act,
    );
    if (!admission.ok) return say(reply, admission);
    return step(admission.caller as Caller, request, reply);
  };

function say(reply: FastifyReply, error: ApiError): FastifyReply {
  const { status, body } = tmfError(error);
  if (status === 401) reply.header("www-authenticate", "Bearer");
  return json(reply, status, body);
}

async function list(
  manager: ManagerApi,
  resource: TmfResource,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = readQuery(request.query as Record<string, unknown>);
  if (!query.ok) return say(reply, query);
  const { items, total } = pageOf(await resource.list(manager.tmForum, caller), query.value);
  reply.header("x-total-count", total).header("x-result-count", items.length);
  return json(reply, items.length < total ? 206 : 200, items);
}

const absent = (what: string, id: string): ApiError => ({
  refusal: { code: "E_NOT_FOUND", message: `no ${what} "${id}"` },
});
const nameOf = ({ path }: TmfResource): string => path.split("/").at(-1) ?? path;

async function one(
  manager: ManagerApi,
  resource: TmfResource,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { id } = request.params as { readonly id: string };
  const { fields } = request.query as { readonly fields?: string };
  const found = (await resource.list(manager.tmForum, caller)).find(id);
  if (found === undefined) return say(reply, absent(nameOf(resource), id));
  return json(reply, 200, select(found, typeof fields === "string" ? fields.split(",") : null));
}

async function order(
  manager: ManagerApi,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const read = orderBody.safeParse(request.body);
  if (!read.success) return say(reply, requestError("body", orderBody, request.body, read.error));
  const placed = await placeOrder(manager, caller, read.data);
  if (!placed.ok) return say(reply, placed);
  const made = (await manager.tmForum.orders(caller)).find(placed.value);
  return made === undefined ? say(reply, absent("productOrder", placed.value)) : json(reply, 201, made);
}

async function cancel(
  manager: ManagerApi,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const read = cancelBody.safeParse(request.body);
  if (!read.success) return say(reply, requestError("body", cancelBody, request.body, read.error));
  const { productOrder, cancellationReason } = read.data;
  const done = await manager.cancel(caller, productOrder.id);
  if (!done.ok) return say(reply, done);
  const state = done.value.phase === "cancelled" ? "done" : "terminatedWithError";
  const href = `${TMF_ORDERS}/${encodeURIComponent(done.value.id)}`;
  return json(reply, 201, {
    id: done.value.id,
    href: `${TMF_CANCELS}/${encodeURIComponent(done.value.id)}`,
    "@type": "CancelProductOrder",
    state,
    productOrder: { id: done.value.id, href },
    ...(cancellationReason === undefined ? {} : { cancellationReason }),
  });
}
