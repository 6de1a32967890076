export { type ManagerConfig, type ManagerSettings, managerConfig, readConfig } from "./config.ts";
export { type RunningManager, serveManager } from "./manager-process.ts";
