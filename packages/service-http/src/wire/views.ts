import type { DomainId, LinkState, NodeDescription, NodeId, NodeLoad, SiteId } from "@weft/infrastructure";
import type {
  BitsPerSecond,
  Bytes,
  BytesPerSecond,
  GramsCo2,
  Joules,
  Micros,
  Operations,
  OperationsPerSecond,
  Ratio,
  Refusal,
  Watts,
} from "@weft/kernel";
import type { ConstraintCode, Explanation, TaskNeeds } from "@weft/scheduling";
import type {
  KeptPromise,
  LinkView,
  NodeView,
  PlacePromised,
  RunView,
  TaskView,
  Timeline,
  TurnView,
} from "@weft/service";
import { z } from "zod";
import type {
  DecisionView,
  DomainView,
  HealthView,
  LogLine,
  NetworkView,
  PlacementView,
  SiteView,
} from "../views.ts";
import { priceList } from "./offers.ts";
import { digest, instant, money, named, publicKey, quantity } from "./quantities.ts";

const node = () => named<NodeId>();
const site = () => named<SiteId>();
const micros = () => quantity<Micros>("Microseconds.");
const bytes = () => quantity<Bytes>("Bytes.");
const rate = () => quantity<OperationsPerSecond>("Operations a second; floating-point ones unless logical.");
const labels = () => z.record(z.string(), z.string());

const power = () => z.looseObject({ logical: rate(), parallel: rate(), neural: rate() });
const programKind = z.enum(["wasm", "model", "process"]);
const security = z.enum(["open", "encrypted", "isolated"]);
const storageClass = z.enum(["scratch", "durable"]);
const tier = z.enum(["cloud", "edge", "end"]);

export const refusal: z.ZodType<Refusal, Refusal> = z.looseObject({
  code: z.string().describe("Stable; part of the interface."),
  message: z.string(),
  path: z.string().optional().describe("Path of the offending field."),
  found: z.string().optional(),
  expected: z.string().optional(),
  hint: z.string().optional().describe("What the asker can do about it."),
});

const timeline: z.ZodType<Timeline> = z.looseObject({
  staging: micros(),
  transferIn: micros(),
  queue: micros(),
  compute: micros(),
  transferOut: micros(),
  total: micros().describe("Without staging: programs are brought to a node once."),
});

const nodeDescription: z.ZodType<NodeDescription> = z.looseObject({
  id: node(),
  tier,
  site: site(),
  domain: named<DomainId>(),
  labels: labels(),
  power: power(),
  laneRate: power(),
  memoryBytes: bytes(),
  storage: z.looseObject({
    capacityBytes: bytes(),
    throughput: quantity<BytesPerSecond>("Bytes a second."),
    storageClass,
  }),
  accelerators: z.array(
    z.looseObject({ kind: z.enum(["gpu", "npu"]), model: z.string(), memoryBytes: bytes() }),
  ),
  runs: z.array(programKind),
  security,
  watts: z.looseObject({ idle: quantity<Watts>("Watts."), full: quantity<Watts>("Watts.") }).nullable(),
  gramsPerKwh: z.number().nullable(),
});

const nodeLoad: z.ZodType<NodeLoad> = z.looseObject({
  node: node(),
  othersUse: power(),
  freeMemoryBytes: bytes(),
  freeStorageBytes: bytes(),
  queue: z.looseObject({ logical: micros(), parallel: micros(), neural: micros() }),
  battery: quantity<Ratio>("0 to 1; null on mains power.").nullable(),
  accepting: z.boolean(),
  at: instant(),
});

export const nodeView: z.ZodType<NodeView> = z.looseObject({
  description: nodeDescription,
  provider: z.string(),
  load: nodeLoad.nullable(),
  health: z.enum(["up", "suspect", "down"]),
  age: micros().describe("How old what is known of its load is, in microseconds."),
  reserved: z.looseObject({ power: power(), memoryBytes: bytes(), storageBytes: bytes() }),
  runningTasks: z.int(),
  earned: money(),
});

