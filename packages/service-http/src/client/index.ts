export * from "../manager-api.ts";
export { ROUTES, type RouteAnswer, type RouteInput, type RouteName } from "../routes.ts";
export * from "../selector.ts";
export { wireText } from "../wire/quantities.ts";
export { keyProofText } from "../wire/requests.ts";
export type { GatewaysView } from "../wire/views.ts";
export * from "./client.ts";
export * from "./contents.ts";
export * from "./documents.ts";
