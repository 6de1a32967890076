import { ok, refuse } from "@weft/kernel";
import type { Caller, TaskView } from "@weft/service";
import type { PlanRequest } from "../asked.ts";
import type { ManagerApi } from "../manager-api.ts";
import { parseSentManifest } from "../manifest/parse.ts";
import { type ManifestTask, taskOf } from "../manifest/task.ts";
import type { ApiError } from "./errors.ts";
import type { Answer, Asked } from "./handler.ts";

/*
 * What consumers hand in, read from the manifest that they signed for.
 */

/** Manifests read lately, the oldest first: what is submitted again and again is read once. */
const readLately = new Map<string, ManifestTask>();
const MOST_READ = 256;

/** The task that a manifest as sent asks for. */
export function readTask(manager: ManagerApi, manifest: string): Answer<ManifestTask> {
  const key = `${manager.network().defaultSite}\n${manifest}`;
  const known = readLately.get(key);
  if (known !== undefined) return ok(known);
  const parsed = parseSentManifest(manifest);
  const task = parsed.ok ? taskOf(parsed.manifests[0]!.manifest, manager.network().defaultSite) : parsed;
  if (task.ok) {
    if (readLately.size >= MOST_READ) readLately.delete(readLately.keys().next().value as string);
    readLately.set(key, task.value);
    return task;
  }
  const [refusal, ...others] = task.problems;
  return { ok: false, refusal: refusal!, others };
}

/** Reads a submission's manifest and submits it. */
export async function submitTask(
  manager: ManagerApi,
  caller: Caller,
  { manifest, contents, order }: Asked<"POST /v1/tasks">["body"],
): Promise<Answer<TaskView>> {
  const task = readTask(manager, manifest);
  if (!task.ok) return task;
  const unsized = missingContent(task.value.program, contents);
  if (unsized !== null) return unsized;
  return manager.submit(caller, { ...task.value, manifest, contents, order });
}

/** What is asked to be planned, read from its manifest. */
export function readPlan(
  manager: ManagerApi,
  { manifest, contents }: Asked<"POST /v1/tasks:plan">["body"],
): Answer<PlanRequest> {
  const task = readTask(manager, manifest);
  if (!task.ok) return task;
  const unsized = missingContent(task.value.program, contents);
  if (unsized !== null) return unsized;
  const { name, needs, program } = task.value;
  return ok({ name, needs, program, contents });
}

/** Refuses a program whose contents came without their sizes. */
export function missingContent(
  program: ManifestTask["program"],
  contents: readonly { readonly digest: string }[],
): (ApiError & { readonly ok: false }) | null {
  const needed =
    program.kind === "wasm" ? [program.module] : program.kind === "model" ? program.networks : [];
  const missing = needed.find((digest) => !contents.some((content) => content.digest === digest));
  if (missing === undefined) return null;
  return refuse("E_REQUEST", "the program's contents come with their sizes", {
    path: "body.contents",
    found: "nothing",
    expected: `an item with digest ${missing}`,
  });
}
