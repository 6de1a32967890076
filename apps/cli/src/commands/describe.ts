import { COMPUTE_TYPES, nodeGrade } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  formatBitRate,
  formatBytes,
  formatInstant,
  formatMemory,
  formatMoney,
  type Instant,
  type Micros,
  type Money,
} from "@weft/kernel";
import type {
  ApplicationView,
  LinkView,
  NodeView,
  RunView,
  StepView,
  TaskView,
  Timeline,
} from "@weft/service";
import type { ContractView } from "@weft/service-http/client";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { misused, must } from "../failure.ts";
import { resourceNamed } from "../resources/index.ts";
import { linkName } from "../resources/links.ts";
import { powerText, remaining, storageText } from "../resources/nodes.ts";
import { inputLines, isStream } from "../stream.ts";
import { type Fact, factLines } from "../table.ts";
import { age, harmless, known, pairs, percent, since, time, UNKNOWN } from "../text.ts";
import { turnText } from "../turn.ts";

/** What can be described, by the names of its kinds. */
export const DESCRIBED = ["node", "task", "application", "contract", "link"] as const;

export function register(program: Command, context: Context): void {
  program
    .command("describe")
    .summary("show all that is known of a node, task, application, contract or link")
    .description("Shows all that is known of a node, task, application, contract or link, and how old it is.")
    .argument("<resource>", "node, task, application, contract or link, or such as node/corner")
    .argument("[name]", "which one; a link is named 'from>to'")
    .action((word: string, name: string | undefined) => describe(context, word, name));
}

async function describe(context: Context, word: string, given: string | undefined): Promise<void> {
  const [kind, ...rest] = word.split("/");
  const name = given ?? rest.join("/");
  const resource = await resourceNamed(kind as string);
  if (name === "") throw misused(`which ${resource.kind}? weft get ${resource.plural} lists them`);
  const facts = (FACTS as Readonly<Record<string, Facts | undefined>>)[resource.kind];
  if (facts === undefined || resource.one === undefined) {
    throw misused(
      `${resource.plural} cannot be described: weft get ${resource.kind} ${name} -o yaml shows all`,
    );
  }
  const client = await context.client();
  const [network, item] = await Promise.all([client.call("GET /v1/network", {}), resource.one(client, name)]);
  const { now, currency } = must(network);
  context.print(harmlessLines(await facts(item as never, now, currency)));
}

const harmlessLines = (facts: readonly Fact[]): string => factLines(facts).map(harmless).join("\n");

type Facts = (item: never, now: Instant, currency: string) => Promise<readonly Fact[]> | readonly Fact[];
const FACTS: Readonly<Record<(typeof DESCRIBED)[number], Facts>> = {
  node: nodeFacts,
  task: taskFacts,
  link: linkFacts,
  contract: contractFacts,
  application: applicationFacts,
};

function applicationFacts(application: ApplicationView, now: Instant, currency: string): readonly Fact[] {
  const { plan, reason, objective } = application;
  const least = (bound: number): string =>
    objective === "time" ? time(bound as Micros) : formatMoney(BigInt(Math.floor(bound)) as Money, currency);
  const proof = (): string => {
    if (plan?.proven) return "the best there is";
    return plan?.bound == null ? "not all nodes looked at" : `none is below ${least(plan.bound)}`;
  };
  return [
    ["Name", application.name],
    ["Id", application.id],
    ["Labels", pairs(application.labels)],
    ["Consumer", application.consumer],
    ["Phase", application.phase],
    ["Reason", reason === null ? UNKNOWN : `${reason.message}  [${reason.code}]`],
    ["Submitted", `${formatInstant(application.submittedAt)}, ${since(now, application.submittedAt)} ago`],
    [
      "Ended",
      known(
        application.finishedAt,
        (at) => `${formatInstant(at)}, after ${age((at - application.submittedAt) as Micros)}`,
      ),
    ],
    ["Gang", application.gang ? "all steps or none" : "no"],
    [
      "Plan",
      known(
        plan,
        ({ makespan, cost }) =>
          `${time(makespan)}, ${formatMoney(BigInt(Math.ceil(cost)) as Money, currency)}; by ${objective}: ${proof()}`,
      ),
    ],
    ["Charged", formatMoney(application.charged, currency)],
    // Of many inputs a line each says more than all their steps.
    isStream(application)
      ? ["Inputs", inputLines(application).join("\n")]
      : ["Steps", application.steps.map((step) => stepFact(step, currency))],
  ];
}

