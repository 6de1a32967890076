import { type CloudEvent, cloudEvent } from "@weft/market";
import type { EventView, NetworkView } from "../views.ts";

/** The media type that asks for events as CloudEvents (CloudEvents 1.0, JSON format and its batch). */
const CLOUD_EVENT = "application/cloudevents+json";
export const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json";

/** In which form a request's Accept header asks for events; null: in our own. */
export function cloudEventForm(
  accept: string | undefined,
): typeof CLOUD_EVENT | typeof CLOUD_EVENT_BATCH | null {
  const asked = (accept ?? "").split(",").map((part) => part.split(";")[0]?.trim().toLowerCase());
  if (asked.includes(CLOUD_EVENT_BATCH)) return CLOUD_EVENT_BATCH;
  return asked.includes(CLOUD_EVENT) ? CLOUD_EVENT : null;
}

/** A change as a CloudEvent of this network: named by its cursor, `dev.weft.contract.settled` and the like. */
export function asCloudEvent(event: EventView, { managerKey }: NetworkView): CloudEvent {
  const { cursor, at, what, subject, id, object } = event;
  const type = `dev.weft.${subject}.${what.replaceAll("_", "-")}`;
  return cloudEvent({ id: cursor, type, subject: id, at }, `urn:weft:manager:${managerKey}`, object);
}
