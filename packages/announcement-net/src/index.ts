export { BUS_MESSAGE_BYTES, type Bus, isSubject } from "./bus.ts";
export { NatsBus } from "./bus-nats.ts";
export { openBus } from "./bus-open.ts";
export { BUS_PATH, BusServer, WebSocketBus } from "./bus-websocket.ts";
export {
  Channel,
  type ChannelHandlers,
  type ChannelLimits,
  DEFAULT_CHANNEL_LIMITS,
  type SendRefusal,
  type Sent,
} from "./channel.ts";
export { type ConnectionHandlers, type ConnectionOptions, ManagerConnection } from "./connection.ts";
export { AGENTS_PATH, AgentEndpoint, type EndpointOptions, type Knock } from "./endpoint.ts";
export type { Frame, Json } from "./frame.ts";
export { fromNode, type HostCounters, ParticipantHost, readFromNode, subjectOf } from "./participant-host.ts";