const linkState: z.ZodType<LinkState> = z.looseObject({
  from: site(),
  to: site(),
  up: z.boolean(),
  delay: micros().nullable(),
  jitter: micros().nullable(),
  loss: quantity<Ratio>("0 to 1.").nullable(),
  capacity: quantity<BitsPerSecond>("Bits a second.").nullable(),
  bitErrorRate: z.number().nullable(),
  security,
  radio: z
    .looseObject({
      availableSpectrumHz: z.number().nullable(),
      baseStationPower: quantity<Watts>("Watts.").nullable(),
    })
    .nullable()
    .describe("null: no radio, or none that tells."),
  at: instant(),
});

export const linkView: z.ZodType<LinkView> = z.looseObject({
  state: linkState,
  age: micros(),
  reservedBps: z.number(),
});

export const siteView: z.ZodType<SiteView> = z.looseObject({
  id: site(),
  domain: named<DomainId>(),
  gateway: z.string().nullable().describe("URL where data at this site can be put and fetched."),
  nodes: z.array(node()),
});

export const domainView: z.ZodType<DomainView> = z.looseObject({
  id: named<DomainId>(),
  node: node()
    .nullable()
    .describe("Its name as one node of this domain's pool; null for this domain itself."),
  state: z.enum(["own", "up", "silent", "withdrawn", "unknown"]),
  key: publicKey(),
  relation: z.enum(["customer", "peer", "provider"]).nullable(),
  path: z.array(z.string()).nullable().describe("Domains on the way there; null: no route."),
  nodes: z.int().nullable().describe("Nodes on offer; null: unknown."),
  power: power().nullable(),
  prices: priceList.nullable(),
  age: micros().nullable(),
  owed: money().nullable().describe("What this domain owes it; for managers only."),
  credit: money().nullable().describe("How much it may owe; for managers only."),
  sent: z.int(),
  taken: z.int(),
});

/** Where content is put and fetched, and the bearer token that it takes: another than the API's, which no gateway sees. */
export interface GatewaysView {
  readonly token: string;
  readonly items: readonly { readonly site: SiteId; readonly url: string }[];
}
export const gatewaysView: z.ZodType<GatewaysView> = z.looseObject({
  token: z.string(),
  items: z.array(z.looseObject({ site: site(), url: z.string() })),
});

export const networkView: z.ZodType<NetworkView> = z.looseObject({
  name: z.string(),
  version: z.string(),
  currency: z.string(),
  managerKey: publicKey(),
  defaultSite: site(),
  domain: named<DomainId>(),
  announcement: z.string().describe("How nodes announce themselves: centralised, link-state, ..."),
  bus: z.string().describe("What announcements travel over: embedded, or the NATS server's address."),
  startedAt: instant(),
  now: instant(),
});

export const contentReference = z.looseObject({ digest: digest(), size: bytes() });

const objective = z.union([
  z.looseObject({ kind: z.enum(["cost", "time", "energy", "carbon"]) }),
  z.looseObject({
    kind: z.literal("weighted"),
    perSecond: z.number(),
    perJoule: z.number(),
    perGram: z.number(),
  }),
]);

