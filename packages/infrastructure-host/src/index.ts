export { type Execute, type GpuFacts, parseGpus } from "./accelerators.ts";
export { EchoResponder } from "./echo.ts";
export {
  type Figures,
  type HostMeasurement,
  measuredPart,
  type NetworkFigures,
  type RatePair,
} from "./figures.ts";
export { LinkProber, type LinkProberOptions, type ProbeTarget } from "./link-prober.ts";
export { type HostLoad, LoadMeter, type LoadSources, othersUse } from "./load.ts";
export { type MeasureOptions, measureHost } from "./measure.ts";
export type { ReferenceModel } from "./networks.ts";
export type { RadioProbe } from "./radio.ts";
export { limitShare, type ShareEnforcement, type ShareLimit, type ShareOptions } from "./share.ts";
export type { StorageFigures } from "./storage.ts";
export type { Throughput, ThroughputOptions } from "./throughput.ts";
