import type { NodeId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import { applicationView, type Manager, type ManagerEvent, taskView } from "@weft/service";
import type { EventSubject } from "@weft/service-http";
import { contractView, linkViews, nodeView } from "./views.ts";

/** What happened, with the thing as it is now; null where that is gone already. */
export function eventView(
  core: Manager["core"],
  now: Instant,
  { at, what, subject, id }: ManagerEvent,
): ({ readonly at: Instant; readonly what: string } & EventSubject) | null {
  switch (subject) {
    case "task": {
      const entry = core.tasks.task(id);
      return entry === undefined ? null : { at, what, subject, id, object: taskView(entry) };
    }
    case "node": {
      const object = nodeView(core, id as NodeId, now);
      return object === undefined ? null : { at, what, subject, id, object };
    }
    case "contract": {
      const run = core.tasks.runOfContract(id);
      return run === undefined ? null : { at, what, subject, id, object: contractView(run, false) };
    }
    case "application": {
      const entry = core.applications.entry(id);
      return entry === undefined ? null : { at, what, subject, id, object: applicationView(core, entry) };
    }
    case "link": {
      const object = linkViews(core, now).find((view) => `${view.state.from}>${view.state.to}` === id);
      return object === undefined ? null : { at, what, subject, id, object };
    }
  }
}