const taskNeeds: z.ZodType<TaskNeeds> = z.looseObject({
  basic: z.looseObject({
    inputBytes: bytes(),
    resultBytes: bytes(),
    dataType: z.string().nullable(),
    dataAt: site(),
    mayLeaveTo: z.array(site()).nullable(),
    deadline: micros().nullable(),
    sticky: z.looseObject({ key: z.string(), keepFor: micros() }).nullable(),
  }),
  compute: z.looseObject({
    type: z.enum(["logical", "parallel", "neural"]),
    work: quantity<Operations>("Operations."),
    atLeast: rate(),
    lanes: z
      .number()
      .nullable()
      .describe("null: all there are.")
      .transform((lanes) => lanes ?? Number.POSITIVE_INFINITY),
    accelerator: z
      .looseObject({ kind: z.enum(["gpu", "npu"]), memoryBytes: bytes(), count: z.exactOptional(z.int()) })
      .nullable(),
  }),
  storage: z.looseObject({
    capacity: bytes(),
    throughput: quantity<BytesPerSecond>("Bytes a second."),
    storageClass: storageClass.nullable(),
  }),
  algorithm: z.looseObject({
    function: z.string(),
    timeComplexity: z.string().nullable(),
    space: bytes(),
  }),
  network: z.looseObject({
    delay: micros().nullable(),
    bandwidth: quantity<BitsPerSecond>("Bits a second."),
    jitter: micros().nullable(),
    loss: z.number().nullable(),
    bitErrorRate: z.number().nullable(),
    security,
  }),
  where: z.looseObject({
    runs: programKind,
    tier: tier.nullable(),
    domain: named<DomainId>().nullable(),
    labels: labels(),
    avoid: z.array(node()),
  }),
  objective,
  payAtMost: money().nullable(),
  priority: z.exactOptional(z.int()),
  startAt: z.exactOptional(instant()),
});

export const TASK_PHASES = ["pending", "launched", "running", "succeeded", "failed", "cancelled"] as const;

const runView: z.ZodType<RunView> = z.looseObject({
  id: z.string(),
  node: z.string(),
  path: z.array(site()),
  contract: z.string(),
  state: z.enum(["launched", "staging", "fetching", "running", "returning", "finished", "lost", "failed"]),
  because: z.string().nullable() as unknown as z.ZodType<RunView["because"], string | null>,
  predicted: timeline,
  correction: z.number().describe("The factor learnt for this function on this node, in the prediction."),
  actual: timeline.nullable(),
  counters: z
    .looseObject({
      cpuTime: micros(),
      wallTime: micros(),
      peakMemoryBytes: bytes(),
      inputBytes: bytes(),
      outputBytes: bytes(),
    })
    .nullable(),
});

const SHARED = ["logical", "parallel", "neural", "memory", "storage", "throughput", "gpu", "npu"] as const;

const dominantShare = z.looseObject({
  share: z.number().describe("Part of all there is, 0 to 1."),
  resource: z.enum(SHARED).nullable().describe("Of which resource; null: nothing is held."),
});

const placeAwaited = z.looseObject({
  node: node(),
  keptSince: instant(),
  promised: instant().describe("Nothing that began since is there after this moment."),
  expected: instant().nullable().describe("When it is expected to be free; null: not as the node is now."),
  latest: instant().describe("When the last contract lapses of what ran there before."),
  waitsFor: z.int().describe("Runs that stand there since before the place was kept."),
});

const turnView: z.ZodType<TurnView> = dominantShare
  .extend({
    own: z.int().describe("Tasks of its own consumer before it."),
    promised: z.int().describe("Tasks that a place is kept for: they go before all."),
    ahead: z.array(dominantShare.extend({ consumer: z.string().nullable(), tasks: z.int() })),
    place: placeAwaited.optional().describe("The place kept for it."),
    placeFrom: instant().optional().describe("From when on a place may be kept for it."),
  })
  .describe("Dominant share of the task's consumer, and what goes before it.");

export const taskView: z.ZodType<TaskView> = z.looseObject({
  id: z.string(),
  name: z.string(),
  labels: labels(),
  consumer: z.string(),
  phase: z.enum(TASK_PHASES),
  reason: refusal.nullable(),
  needs: taskNeeds,
  submittedAt: instant(),
  finishedAt: instant().nullable(),
  runs: z.array(runView),
  result: contentReference.extend({ at: site() }).nullable(),
  charged: money().nullable(),
  turn: turnView.optional(),
});

