import { COMPUTE_TYPES } from "@weft/infrastructure";
import type { Manager, TaskPhase } from "@weft/service";
import type { MetricView } from "@weft/service-http";

const PHASES: readonly TaskPhase[] = ["pending", "launched", "running", "succeeded", "failed", "cancelled"];

/** What Prometheus scrapes: one walk over nodes and tasks in memory, base units. */
export function managerMetrics(core: Manager["core"], connected: number): readonly MetricView[] {
  const phases = new Map<string, number>(PHASES.map((phase) => [phase, 0]));
  for (const { row } of core.tasks.all) {
    phases.set(row.progress.phase, (phases.get(row.progress.phase) ?? 0) + 1);
  }
  const { nodes } = core.pool;
  const measured = COMPUTE_TYPES.map(() => 0);
  const reserved = COMPUTE_TYPES.map(() => 0);
  let present = 0;
  for (let index = 0; index < nodes.bound; index++) {
    if (!nodes.slots.has(index)) continue;
    present++;
    COMPUTE_TYPES.forEach((type, t) => {
      measured[t] = (measured[t] ?? 0) + (nodes.descriptions[index]?.power[type] ?? 0);
      reserved[t] = (reserved[t] ?? 0) + (nodes.reserved[t]?.[index] ?? 0);
    });
  }
  const byType = (values: readonly number[]) =>
    COMPUTE_TYPES.map((type, t) => ({ labels: { type }, value: values[t] ?? 0 }));
  const gauge = (name: string, help: string, samples: MetricView["samples"]): MetricView => ({
    name,
    help,
    kind: "gauge",
    samples,
  });
  const one = (value: number): MetricView["samples"] => [{ labels: {}, value }];
  const { accepted, ...drops } = core.view.counters;
  return [
    gauge("weft_agents_connected", "Agents connected now.", one(connected)),
    gauge("weft_nodes", "Nodes in the pool.", one(present)),
    gauge("weft_power_measured", "Computing power measured, operations a second.", byType(measured)),
    gauge("weft_power_reserved", "Computing power reserved, operations a second.", byType(reserved)),
    gauge("weft_reservations", "Reservations that stand.", one(core.pool.reservations)),
    gauge("weft_tasks_waiting", "Tasks that wait for a place.", one(core.orchestrator.waiting)),
    gauge(
      "weft_tasks",
      "Tasks in memory, by phase.",
      [...phases].map(([phase, value]) => ({ labels: { phase }, value })),
    ),
    {
      name: "weft_announcements_accepted_total",
      help: "Announcement records that changed the view.",
      kind: "counter",
      samples: one(accepted),
    },
    {
      name: "weft_announcements_dropped_total",
      help: "Announcement records dropped, by reason.",
      kind: "counter",
      samples: Object.entries(drops).map(([because, value]) => ({ labels: { because }, value })),
    },
  ];
}
