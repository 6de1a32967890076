import { type Instant, type Money, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import {
  applicationView,
  type Caller,
  type Command,
  type Manager,
  type TaskView,
  taskView,
} from "@weft/service";
import type { ApplicationDecisionView, ApplicationsApi, BatchPlanView } from "@weft/service-http";
import { decisionView } from "./views.ts";

const absent = (found: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", "no such application", { found, hint: "weft get applications lists yours" });

/** Batches and applications over a live manager: what changes goes through its commands and is durable once answered. */
export function liveApplications(
  manager: () => Manager,
  clock: () => Instant,
  command: (command: Command) => Promise<Result<string>>,
): ApplicationsApi {
  const find = (caller: Caller, idOrName: string) =>
    manager().core.applications.find(idOrName, caller.role === "manager" ? null : caller.account);
  const one = (caller: Caller, idOrName: string) => {
    const entry = find(caller, idOrName);
    return entry === undefined ? absent(idOrName) : ok(applicationView(manager().core, entry));
  };
  const tasksOf = (ids: string): readonly TaskView[] =>
    ids.split(" ").flatMap((id) => {
      const entry = manager().core.tasks.task(id);
      return entry === undefined ? [] : [taskView(entry)];
    });
  return {
    planBatch: (_, tasks) => {
      for (const { needs } of tasks) {
        const refusal = manager().unknownSite(needs);
        if (refusal !== null) return { ok: false, refusal };
      }
      const { decisions, ...plan } = manager().planBatch(tasks.map(({ needs }) => needs));
      const at = clock();
      const items = decisions.map((decision, i) => {
        const { name, needs } = tasks[i] as (typeof tasks)[number];
        return { name, ...decisionView(at, decision, needs.payAtMost) };
      });
      const view: BatchPlanView = { at, items, ...plan };
      return ok(view);
    },
    submitBatch: async (caller, submissions) => {
      const answer = await command({ kind: "submit-batch", caller, submissions });
      return answer.ok ? ok({ items: tasksOf(answer.value) }) : answer;
    },
    plan: (_, request) => {
      const plan = manager().planApplication(request);
      const stages = (plan.ok ? plan.value.stages : undefined) ?? request.steps;
      const inputs = request.pipeline?.inputs?.length ?? 1;
      const steps = stages.map(({ name, from, layers }, s) => {
        const step = plan.ok ? plan.value.steps[s * inputs] : null; // of a stage: with the first input
        return {
          name,
          from: from.map((flow) => flow.step),
          node: step?.node ?? null,
          planned: step == null ? null : { start: step.start, finish: step.finish },
          price: step == null ? null : (BigInt(Math.ceil(step.cost)) as Money),
          ...(layers === undefined ? {} : { layers }),
        };
      });
      const view: ApplicationDecisionView = plan.ok
        ? { at: clock(), plan: planView(plan.value), refusal: null, steps }
        : { at: clock(), plan: null, refusal: plan.refusal, steps };
      return ok(view);
    },
    submit: async (caller, submission) => {
      const answer = await command({ kind: "submit-application", caller, submission });
      return answer.ok ? one(caller, answer.value) : answer;
    },
    one,
    list: (caller) =>
      [...manager().core.applications.all]
        .filter(({ kept }) => caller.role === "manager" || kept.consumer === caller.account)
        .map((entry) => applicationView(manager().core, entry))
        .reverse(),
    cancel: async (caller, application) => {
      const answer = await command({ kind: "cancel-application", caller, application });
      return answer.ok ? one(caller, answer.value) : answer;
    },
  };
}

const planView = ({
  makespan,
  cost,
  bound,
  proven,
  bottleneck,
  first,
}: ApplicationDecisionView["plan"] & object) => ({
  makespan,
  cost,
  bound,
  proven,
  ...(bottleneck === undefined ? {} : { bottleneck }),
  ...(first === undefined ? {} : { first }),
});
