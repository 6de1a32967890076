import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { LabelSelector } from "./asked.ts";

const KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^[^,=!\s]{0,63}$/;
const MOST_REQUIREMENTS = 16;

/** Reads `team=bookkeeping,tier!=cloud,gpu,!old` as kubectl does: every part must hold. Empty: everything. */
export function parseSelector(text: string): Result<LabelSelector, Refusal<"E_SELECTOR">> {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length === 1 && parts[0] === "") return ok([]);
  const wrong = (found: string, hint?: string) =>
    refuse("E_SELECTOR", "not a label selector", {
      found: JSON.stringify(found),
      expected: "key=value, key!=value, key or !key, separated by commas",
      ...(hint === undefined ? {} : { hint }),
    });
  if (parts.length > MOST_REQUIREMENTS) return wrong(text, `at most ${MOST_REQUIREMENTS} parts`);
  const selector: LabelSelector[number][] = [];
  for (const part of parts) {
    const match = /^(!?)([^=!]+?)(?:(!=|==?)(.*))?$/.exec(part);
    const [, not = "", key = "", operator, value = ""] = match ?? [];
    if (
      match === null ||
      !KEY.test(key.trim()) ||
      !VALUE.test(value.trim()) ||
      (not !== "" && operator !== undefined)
    ) {
      return wrong(part);
    }
    if (operator === undefined) selector.push({ key: key.trim(), is: not === "" ? "present" : "absent" });
    else selector.push({ key: key.trim(), is: operator === "!=" ? "unequal" : "equal", value: value.trim() });
  }
  return ok(selector);
}

/** Whether labels satisfy a selector; like Kubernetes, `!=` holds where the label is absent. */
export const selects = (selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean =>
  selector.every((requirement) => {
    const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.is) {
      case "equal":
        return value === requirement.value;
      case "unequal":
        return value !== requirement.value;
      case "present":
        return value !== undefined;
      default:
        return value === undefined;
    }
  });
