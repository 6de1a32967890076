export * from "./manager-api.ts";
export * from "./manifest/index.ts";
export { ROUTES, type RouteAnswer, type RouteInput, type RouteName } from "./routes.ts";
export * from "./selector.ts";
export { newSecret, tokenDigest } from "./server/access.ts";
export { EventLog } from "./server/event-log.ts";
export { nodeLabels } from "./server/handlers.ts";
export { type ApiServer, type ApiServerOptions, createApiServer } from "./server/server.ts";
export { keyProofText } from "./wire/requests.ts";
