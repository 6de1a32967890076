import { type Instant, type Money, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { ApplicationView, Caller, TaskSubmission, TaskView } from "@weft/service";
import type { ApplicationsApi } from "../applications/api.ts";
import { SAMPLE_DECISION } from "./sample.ts";

/** Batches and applications for tests of the API's edges: kept, shown and stopped, planned on one node, never run. */
export function memoryApplications(
  submitTask: (caller: Caller, submission: TaskSubmission) => Promise<Result<TaskView>>,
  now: () => Instant,
): ApplicationsApi {
  const known = new Map<string, ApplicationView>();
  const find = (caller: Caller, idOrName: string): ApplicationView | undefined =>
    [...known.values()]
      .reverse()
      .find(
        ({ id, name, consumer }) => (id === idOrName || name === idOrName) && consumer === caller.account,
      );
  const absent = (found: string): { readonly ok: false; readonly refusal: Refusal } =>
    refuse("E_NOT_FOUND", "no such application", { found });
  const plan = { makespan: 2_000_000 as never, cost: 820, bound: 820, proven: true };
  return {
    planBatch: (_, tasks) =>
      ok({
        at: now(),
        items: tasks.map(({ name }) => ({ name, ...SAMPLE_DECISION })),
        placed: tasks.length,
        mostPlaced: tasks.length,
        score: 410 * tasks.length,
        unit: "cost",
        bound: 410 * tasks.length,
        gap: 0,
        alone: { placed: tasks.length, score: 410 * tasks.length },
      }),
    submitBatch: async (caller, tasks) => {
      const items: TaskView[] = [];
      for (const task of tasks) {
        const made = await submitTask(caller, task);
        if (!made.ok) return made;
        items.push(made.value);
      }
      return ok({ items });
    },
    plan: (_, { steps }) =>
      ok({
        at: now(),
        plan,
        refusal: null,
        steps: steps.map(({ name, from }) => ({
          name,
          from: from.map(({ step }) => step),
          node: "corner",
          planned: { start: 0 as never, finish: 1_000_000 as never },
          price: 410n as Money,
        })),
      }),
    submit: async (caller, { name, labels, objective, deadline, gang, orders, steps }) => {
      const id = `application-${orders[0]?.order.id}`;
      const before = known.get(id);
      if (before !== undefined) return ok(before);
      const unknown = { planned: null, startedAt: null, finishedAt: null, result: null, charged: null };
      const none = { task: null, node: "corner", ...unknown };
      const view: ApplicationView = {
        ...{ id, name, labels, objective, deadline, gang, plan },
        consumer: caller.account,
        phase: "running",
        reason: null,
        submittedAt: now(),
        finishedAt: null,
        steps: steps.map((step) => ({
          name: step.name,
          from: step.from.map((flow) => flow.step),
          phase: "waiting",
          ...none,
        })),
        charged: 0n as Money,
      };
      known.set(id, view);
      return ok(view);
    },
    one: (caller, idOrName) => {
      const view = find(caller, idOrName);
      return view === undefined ? absent(idOrName) : ok(view);
    },
    list: (caller) => [...known.values()].filter(({ consumer }) => consumer === caller.account).reverse(),
    cancel: async (caller, idOrName) => {
      const view = find(caller, idOrName);
      if (view === undefined) return absent(idOrName);
      const ended = { ...view, phase: "cancelled" as const, finishedAt: now() };
      known.set(view.id, ended);
      return ok(ended);
    },
  };
}
