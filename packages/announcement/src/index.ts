export {
  ARCHITECTURES,
  type Architecture,
  DOMAIN_SETTINGS,
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
  DEFAULT_COLLECTOR_SETTINGS,
} from "./centralised/collector.ts";
export {
  type CentralisedMessage,
  decodeCentralised,
  encodeCentralised,
  MAX_MESSAGE_BYTES,
  type ReportMessage,
  type ResyncMessage,
} from "./centralised/messages.ts";
export { CentralisedAgent, centralisedCollector } from "./centralised/participant.ts";
export { Reporter, type ReporterInput, type ReporterOutput } from "./centralised/reporter.ts";
export {
  decodeFact,
  encodeFact,
  FACETS,
  type Facet,
  type Fact,
  STATE_FACETS,
  type StateFacet,
} from "./facts.ts";
export { linkState } from "./linkstate.ts";
export { DEFAULT_FLOODING_TIMES, Flooding, type FloodingTimes } from "./mesh/flooding.ts";
export { Mesh } from "./mesh/mesh.ts";
export { decodeMesh, encodeMesh, type MeshMessage } from "./mesh/messages.ts";
export {
  DEFAULT_MESH_SETTINGS,
  type MeshSettings,
  type Neighbourhood,
  type Spread,
} from "./mesh/neighbourhood.ts";
export { DEFAULT_TREE_TIMES, Trees, type TreeTimes } from "./mesh/trees.ts";
export type { Participant, ParticipantInput, ParticipantOutput, SharedParticipant } from "./participant.ts";
export {
  CATS_SOURCES,
  CATS_TYPES,
  type CatsMetric,
  catsMetrics,
  catsScore,
  decodeCats,
  encodeCats,
} from "./pathvector/cats.ts";
export { decodePathVector, encodePathVector, type PathVectorMessage } from "./pathvector/messages.ts";
export {
  DEFAULT_PATH_VECTOR_SETTINGS,
  PathVector,
  type PathVectorSettings,
} from "./pathvector/pathvector.ts";
export { type ExportPolicy, type Relation, type Route, TELL_ALL, valleyFree } from "./pathvector/routes.ts";
export { Session, type SessionEvents, type SessionSettings } from "./pathvector/session.ts";
export {
  DEFAULT_PUBLISHER_SETTINGS,
  type Publication,
  Publisher,
  type PublisherSettings,
} from "./publisher.ts";
export {
  type AnnouncementRecord,
  decodeRecord,
  encodeRecord,
  isSignedBy,
  MAX_RECORD_BYTES,
  makeRecord,
} from "./record.ts";
export { aggregate, NODES_LABEL, type RegionIdentity } from "./regional/aggregate.ts";
export { Gateway, type GatewayOptions } from "./regional/gateway.ts";
export {
  bestOfOthers,
  completion,
  DEFAULT_PROBES,
  DEFAULT_WORTH,
  judgeByRegret,
  type Probe,
  regret,
  type WorthSettings,
  worthOf,
} from "./regional/worth.ts";
export {
  DEFAULT_THRESHOLDS,
  linksSignificance,
  loadSignificance,
  type Significance,
  type Thresholds,
} from "./significance.ts";
export { Throttle, type ThrottleTimes } from "./throttle.ts";
export {
  type Acceptance,
  type Change,
  type Counters,
  DEFAULT_VIEW_SETTINGS,
  type Drop,
  type Health,
  type OriginView,
  View,
  type ViewSettings,
} from "./view.ts";
export type { WireRefusal } from "./wire.ts";
