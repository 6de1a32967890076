export { AgentCore, type AgentIdentity, type AgentInput, type AgentOutput } from "./agent/agent.ts";
export { Envelopes, passHolder, peerPass } from "./federation/envelope.ts";
export * from "./federation/messages.ts";
export { onOffer } from "./federation/offering.ts";
export type { ApplicationsCommand } from "./manager/applications/commands.ts";
export { applicationView } from "./manager/applications/view.ts";
export {
  type BillingPolicy,
  type Payout,
  PLAIN_BILLING,
  payoutOf,
  tooLittle,
} from "./manager/billing.ts";
export * from "./manager/core.ts";
export { highestPrice } from "./manager/drafting.ts";
export { Manager } from "./manager/manager.ts";
export { listOf, reputation } from "./manager/offers.ts";
export {
  actsOf,
  type NewMemberToken,
  type OrganisationsCommand,
  organisationOf,
} from "./manager/organisations.ts";
export type { OffersCommand } from "./manager/repricing.ts";
export { type Quote, quotesFor } from "./manager/selling.ts";
export { turnOf } from "./manager/shares.ts";
export { type RunEntry, type TaskEntry, taskView } from "./manager/tasks.ts";
export * from "./memory-store.ts";
export * from "./predictor.ts";
export * from "./protocol.ts";
export * from "./resources.ts";
export { type ManifestRun, objectionToWork, programOf } from "./signed-work.ts";
export * from "./store.ts";
export * from "./stored-text.ts";
export * from "./wire.ts";
