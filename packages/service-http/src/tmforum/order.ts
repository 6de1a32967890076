import { type Refusal, refuse } from "@weft/kernel";
import { TASK_OFFERING } from "@weft/market";
import type { Caller } from "@weft/service";
import { z } from "zod";
import type { ManagerApi } from "../manager-api.ts";
import type { ApiError } from "../server/errors.ts";
import { requestError } from "../server/errors.ts";
import type { Answer } from "../server/handler.ts";
import { submitTask } from "../server/submission.ts";
import { submissionBody } from "../wire/requests.ts";

/*
 * Ordering a task as TMF622: one item that adds the offering `task`; what `POST /v1/tasks` takes travels in the
 * product's characteristics `manifest`, `order` (signed) and `contents`.
 */

const characteristic = z.looseObject({ name: z.string().max(64), value: z.unknown() });

export const orderBody = z.looseObject({
  productOrderItem: z
    .array(
      z.looseObject({
        id: z.string().min(1).max(128),
        action: z.literal("add"),
        quantity: z.literal(1).optional(),
        productOffering: z.looseObject({ id: z.string().max(128) }),
        product: z.looseObject({ productCharacteristic: z.array(characteristic).max(16) }),
      }),
    )
    .length(1),
});

export const cancelBody = z.looseObject({
  productOrder: z.looseObject({ id: z.string().min(1).max(128) }),
  cancellationReason: z.string().max(1000).optional(),
});

/** Submits the task that an order is for; the answer is its id. */
export async function placeOrder(
  manager: ManagerApi,
  caller: Caller,
  body: z.output<typeof orderBody>,
): Promise<Answer<string>> {
  const item = body.productOrderItem[0]!;
  if (item.productOffering.id !== TASK_OFFERING) {
    return refuse("E_TMF_OFFERING", "only computing power by the task can be ordered", {
      path: "productOrderItem[0].productOffering.id",
      found: item.productOffering.id,
      expected: TASK_OFFERING,
      hint: "which nodes may run it is said in the manifest",
    });
  }
  const given = Object.fromEntries(
    item.product.productCharacteristic.map(({ name, value }) => [name, value]),
  );
  const { manifest, order, contents = [] } = given;
  const sent = {
    manifest: typeof manifest === "object" ? JSON.stringify(manifest) : manifest,
    order,
    contents,
  };
  const read = submissionBody.safeParse(sent);
  if (!read.success) return mistaken(requestError("productCharacteristic", submissionBody, sent, read.error));
  const made = await submitTask(manager, caller, read.data);
  return made.ok ? { ok: true, value: made.value.id } : made;
}

function mistaken({ refusal, others = [] }: ApiError): {
  readonly ok: false;
  readonly refusal: Refusal;
  readonly others: readonly Refusal[];
} {
  return { ok: false, refusal, others };
}
