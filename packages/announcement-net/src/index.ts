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
