export * from "./generators.ts";
export * from "./importers/graphml.ts";
export * from "./importers/places.ts";
export * from "./importers/problem.ts";
export * from "./importers/sndlib.ts";
export * from "./importers/sumo.ts";
export * from "./importers/traces.ts";
export * from "./topology.ts";