const stepFact = (step: StepView, currency: string): Fact => [
  step.name,
  [
    ["phase", step.phase],
    ["after", step.from.join(", ") || "nothing"],
    ["node", step.node ?? UNKNOWN],
    ["planned", known(step.planned, ({ start, finish }) => `${time(start)} to ${time(finish)}`)],
    ["task", step.task ?? UNKNOWN],
    ["charged", known(step.charged, (charged) => formatMoney(charged, currency))],
    [
      "result",
      known(step.result, ({ size, digest, at }) => `${formatBytes(size)} at ${at}, sha256:${digest}`),
    ],
  ],
];

function nodeFacts(node: NodeView, _now: Instant, currency: string): readonly Fact[] {
  const { description, load, reserved } = node;
  const { storage, watts } = description;
  return [
    ["Name", description.id],
    ["Health", node.health],
    ["Tier", description.tier],
    ["Site", description.site],
    ["Domain", description.domain],
    ["Provider", node.provider],
    ["Labels", pairs(description.labels)],
    ["Grade", nodeGrade(description.power)],
    [
      "Computing power",
      COMPUTE_TYPES.map((type): Fact => {
        const left = known(remaining(node, type), (rate) => powerText(rate, type));
        const lane = powerText(description.laneRate[type], type);
        return [type, `${powerText(description.power[type], type)} measured, ${left} left, ${lane} one lane`];
      }),
    ],
    [
      "Memory",
      `${formatMemory(description.memoryBytes)}, ${known(load, (it) => formatMemory(it.freeMemoryBytes))} free, ${formatMemory(reserved.memoryBytes)} reserved`,
    ],
    [
      "Storage",
      `${storageText(storage.capacityBytes, storage.throughput)}, ${storage.storageClass}, ${known(load, (it) => formatBytes(it.freeStorageBytes))} free`,
    ],
    [
      "Accelerators",
      description.accelerators
        .map((one) => `${one.kind} ${one.model}, ${formatMemory(one.memoryBytes)}`)
        .join("\n") || "none",
    ],
    ["Runs", description.runs.join(", ") || "nothing"],
    ["Security", description.security],
    ["Power draw", known(watts, ({ idle, full }) => `${idle} W idle, ${full} W at full load`)],
    ["Carbon", known(description.gramsPerKwh, (grams) => `${grams} g CO2 a kWh`)],
    [
      "Load",
      load === null
        ? UNKNOWN
        : [
            ["accepting", load.accepting ? "yes" : "no"],
            ["battery", load.battery === null ? "on mains" : percent(load.battery)],
            ["queue", COMPUTE_TYPES.map((type) => `${type} ${time(load.queue[type])}`).join(", ")],
            ["known", `${age(node.age)} ago`],
          ],
    ],
    ["Tasks", `${node.runningTasks} running`],
    ["Earned", formatMoney(node.earned, currency)],
  ];
}

function linkFacts(link: LinkView): readonly Fact[] {
  const { state } = link;
  return [
    ["Name", linkName(link)],
    ["State", state.up ? "up" : "down"],
    ["Delay", `${time(state.delay)} one way`],
    ["Jitter", time(state.jitter)],
    ["Loss", percent(state.loss)],
    [
      "Rate",
      `${known(state.capacity, formatBitRate)}, ${formatBitRate(link.reservedBps as BitsPerSecond)} reserved`,
    ],
    ["Bit error rate", known(state.bitErrorRate, String)],
    ["Security", state.security],
    [
      "Radio",
      state.radio === null
        ? "none, or it tells nothing"
        : [
            ["available spectrum", known(state.radio.availableSpectrumHz, (hz) => `${hz / 1e6} MHz`)],
            ["base stations' power", known(state.radio.baseStationPower, (watts) => `${watts} W`)],
          ],
    ],
    ["Probed", `${age(link.age)} ago`],
  ];
}

