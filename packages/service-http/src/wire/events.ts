import { z } from "zod";
import { applicationView } from "../applications/views.ts";
import type { EventView } from "../views.ts";
import { contractView } from "./market.ts";
import { instant } from "./quantities.ts";
import { linkView, nodeView, taskView } from "./views.ts";

const event = { cursor: z.string(), at: instant(), what: z.string(), id: z.string() };
/** Contracts' events carry the contract as `GET /v1/contracts` lists it. */
export const eventView: z.ZodType<EventView> = z.discriminatedUnion("subject", [
  z.looseObject({ ...event, subject: z.literal("task"), object: taskView }),
  z.looseObject({ ...event, subject: z.literal("node"), object: nodeView }),
  z.looseObject({ ...event, subject: z.literal("link"), object: linkView }),
  z.looseObject({ ...event, subject: z.literal("contract"), object: contractView }),
  z.looseObject({ ...event, subject: z.literal("application"), object: applicationView }),
]);
