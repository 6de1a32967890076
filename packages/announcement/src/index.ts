export {
  ARCHITECTURES,
  type Architecture,
  MANAGER_PARTICIPANT,
  neighbourhoods,
  takePart,
} from "./architectures.ts";
export { canopy, REGION_SETTINGS, REGION_WORTH } from "./canopy.ts";
export {
  Collector,
  type CollectorInput,
  type CollectorOutput,
  type CollectorSettings,
} from "./centralised/collector.ts";
export {
  type CentralisedMessage,
  decodeCentralised,
  encodeCentralised,
  type ReportMessage,
  type ResyncMessage,
} from "./centralised/messages.ts";
export { CentralisedAgent, centralisedCollector } from "./centralised/participant.ts";
export { Reporter, type ReporterInput, type ReporterOutput } from "./centralised/reporter.ts";
export type { Facet, Fact, StateFacet } from "./facts.ts";
export { linkState } from "./linkstate.ts";
export type { FloodingTimes } from "./mesh/flooding.ts";
export { Mesh } from "./mesh/mesh.ts";
export type { MeshMessage } from "./mesh/messages.ts";
export {
  DEFAULT_MESH_SETTINGS,
  type MeshSettings,
  type Neighbourhood,
  type Spread,
} from "./mesh/neighbourhood.ts";
export { Trees, type TreeTimes } from "./mesh/trees.ts";
export type { Participant, ParticipantInput, ParticipantOutput, SharedParticipant } from "./participant.ts";
export type { CatsMetric } from "./pathvector/cats.ts";
export type { PathVectorMessage } from "./pathvector/messages.ts";
export {
  DEFAULT_PATH_VECTOR_SETTINGS,
  PathVector,
  type PathVectorSettings,
} from "./pathvector/pathvector.ts";
export { type ExportPolicy, type Relation, type Route, TELL_ALL, valleyFree } from "./pathvector/routes.ts";
export type { SessionEvents, SessionSettings } from "./pathvector/session.ts";
export type { Publication, PublisherSettings } from "./publisher.ts";
export { type AnnouncementRecord, encodeRecord, makeRecord } from "./record.ts";
export { aggregate, NODES_LABEL, type RegionIdentity } from "./regional/aggregate.ts";
export { Gateway, type GatewayOptions } from "./regional/gateway.ts";
export { completion, type Probe } from "./regional/probes.ts";
export {
  DEFAULT_WORTH,
  regret,
  type WorthSettings,
  worthOf,
} from "./regional/worth.ts";
export type { Significance, Thresholds } from "./significance.ts";
export { Throttle, type ThrottleTimes } from "./throttle.ts";
export {
  type Acceptance,
  type Change,
  type Counters,
  type OriginView,
  View,
  type ViewSettings,
} from "./view.ts";
export type { Drop, Health } from "./view-entry.ts";
export type { WireRefusal } from "./wire.ts";
