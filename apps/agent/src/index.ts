export { JoinRefused, type RunningAgent, startAgent } from "./agent-process.ts";
export { type AgentConfig, type AgentSettings, agentConfig, priceListFor, readConfig } from "./config.ts";