async function taskFacts(task: TaskView, now: Instant, currency: string): Promise<readonly Fact[]> {
  const { formatManifest, specOf } = await import("@weft/service-http/manifest");
  return [
    ["Name", task.name],
    ["Id", task.id],
    ["Labels", pairs(task.labels)],
    ["Consumer", task.consumer],
    ["Phase", task.phase],
    ["Reason", task.reason === null ? UNKNOWN : `${task.reason.message}  [${task.reason.code}]`],
    ...(task.turn === undefined ? [] : [["Waits for room", turnText(task.turn, now)] as const]),
    ["Submitted", `${formatInstant(task.submittedAt)}, ${since(now, task.submittedAt)} ago`],
    [
      "Ended",
      known(task.finishedAt, (at) => `${formatInstant(at)}, after ${age((at - task.submittedAt) as never)}`),
    ],
    ["Charged", known(task.charged, (charged) => formatMoney(charged, currency))],
    [
      "Result",
      known(task.result, ({ size, digest, at }) => `${formatBytes(size)} at ${at}, sha256:${digest}`),
    ],
    ["Needs", formatManifest(specOf(task.needs)).trimEnd()],
    [
      "Runs",
      task.runs.length === 0 ? "none yet" : task.runs.map((run, i): Fact => [`${i + 1}`, runFacts(run)]),
    ],
  ];
}

function contractFacts(contract: ContractView, now: Instant, currency: string): readonly Fact[] {
  const { steps, dispute, document, measurements } = contract;
  const money = (value: Money | null): string => known(value, (it) => formatMoney(it, currency));
  const levels = document?.terms.levels ?? [];
  return [
    ["Id", contract.id],
    ["Task", contract.task],
    ["Run", contract.run],
    ["Node", contract.node],
    ["Consumer", contract.consumer],
    ["Provider", contract.provider],
    [
      "State",
      contract.closedBecause === null ? contract.state : `${contract.state}: ${contract.closedBecause}`,
    ],
    [
      "States",
      steps.map(({ state, at }, i): Fact => {
        const before = steps[i - 1];
        const when = before === undefined ? formatInstant(at) : `+${time((at - before.at) as Micros)}`;
        return [state, when];
      }),
    ],
    ["Promised", known(contract.completeBy, (at) => `a result by ${formatInstant(at)}`)],
    [
      "At risk",
      levels.map(({ kind, penaltyPpm }) => `${penaltyPpm / 1e4} % for ${kind}`).join(", ") || "nothing",
    ],
    ["At most", money(contract.ceiling)],
    ["Charged", money(contract.charged)],
    ["Penalty", money(contract.penalty)],
    [
      "Measured",
      measurements
        .map(({ measurement }) => `by ${measurement.observer}: not done by ${formatInstant(measurement.to)}`)
        .join("\n") || UNKNOWN,
    ],
    [
      "Dispute",
      dispute === null
        ? UNKNOWN
        : [
            ["by", `${dispute.by}, ${since(now, dispute.at)} ago`],
            ["claim", dispute.claim],
            [
              "ruling",
              dispute.ruling === null
                ? "none yet"
                : `${money(dispute.ruling.refund)} given back by the ${dispute.ruling.borneBy}: ${dispute.ruling.note}`,
            ],
          ],
    ],
    [
      "Signed",
      document === null
        ? UNKNOWN
        : ["consumer", document.manager && "manager", document.provider && "provider"]
            .filter((party) => party)
            .join(", "),
    ],
  ];
}

function runFacts(run: RunView): readonly Fact[] {
  return [
    ["id", run.id],
    ["node", run.node],
    ["path", run.path.join(" > ")],
    ["contract", run.contract],
    ["state", run.because === null ? run.state : `${run.state}: ${run.because}`],
    ["predicted", timelineText(run.predicted)],
    ["took", known(run.actual, timelineText)],
    [
      "counters",
      known(
        run.counters,
        ({ cpuTime, wallTime, peakMemoryBytes, inputBytes, outputBytes }) =>
          `${time(cpuTime)} CPU in ${time(wallTime)}, ${formatMemory(peakMemoryBytes)} at most, ${formatBytes(inputBytes)} in, ${formatBytes(outputBytes)} out`,
      ),
    ],
  ];
}

const timelineText = ({ staging, transferIn, queue, compute, transferOut, total }: Timeline): string =>
  `${time(total)} (in ${time(transferIn)}, queue ${time(queue)}, compute ${time(compute)}, out ${time(transferOut)}; staging ${time(staging)})`;
