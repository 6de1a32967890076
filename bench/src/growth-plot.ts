import { FRAME, frame, logScale, pathThrough, svg } from "@weft/lab";

/** One size of pool, and what a decision on it takes. */
export interface GrowthPoint {
  readonly nodes: number;
  readonly micros: number;
}

const STYLE =
  "<style>.line{fill:none;stroke:#06c;stroke-width:2}.dot{fill:#06c}.grid{stroke:#ddd}.axis{stroke:#888}" +
  ".tick,.label{font:11px sans-serif;fill:#555}</style>";

/** What a decision takes by the number of nodes, both axes logarithmic, as a file of its own. */
export function growthPlot(points: readonly GrowthPoint[]): string {
  const { width, height, left, right, top, bottom } = FRAME;
  const sizes = points.map(({ nodes }) => nodes);
  const times = points.map(({ micros }) => micros);
  const x = logScale(Math.min(...sizes), Math.max(...sizes), left, width - right);
  const y = logScale(Math.min(...times) / 1.5, Math.max(...times) * 1.5, height - bottom, top + 8);
  const at = points.map(({ nodes, micros }) => [x(nodes), y(micros)] as const);
  const dots = at.map(
    ([cx, cy]) => `<circle class="dot" r="3.5" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}"/>`,
  );
  const line = `<path class="line" d="${pathThrough(at)}"/>`;
  const drawn = svg(
    STYLE + frame(x, y, "nodes, 500 sites", "us of CPU a decision") + line + dots.join(""),
    "What placing one task takes as the network grows",
  );
  return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
}
