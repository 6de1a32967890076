export { type DomainsOptions, type RunningDomains, startDomains } from "./domains.ts";
export { type NetworkOptions, type NetworkStep, type RunningNetwork, startNetwork } from "./network.ts";
export {
  type DomainsFile,
  type NetworkFile,
  parseNetworkFile,
  readNetworkFile,
  readUpFile,
} from "./network-file.ts";
