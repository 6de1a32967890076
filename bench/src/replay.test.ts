import { expect, it } from "vitest";
import { parseNodes, parseTasks, syntheticTrace } from "./cluster-trace.ts";
import { fillUp, fragmentation, replayInTime } from "./replay.ts";
import { bestFit, firstFit, poolOf, weft } from "./replay-policies.ts";

const NODES = "sn,cpu_milli,memory_mib,gpu,model\n";
const TASKS =
  "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";

function read(nodes: string, tasks: string) {
  const [n, t] = [parseNodes("nodes.csv", nodes), parseTasks("tasks.csv", tasks)];
  if (!n.ok || !t.ok) throw new Error("does not parse");
  return { nodes: n.value, tasks: t.value };
}

it("reads the format, and names the line of the first mistake", () => {
  const { nodes, tasks } = read(
    `${NODES}a,32000,262144,0,\nb,96000,524288,8,V100M16\n`,
    `${TASKS}p,12000,16384,1,460,V100M16|V100M32,LS,Running,10,110,20\nq,1000,1,0,0,,BE,Pending,5,9,\n`,
  );
  expect(nodes[1]).toEqual({ name: "b", cpuMilli: 96000, memoryMib: 524288, gpus: 8, model: "V100M16" });
  expect(tasks[0]).toMatchObject({ gpuMilli: 460, models: ["V100M16", "V100M32"], arrives: 10, runsFor: 90 });
  expect(tasks[1]).toMatchObject({ gpus: 0, models: [], runsFor: 4 });
  const mistakes: [string, string][] = [
    [
      parseWrong(parseNodes("nodes.csv", `${NODES}a,32000,262144,0,\nb,96e3,1,8,X\n`)),
      "nodes.csv:3 cpu_milli does not fit",
    ],
    [parseWrong(parseNodes("nodes.csv", `${NODES}a,1,1,1,\n`)), "nodes.csv:2 model does not fit"],
    [parseWrong(parseNodes("nodes.csv", "sn;cpu\n")), "nodes.csv:1 is not the header of such a file"],
    [parseWrong(parseTasks("t.csv", `${TASKS}p,1,1,1\n`)), "t.csv:2 has another number of fields"],
    [parseWrong(parseTasks("t.csv", `${TASKS}p,1,1,1,1001,,,,0,1,0\n`)), "t.csv:2 gpu_milli does not fit"],
    [parseWrong(parseTasks("t.csv", `${TASKS}p,1,1,0,0,,,,9,1,0\n`)), "t.csv:2 deletion_time does not fit"],
  ];
  for (const [got, expected] of mistakes) expect(got).toBe(expected);
});

function parseWrong(result: { ok: boolean; refusal?: { message: string } }): string {
  return result.refusal?.message ?? "parses";
}

it("gives each policy the same tasks: placed and refused add up, and no device is shared beyond itself", () => {
  const made = syntheticTrace(20, 120, 5);
  const { nodes, tasks } = read(made.nodes, made.tasks);
  for (const policy of [weft, bestFit, firstFit]) {
    const inTime = replayInTime(nodes, tasks, policy);
    const refused = Object.values(inTime.refused).reduce((sum, count) => sum + count, 0);
    expect(inTime.placed + refused).toBe(tasks.length);
    const filled = fillUp(nodes, tasks, policy, 1);
    expect(filled.gpuUse).toBeGreaterThan(0.5);
    expect(filled.gpuUse).toBeLessThanOrEqual(1);
    expect(filled.fragmentation).toBeGreaterThanOrEqual(0);
    expect(filled.fragmentation).toBeLessThanOrEqual(1);
  }
});

it("keeps a model that is asked for by name for those that ask, and says why it refuses", () => {
  const { nodes, tasks } = read(
    `${NODES}plain,32000,262144,0,\nrare,32000,262144,1,X\ncommon,32000,262144,1,Y\n`,
    `${TASKS}a,1000,1024,1,1000,,BE,Running,0,9,0\nb,1000,1024,1,1000,X,BE,Running,1,9,1\nd,1000,1024,0,0,,BE,Running,2,9,2\n`,
  );
  expect(replayInTime(nodes, tasks, weft)).toMatchObject({ placed: 3, refused: {} });
  expect(replayInTime(nodes, tasks, firstFit)).toMatchObject({ placed: 2, refused: { no_capacity: 1 } });
});

it("counts as fragments what no task of the trace can use", () => {
  const { nodes, tasks } = read(`${NODES}n,1000,1024,2,X\n`, `${TASKS}a,2000,1,1,500,,BE,Running,0,9,0\n`);
  expect(fragmentation(poolOf(nodes, tasks), tasks)).toBe(1);
  const roomy = read(`${NODES}n,4000,1024,2,X\n`, `${TASKS}a,2000,1,1,500,,BE,Running,0,9,0\n`);
  expect(fragmentation(poolOf(roomy.nodes, roomy.tasks), roomy.tasks)).toBe(0);
});
