import type { Bytes, Micros, Ratio } from "@weft/kernel";
import type { CellScenario, SharedLink } from "@weft/sim";
import type { FieldProblems } from "./problems.ts";
import type { CellDocument } from "./schema.ts";

/** A checked scenario of radio cells as what the simulation reads. */
export function buildCellScenario(document: CellDocument, problems: FieldProblems): CellScenario {
  const shares = document.apps.reduce((sum, { share }) => sum + share, 0);
  if (Math.abs(shares - 1) > 1e-6)
    problems.say(["apps"], `the shares of all apps add up to ${shares}, not 1`);
  const dwell = document.cells.flatMap(({ count, dwell: time }) => new Array<Micros>(count).fill(time));
  if (dwell.length < 2) problems.say(["cells"], "at least two cells are needed: devices move between them");
  if ((document.warmUp ?? 0) >= document.duration)
    problems.say(["warmUp"], "the warm-up ends after the run does");
  problems.check();
  const apps = document.apps.map(({ share, toCloud, edgeShare, cloudShare, ...app }) => ({
    ...app,
    share: share as Ratio,
    toCloud: toCloud as Ratio,
    edgeShare: edgeShare as Ratio,
    cloudShare: cloudShare as Ratio,
  }));
  const mean = (of: (app: (typeof apps)[number]) => number): number =>
    apps.reduce((sum, app) => sum + of(app) * app.share, 0);
  const active = mean((app) => app.active / (app.active + app.idle) / app.interarrival);
  const link = (field: CellDocument["wlan"]): SharedLink => ({
    rate: field.rate,
    propagation: field.propagation ?? (0 as Micros),
    interval: field.interval ?? ((1 / active) as Micros),
    upload: field.upload ?? (mean(({ upload }) => upload) as Bytes),
    download: field.download ?? (mean(({ download }) => download) as Bytes),
  });
  return {
    devices: document.devices,
    duration: document.duration,
    warmUp: (document.warmUp ?? 0) as Micros,
    startsAt: (document.startsAt ?? 0) as Micros,
    dwell,
    apps,
    edge: document.edge,
    cloud: document.cloud,
    wlan: link(document.wlan),
    wan: link(document.wan),
    lan: document.lan,
    patience: (document.patience ?? 5e6) as Micros,
    tiers: document.tiers[0] ?? "edge",
  };
}
