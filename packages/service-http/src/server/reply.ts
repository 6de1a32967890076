import type { FastifyReply } from "fastify";
import { wireText } from "../wire/quantities.ts";

/** Answers with a value as JSON text, quantities in their wire forms; nobody on the way keeps a copy. */
export const json = (reply: FastifyReply, status: number, value: unknown): FastifyReply =>
  reply
    .code(status)
    .type("application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .send(wireText(value));
