export { type ManagerConfig, type ManagerSettings, managerConfig, readConfig } from "./config.ts";
export { type RunningManager, serveManager, startManager } from "./manager-process.ts";
