import type { Instant, Money, Refusal, Result } from "@weft/kernel";
import type {
  ApplicationPlanRequest,
  ApplicationPlanView,
  ApplicationSubmission,
  ApplicationView,
  Caller,
  StepView,
  TaskSubmission,
  TaskView,
} from "@weft/service";
import type { Awaitable, PlanRequest } from "../asked.ts";
import type { DecisionView } from "../views.ts";

/** What would become of tasks decided together. */
export interface BatchPlanView {
  readonly at: Instant;
  /** By task, in the order asked. */
  readonly items: readonly (DecisionView & { readonly name: string })[];
  readonly placed: number;
  /** No plan places more. */
  readonly mostPlaced: number;
  /** Sum of what the objectives make of the placed tasks, in `unit`. */
  readonly score: number;
  readonly unit: "cost" | "time" | "energy" | "carbon" | "weighted" | "relative";
  /** No plan that places them all scores less; null where some are left out. */
  readonly bound: number | null;
  /** How far the score lies above the bound, as a share of it. */
  readonly gap: number | null;
  /** What one at a time would reach. */
  readonly alone: { readonly placed: number; readonly score: number };
}

/** What would become of an application. */
export interface ApplicationDecisionView {
  readonly at: Instant;
  readonly plan: ApplicationPlanView | null;
  /** Why there is no plan; null where there is one. */
  readonly refusal: Refusal | null;
  readonly steps: readonly (Pick<StepView, "name" | "layers" | "from" | "node" | "planned"> & {
    /** Expected; null without a plan. */
    readonly price: Money | null;
  })[];
}

/** Batches and applications as the server asks for them. Callers see their own, managers all. */
export interface ApplicationsApi {
  planBatch(caller: Caller, tasks: readonly PlanRequest[]): Awaitable<Result<BatchPlanView>>;
  /** All or none are taken up, and placed where they are best together; the same orders again are the same tasks. */
  submitBatch(
    caller: Caller,
    tasks: readonly TaskSubmission[],
  ): Promise<Result<{ readonly items: readonly TaskView[] }>>;
  plan(caller: Caller, request: ApplicationPlanRequest): Awaitable<Result<ApplicationDecisionView>>;
  /** The same orders again are the same application. */
  submit(caller: Caller, submission: ApplicationSubmission): Promise<Result<ApplicationView>>;
  /** By id, or by name: then the newest of that name. */
  one(caller: Caller, idOrName: string): Awaitable<Result<ApplicationView>>;
  /** Newest first. */
  list(caller: Caller): Awaitable<readonly ApplicationView[]>;
  /** Stops all its steps at once; one that has ended stays as it is. */
  cancel(caller: Caller, idOrName: string): Promise<Result<ApplicationView>>;
}
