import type { Study } from "../study.ts";
import { announcementStudy } from "./announcement.ts";
import { cellsStudy } from "./cells.ts";
import { pricingStudy, trustStudy } from "./market.ts";
import { networkStudy } from "./network.ts";

/** Every kind of study there is. */
export const STUDIES: readonly Study[] = [
  networkStudy,
  cellsStudy,
  announcementStudy,
  pricingStudy,
  trustStudy,
];

export function studyOf(kind: string): Study | null {
  return STUDIES.find((study) => study.kind === kind) ?? null;
}
