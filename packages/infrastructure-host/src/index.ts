export { acceleratorsOf, type Execute, findGpus, type GpuFacts, parseGpus } from "./accelerators.ts";
export { EchoResponder } from "./echo.ts";
export {
  type Figures,
  type HostMeasurement,
  lanePower,
  measuredPart,
  type NetworkFigures,
  type RatePair,
  totalPower,
} from "./figures.ts";
export { LinkProber, type LinkProberOptions, type ProbeTarget } from "./link-prober.ts";
export { type HostLoad, LoadMeter, type LoadSources, othersUse } from "./load.ts";
export { type MeasureOptions, measureHost } from "./measure.ts";
export { usableMemory } from "./memory.ts";
export { matrixProduct, type ReferenceModel, referenceNetworks } from "./networks.ts";
export { NO_RADIO, type RadioProbe } from "./radio.ts";
export { limitShare, type ShareEnforcement, type ShareLimit, type ShareOptions } from "./share.ts";
export { type StorageFigures, storageSpace } from "./storage.ts";
export { measureThroughput, type Throughput, type ThroughputOptions } from "./throughput.ts";
