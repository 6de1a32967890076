export { type NetworkOptions, type NetworkStep, type RunningNetwork, startNetwork } from "./network.ts";
export { type NetworkFile, parseNetworkFile, readNetworkFile } from "./network-file.ts";