export const placementView: z.ZodType<PlacementView> = z.looseObject({
  node: node(),
  site: site(),
  path: z.array(site()).describe("Sites from the data to the node, both included."),
  predicted: timeline,
  price: money(),
  priceAtMost: money().nullable(),
  kept: z.boolean(),
  energy: quantity<Joules>("Joules.").nullable(),
  carbon: quantity<GramsCo2>("Grams of CO2 equivalent.").nullable(),
});

/** A number that may be endless, which JSON writes as null. */
const endless = () =>
  z
    .number()
    .nullable()
    .describe("null: without end.")
    .transform((value) => value ?? Number.POSITIVE_INFINITY);
const constraint = z.string() as unknown as z.ZodType<ConstraintCode, string>;

const explanation: z.ZodType<Explanation> = z.looseObject({
  nodesConsidered: z.int(),
  pathsConsidered: z.int(),
  fitting: z.int().describe("How many nodes would have served."),
  ruledOut: z.array(
    z.looseObject({
      constraint,
      asked: z.string().describe("What the task asks, such as 250 ms."),
      nodes: z.int(),
      paths: z.int(),
      examples: z.array(z.looseObject({ name: z.string(), offers: z.string() })),
    }),
  ),
  nearestMiss: z
    .looseObject({
      node: node(),
      misses: z.array(
        z.looseObject({
          constraint,
          asked: z.number().nullable(),
          offered: z.number().nullable(),
          fixes: z.array(z.string()).describe("What would make it fit, alternatives apart."),
        }),
      ),
    })
    .nullable(),
  runnersUp: z.array(
    z.looseObject({
      node: node(),
      path: z.array(site()),
      total: endless(),
      cost: endless(),
      score: endless(),
      lostBy: z.looseObject({ criterion: z.string(), chosen: endless(), own: endless() }),
    }),
  ),
});

const keptPromise: z.ZodType<KeptPromise> = z
  .looseObject({
    at: instant(),
    what: z.enum(["rerouted", "moved", "broken", "kept"]),
    broken: z
      .looseObject({
        constraint: z.enum(["delay", "jitter", "loss", "bitErrorRate", "bandwidth", "deadline"]),
        limit: z.number().describe("Microseconds, a share, or bits a second."),
        found: z.number(),
      })
      .nullable(),
    node: z.string().describe("Where it was."),
  })
  .describe(
    "What was done for the task last because a link got worse; broken: nothing would keep its promise.",
  );

const placePromised: z.ZodType<PlacePromised> = z
  .looseObject({
    node: node(),
    from: instant().describe("When it is to begin."),
    to: instant().describe("Until when the place is its own."),
    since: instant().describe("When it was promised: only what came later is held back for it."),
  })
  .describe("The place promised a task for its moment, until it has begun.");

const decision = {
  at: instant(),
  placement: placementView.nullable().describe("null: nothing fits."),
  refusal: refusal.nullable(),
  explanation: explanation.nullable().describe("null where the reasons were not kept."),
  abroad: z
    .looseObject({ domain: named<DomainId>(), price: money(), takes: micros() })
    .optional()
    .describe("The quote of the other domain's manager, where the task went abroad."),
  turn: turnView.optional(),
  promise: keptPromise.optional(),
  reserved: placePromised.optional(),
};
export const decisionView: z.ZodType<DecisionView> = z.looseObject(decision);
/** A decision among several, by its task's name. Not an intersection: that would compare figures read with figures as sent. */
export const namedDecisionView: z.ZodType<DecisionView & { readonly name: string }> = z.looseObject({
  name: z.string(),
  ...decision,
});

export const logLine: z.ZodType<LogLine> = z.looseObject({
  serial: z.int(),
  run: z.string(),
  at: instant(),
  stream: z.enum(["stdout", "stderr", "weft"]),
  text: z.string(),
});

export const healthView: z.ZodType<HealthView> = z.looseObject({
  ready: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
});
