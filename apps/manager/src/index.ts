export { type ManagerConfig, readConfig } from "./config.ts";
export { type RunningManager, startManager } from "./manager-process.ts";
