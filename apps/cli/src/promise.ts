import { formatBitRate, type Micros } from "@weft/kernel";
import type { KeptPromise } from "@weft/service";
import { percent, time } from "./text.ts";

const MEANING: Readonly<Record<NonNullable<KeptPromise["broken"]>["constraint"], string>> = {
  delay: "delay",
  jitter: "jitter",
  loss: "loss",
  bitErrorRate: "bit error rate",
  bandwidth: "bandwidth",
  deadline: "time left to the deadline",
};

const DEED: Readonly<Record<KeptPromise["what"], string>> = {
  rerouted: "led another way",
  moved: "begun anew elsewhere",
  broken: "no way and no other node would keep it, so it stays",
  kept: "kept again",
};

function figure(constraint: NonNullable<KeptPromise["broken"]>["constraint"], value: number): string {
  if (constraint === "loss") return percent(value);
  if (constraint === "bitErrorRate") return value.toExponential(1);
  return constraint === "bandwidth" ? formatBitRate(value as never) : time(value as Micros);
}

/** What was done for a task because a link of its path got worse, for people. */
export function promiseText({ what, broken, node }: KeptPromise): string {
  if (broken === null) return `what was promised on ${node} is ${DEED[what]}`;
  const { constraint, limit, found } = broken;
  const figures = `${MEANING[constraint]} ${figure(constraint, found)} where ${figure(constraint, limit)} was promised`;
  return `a link to ${node} got worse (${figures}): ${DEED[what]}`;
}
