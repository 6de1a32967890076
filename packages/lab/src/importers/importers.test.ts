import { expect, it } from "vitest";
import { readGraphml } from "./graphml.ts";
import { readPlaces } from "./places.ts";
import { formatImportProblem, type Imported } from "./problem.ts";
import { readSndlib } from "./sndlib.ts";
import { readSumoFcd } from "./sumo.ts";
import { readAlibabaPods, readAzureLlm } from "./traces.ts";

const value = <T>(imported: Imported<T>): T => {
  if (!imported.ok) throw new Error(formatImportProblem(imported.refusal));
  return imported.value;
};
const problem = (imported: Imported<unknown>): string =>
  imported.ok ? "read" : formatImportProblem(imported.refusal);

const GRAPHML = `<?xml version="1.0" encoding="utf-8"?>
<!-- three towns <not> a tag -->
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="label" for="node" id="d1" /><key attr.name="Latitude" for="node" id="d2"/>
  <key attr.name="Longitude" for="node" id="d3"/><key attr.name="LinkSpeedRaw" for="edge" id="d4"/>
  <key attr.name="Network" for="graph" id="d5"/>
  <graph edgedefault="undirected">
    <data key="d5">Three &amp; more</data>
    <node id="0"><data key="d1">A</data><data key="d2">52.5</data><data key="d3">13.4</data></node>
    <node id="1"><data key="d1">A</data></node>
    <node id="2"><data key="d1">C</data></node>
    <edge source="0" target="1"><data key="d4">155000000.0</data></edge>
    <edge source="1" target="0"><data key="d4">10000000000.0</data></edge>
    <edge source="2" target="2"/>
    <edge source="1" target="2"/>
  </graph>
</graphml>
`;

it("reads GraphML of the Topology Zoo", () => {
  const topology = value(readGraphml(GRAPHML, "three.graphml"));
  expect(topology.name).toBe("Three & more");
  expect(topology.sites.map(({ name }) => name)).toEqual(["A", "A-2", "C"]);
  expect(topology.sites[0]).toMatchObject({ latitude: 52.5, longitude: 13.4 });
  expect(topology.sites[1]).toMatchObject({ latitude: null });
  expect(topology.cables).toEqual([
    { a: 1, b: 0, delay: null, rate: 10_000_000_000 },
    { a: 1, b: 2, delay: null, rate: null },
  ]);
});

it.each([
  ['target="9"', 'target="1"', 'three.graphml:13  an edge to node "9", which is not there'],
  [
    "</graph>\n</graphml>",
    "</graph>\n</graphml>".slice(0, 8),
    "<graphml> is not ended: is the file cut off?",
  ],
  ["<data key='d9'>", '<data key="d2">', 'three.graphml:9  no <key id="d9">'],
  ["520.5", "52.5", 'three.graphml:9  "520.5" is not a coordinate within 90 degrees'],
  ["</nod>", "</node>", "three.graphml:9  </nod> does not end <node>"],
])("says where GraphML is broken: %s", (wrong, right, said) => {
  const at =
    right === "</graph>" ? GRAPHML.replace("</graph>\n</graphml>", right) : GRAPHML.replace(right, wrong);
  expect(problem(readGraphml(at, "three.graphml"))).toContain(
    said.replace(":13 ", `:${at.split("\n").findIndex((l) => l.includes('target="9"')) + 1} `),
  );
});

const SNDLIB = `{
  "nodes": [
    { "id": "Aachen", "longitude": 6.04, "latitude": 50.76 },
    { "id": "Berlin", "longitude": 13.39, "latitude": 52.52 }
  ],
  "links": [
    { "id": "L1", "source": "Aachen", "target": "Berlin", "pre_installed_capacity": 0.0,
      "modules": [{ "module_capacity": 10.0, "module_cost": 1 }, { "module_capacity": 40.0, "module_cost": 3 }] }
  ],
  "demands": [{ "id": "d", "source": "Berlin", "target": "Aachen", "demand_value": 2.5 }]
}`;

it("reads SNDlib's JSON: capacities and demands", () => {
  const topology = value(readSndlib(SNDLIB, "two.sndlib.json"));
  expect(topology.name).toBe("two");
  expect(topology.cables).toEqual([{ a: 0, b: 1, delay: null, rate: 40e9 }]);
  expect(topology.demands).toEqual([{ from: 1, to: 0, rate: 2.5e9 }]);
});

