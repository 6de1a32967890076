import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Edge } from "./routing-peers.ts";

/*
 * The peer for shortest-path trees: the Boost Graph Library's Dijkstra over compressed sparse rows, in C++, compiled here
 * where a C++ compiler and Boost's headers are at hand (`libboost-dev`; `WEFT_BOOST` names a folder that has them).
 */

const CPP = `
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/dijkstra_shortest_paths_no_color_map.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>
#include <vector>
struct Arc { double weight; };
typedef boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Arc> Net;
static double cpu() { timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
int main(int, char **argv) {
  FILE *file = fopen(argv[1], "r");
  double seconds = atof(argv[2]);
  int vertices, edges;
  if (!file || fscanf(file, "%d %d", &vertices, &edges) != 2) return 1;
  std::vector<std::pair<int, int>> ends;
  std::vector<Arc> arcs;
  for (int i = 0; i < edges; i++) {
    int a, b; double weight;
    if (fscanf(file, "%d %d %lf", &a, &b, &weight) != 3) return 1;
    ends.push_back({a, b}); arcs.push_back({weight});
    ends.push_back({b, a}); arcs.push_back({weight});
  }
  Net net(boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), arcs.begin(), vertices);
  std::vector<double> distance(vertices);
  std::vector<boost::graph_traits<Net>::vertex_descriptor> parent(vertices);
  auto index = get(boost::vertex_index, net);
  auto maps = boost::weight_map(get(&Arc::weight, net))
    .distance_map(boost::make_iterator_property_map(distance.begin(), index))
    .predecessor_map(boost::make_iterator_property_map(parent.begin(), index));
  boost::dijkstra_shortest_paths(net, 0, maps);
  double sum = 0;
  for (double each : distance) sum += each;
  printf("%.17g", sum);
  for (int coloured = 0; coloured < 2; coloured++) {
    double spent = 0; int trees = 0;
    for (double from = cpu(); spent < seconds / 2; spent = cpu() - from) {
      for (int n = 0; n < 5; n++) {
        int source = (trees + n * 7) % vertices;
        if (coloured) boost::dijkstra_shortest_paths(net, source, maps);
        else boost::dijkstra_shortest_paths_no_color_map(net, source, maps);
      }
      trees += 5;
    }
    printf(" %.17g", spent / trees);
  }
}
`;

/** Boost's Dijkstra, loaded with one network. */
export interface Boost {
  /** CPU seconds a tree over a stretch of so many seconds: the faster of its two forms, with marks on vertices and without. */
  secondsPerTree(seconds: number): number;
  /** Of all distances from vertex 0. */
  readonly sum: number;
  /** Removes what was compiled. */
  close(): void;
}

/** Compiles it; null where there is no compiler or no Boost. */
export function findBoost(vertices: number, edges: readonly Edge[]): Boost | null {
  const dir = mkdtempSync(join(tmpdir(), "weft-boost-"));
  const [program, net] = [join(dir, "tree"), join(dir, "net.txt")];
  const close = (): void => rmSync(dir, { recursive: true, force: true });
  const run = (seconds: number): [number, number, number] =>
    execFileSync(program, [net, String(seconds)], { encoding: "utf8", timeout: 60_000 })
      .split(" ")
      .map(Number) as [number, number, number];
  try {
    const headers = process.env.WEFT_BOOST === undefined ? [] : [`-I${process.env.WEFT_BOOST}`];
    writeFileSync(`${program}.cpp`, CPP);
    writeFileSync(
      net,
      [`${vertices} ${edges.length}`, ...edges.map(({ a, b, weight }) => `${a} ${b} ${weight}`)].join("\n"),
    );
    execFileSync("c++", ["-O3", "-march=native", ...headers, "-o", program, `${program}.cpp`], {
      stdio: "ignore",
    });
    const [sum] = run(0.001);
    return { sum, close, secondsPerTree: (seconds) => Math.min(...run(seconds).slice(1)) };
  } catch {
    close();
    return null;
  }
}
