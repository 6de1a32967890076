import { ok } from "@weft/kernel";
import type { ApplicationPlanRequest, TaskSubmission } from "@weft/service";
import type { ManagerApi } from "../manager-api.ts";
import { type ApplicationManifest, applicationOf } from "../manifest/application.ts";
import { parseSentApplication } from "../manifest/parse.ts";
import { pipelineOf } from "../manifest/pipeline.ts";
import type { Answer, Handlers } from "../server/handler.ts";
import { missingContent, readPlan, readTask } from "../server/submission.ts";
import type { APPLICATION_ROUTES } from "./routes.ts";

/** One handler for each route of batches and applications; schemas are served with the task's. */
export const APPLICATION_HANDLERS: Handlers<
  Exclude<keyof typeof APPLICATION_ROUTES, `GET /v1/schemas/${string}`>
> = {
  "POST /v1/batches": (manager, { caller, body: { items } }) => {
    const tasks = readAll(items, ({ manifest, contents, order }) => {
      const task = readTask(manager, manifest);
      if (!task.ok) return task;
      const submission: TaskSubmission = { ...task.value, manifest, contents, order };
      return missingContent(task.value.program, contents) ?? ok(submission);
    });
    return tasks.ok ? manager.applications.submitBatch(caller, tasks.value) : tasks;
  },
  "POST /v1/batches:plan": (manager, { caller, body: { items } }) => {
    const tasks = readAll(items, (item) => readPlan(manager, item));
    return tasks.ok ? manager.applications.planBatch(caller, tasks.value) : tasks;
  },
  "POST /v1/applications": (manager, { caller, body: { manifest, contents, orders } }) => {
    const read = readApplication(manager, manifest, contents);
    return read.ok
      ? manager.applications.submit(caller, { ...read.value, manifest, contents, orders })
      : read;
  },
  "POST /v1/applications:plan": (manager, { caller, body: { manifest, contents } }) => {
    const read = readApplication(manager, manifest, contents);
    return read.ok ? manager.applications.plan(caller, read.value) : read;
  },
  "GET /v1/applications": async (manager, { caller }) =>
    ok({ items: await manager.applications.list(caller) }),
  "GET /v1/applications/{application}": (manager, { caller, params }) =>
    manager.applications.one(caller, params.application),
  "DELETE /v1/applications/{application}": (manager, { caller, params }) =>
    manager.applications.cancel(caller, params.application),
};

/** Reads every item; the first that cannot be read is named by its place. */
function readAll<T, U>(items: readonly T[], read: (item: T) => Answer<U>): Answer<U[]> {
  const values: U[] = [];
  for (const [i, item] of items.entries()) {
    const one = read(item);
    if (!one.ok) {
      const path = `items[${i}]${one.refusal.path === undefined ? "" : `.${one.refusal.path}`}`;
      return { ...one, refusal: { ...one.refusal, path } };
    }
    values.push(one.value);
  }
  return ok(values);
}

function readApplication(
  manager: ManagerApi,
  manifest: string,
  contents: readonly { readonly digest: string }[],
): Answer<ApplicationPlanRequest> {
  const parsed = parseSentApplication(manifest);
  const site = manager.network().defaultSite;
  const document = parsed.ok ? parsed.manifests[0]!.manifest : null;
  const read = !parsed.ok
    ? parsed
    : document?.kind === "Pipeline"
      ? pipelineOf(document, site)
      : applicationOf(document as ApplicationManifest, site);
  if (!read.ok) {
    const [refusal, ...others] = read.problems;
    return { ok: false, refusal: refusal!, others };
  }
  const { steps, pipeline } = read.value;
  for (const { program } of pipeline === undefined ? steps : [pipeline.whole]) {
    const missing = missingContent(program, contents);
    if (missing !== null) return missing;
  }
  return ok(read.value);
}