it.each([
  [SNDLIB.replace('"target": "Berlin"', '"target": "Bonn"'), 'two.json:7  no node "Bonn"'],
  [SNDLIB.replace("52.52", '"far"'), 'two.json:4  "latitude" is no number'],
  [SNDLIB.replace('"nodes"', '"knots"'), 'two.json:1  no list "nodes"'],
  [SNDLIB.slice(0, 200), "two.json:"],
  ["[1, 2]", "two.json:1  not a JSON object"],
])("says where SNDlib's JSON is broken (%#)", (text, said) => {
  expect(problem(readSndlib(text, "two.json"))).toContain(said);
});

it("reads places with quoted names, byte order mark and Windows line ends", () => {
  const text =
    '\ufeffSITE_ID,LATITUDE,LONGITUDE,NAME,STATE\r\n7,-37.8,144.9,"King, ""Optus"" St",VIC\r\n\r\n8,-37.9,145,x,VIC\r\n';
  expect(value(readPlaces(text, "sites.csv"))).toEqual([
    { name: "7", latitude: -37.8, longitude: 144.9, region: "VIC" },
    { name: "8", latitude: -37.9, longitude: 145, region: "VIC" },
  ]);
  expect(value(readPlaces("Latitude,Longitude\n1,2\n", "users.csv"))[0]).toMatchObject({
    name: "place-1",
    region: null,
  });
});

it.each([
  ["lat,long\n1,2\n", "sites.csv:1  no column latitude, longitude\n  hint: the header has lat, long"],
  ["latitude,longitude\n1,2\n1\n", "sites.csv:3  1 fields where the header has 2"],
  ["latitude,longitude\n1,x\n", 'sites.csv:2  longitude: found "x", expected a number'],
  ["latitude,longitude\n91,0\n", "sites.csv:2  91, 0 is not on Earth"],
  ['latitude,longitude\n"1,0\n', "sites.csv:2  a quote that is not closed"],
  ["", "sites.csv:1  an empty file"],
])("says where a CSV of places is broken (%#)", (text, said) => {
  expect(problem(readPlaces(text, "sites.csv"))).toContain(said);
});

it("reads requests of the Azure trace from the first on, to the microsecond", () => {
  const text =
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n";
  expect(value(readAzureLlm(text, "llm.csv"))).toEqual([
    { at: 0, contextTokens: 374, generatedTokens: 44 },
    { at: 4_314_579, contextTokens: 396, generatedTokens: 109 },
  ]);
  expect(problem(readAzureLlm(text.replace("16 18:15:50", "15 18:15:50"), "llm.csv"))).toContain(
    "llm.csv:3  earlier",
  );
  expect(problem(readAzureLlm(text.replace("2023-11-16 18:15:46", "yesterday"), "llm.csv"))).toContain(
    "llm.csv:2  TIMESTAMP",
  );
});

it("reads pods of the Alibaba trace", () => {
  const pods =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\np0,6000,12288,1,460,,LS,Running,10,25,10\n";
  expect(value(readAlibabaPods(pods, "pods.csv"))).toEqual([
    { name: "p0", at: 10e6, lasts: 15e6, cores: 6, memoryMib: 12288, gpus: 0.46 },
  ]);
  expect(problem(readAlibabaPods(pods.replace(",10,25,", ",10,5,"), "pods.csv"))).toContain(
    "pods.csv:2  deleted before",
  );
});

const FCD = `<fcd-export>
  <timestep time="0.00"><vehicle id="v0" x="1.5" y="2" angle="90"/><person id="p" x="0" y="0"/></timestep>
  <timestep time="1.00">
    <vehicle id="v0" x="3" y="2"/>
  </timestep>
</fcd-export>`;

it("reads floating-car data of SUMO", () => {
  expect(value(readSumoFcd(FCD, "fcd.xml"))).toEqual([
    { vehicle: "v0", at: [0, 1e6], x: [1.5, 3], y: [2, 2] },
    { vehicle: "p", at: [0], x: [0], y: [0] },
  ]);
  expect(problem(readSumoFcd(FCD.replace('x="3" ', ""), "fcd.xml"))).toContain(
    "fcd.xml:4  <vehicle> x: found nothing",
  );
  expect(problem(readSumoFcd("<routes/>", "fcd.xml"))).toContain(
    "fcd.xml:1  <routes>, expected <fcd-export>",
  );
  expect(problem(readSumoFcd(FCD.replace("1.00", "-1"), "fcd.xml"))).toContain(
    "fcd.xml:3  a time step before",
  );
});
