export type { Bus } from "./bus.ts";
export { openBus } from "./bus-open.ts";
export { BusServer, WebSocketBus } from "./bus-websocket.ts";
export { Channel, type ChannelHandlers, type ChannelLimits, type SendRefusal, type Sent } from "./channel.ts";
export { type ConnectionHandlers, type ConnectionOptions, ManagerConnection } from "./connection.ts";
export { AgentEndpoint, type EndpointOptions, type Knock } from "./endpoint.ts";
export type { Frame, Json } from "./frame.ts";
export { fromNode, type HostCounters, ParticipantHost, readFromNode, subjectOf } from "./participant-host.ts";
