import {
  type Bytes,
  type Cryptography,
  canonicalText,
  HOUR,
  type Instant,
  type Money,
  type Signer,
} from "@weft/kernel";
import { signOrder } from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";
import type { ApplicationSubmission, SignedOrder, StepRequest, TaskSubmission } from "../resources.ts";
import { YOU } from "./scenery.ts";

/*
 * What consumers in tests hand in: a task or an application under orders good for an hour.
 */

const PROGRAM = { kind: "wasm", module: "00".repeat(32), args: [], env: {} } as const;

/** Who signs, with what, and when. */
export interface Desktop {
  readonly signer: Signer;
  readonly cryptography: Cryptography;
  readonly now: Instant;
}

const RUN = { wasm: { module: `sha256:${PROGRAM.module}` } };

/** The manifest of a task named so, as much of it as nodes hold their work against. */
export const manifestOf = (name: string): string =>
  canonicalText({ kind: "Task", metadata: { name }, spec: { run: RUN } });

/** The manifest of an application of these steps. */
export const applicationManifestOf = (name: string, steps: DeskSteps): string =>
  canonicalText({
    kind: "Application",
    metadata: { name },
    spec: {
      steps: steps.map(({ name, from = [] }) => ({
        name,
        from: from.map((step) => ({ step })),
        run: RUN,
      })),
    },
  });

export function orderOf(
  { signer, cryptography, now }: Desktop,
  id: string,
  manifest: string,
  payAtMost: Money,
): SignedOrder {
  const taskDigest = cryptography.digest(manifest);
  const notAfter = (now + HOUR) as Instant;
  return signOrder({ id, consumer: signer.publicKey, taskDigest, payAtMost, notAfter }, signer);
}

export const submissionOf = (name: string, needs: TaskNeeds, order: SignedOrder): TaskSubmission => ({
  name,
  labels: {},
  manifest: manifestOf(name),
  needs,
  program: PROGRAM,
  input: null,
  contents: [],
  order,
});

/** Steps of an application, by the names of those they take data from. */
export type DeskSteps = readonly (Pick<StepRequest, "name" | "needs"> & {
  readonly from?: readonly string[];
})[];

/** An application of these steps, each under the order of its own. */
export const applicationOf = (
  name: string,
  steps: DeskSteps,
  orders: readonly SignedOrder[],
): ApplicationSubmission => ({
  name,
  labels: {},
  at: YOU,
  objective: "cost",
  deadline: null,
  gang: false,
  payAtMost: null,
  manifest: applicationManifestOf(name, steps),
  contents: [],
  orders,
  steps: steps.map(({ name, needs, from = [] }) => ({
    name,
    needs,
    from: from.map((step) => ({ step, bytes: 1000 as Bytes })),
    program: PROGRAM,
    input: null,
  })),
});
