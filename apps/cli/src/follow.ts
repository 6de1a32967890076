import type { TaskView } from "@weft/service";
import type { WeftClient } from "@weft/service-http/client";
import { must } from "./failure.ts";

/** Whether nothing more will become of a task. */
export const hasEnded = (task: TaskView): boolean =>
  ["succeeded", "failed", "cancelled"].includes(task.phase);

/**
 * Every state of some tasks, by id: as they are now, then each change, until `enough`. Ends without a word when
 * `signal` is raised.
 */
export async function* follow(
  client: WeftClient,
  ids: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<TaskView> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  signal?.addEventListener("abort", abort);
  try {
    for await (const told of client.events({ subjects: ["task"], signal: stop.signal })) {
      const event = must(told);
      if (event.subject === "list") {
        for (const id of ids) yield must(await client.call("GET /v1/tasks/{task}", { params: { task: id } }));
      } else if (event.subject === "task" && ids.includes(event.id)) {
        yield event.object;
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    stop.abort();
  }
}
