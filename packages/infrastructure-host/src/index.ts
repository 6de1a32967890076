export { type Execute, findAccelerators } from "./accelerators.ts";
export {
  type Figures,
  type HostMeasurement,
  lanePower,
  measuredPart,
  type NetworkFigures,
  type RatePair,
  totalPower,
} from "./figures.ts";
export { type MeasureOptions, measureHost } from "./measure.ts";
export { usableMemory } from "./memory.ts";
export { matrixProduct, type ReferenceModel, referenceNetworks } from "./networks.ts";
export { type StorageFigures, storageSpace } from "./storage.ts";
