export { EmulatedLinks } from "./links.ts";
export type { Distance, EmulatedLink, EmulatedLinksSpec, GatewayPlace } from "./spec.ts";
