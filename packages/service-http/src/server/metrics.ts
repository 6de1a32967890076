import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ManagerApi } from "../manager-api.ts";
import type { MetricView } from "../views.ts";
import type { Streams } from "./streams.ts";

/** What the server counts of itself. */
export interface ServerMetrics {
  /** Counts one answered request. */
  observe(route: string, status: number, seconds: number): void;
  /** Everything in Prometheus's text format, the manager's figures included. */
  text(): Promise<string>;
}

export function serverMetrics(manager: ManagerApi, streams: Streams): ServerMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "weft_http_requests_total",
    help: "Requests answered, by route and status",
    labelNames: ["route", "status"],
    registers,
  });
  const durations = new Histogram({
    name: "weft_http_request_seconds",
    help: "Time to answer, by route; streams until they end",
    labelNames: ["route"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  new Gauge({
    name: "weft_http_streams",
    help: "Event and log streams open now",
    registers,
    collect() {
      this.set(streams.size);
    },
  });
  return {
    observe: (route, status, seconds) => {
      requests.inc({ route, status });
      durations.observe({ route }, seconds);
    },
    text: async () => `${await registry.metrics()}${manager.metrics().map(exposition).join("")}`,
  };
}

/** One family in the text exposition format, version 0.0.4. */
function exposition({ name, help, kind, samples }: MetricView): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${number(value)}`;
  });
  return [
    `# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}`,
    `# TYPE ${name} ${kind}`,
    ...lines,
    "",
  ].join("\n");
}

const escaped = (text: string): string =>
  text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
