/**
 * The ziggurat of the exponential law: 256 layers of one area under e^-x, the lowest with the tail (Marsaglia and Tsang
 * 2000). Of layer i all that lies left of the edge of layer i + 1 is under the curve, so that 98.9 % of draws take one
 * random word, one comparison and one product.
 */
const LAYERS = 256;
/** Where the tail begins: the point at which 256 layers of the area below come out at the height 1. */
export const TAIL = 7.69711747013105;
const AREA = (TAIL + 1) * Math.exp(-TAIL);
/** 24 bits of a word say where in a layer. */
const STEPS = 2 ** 24;

/** `STEP[i]`: width of layer i over 2^24; the lowest one's tail counts as if it lay beside it. */
export const STEP = new Float64Array(LAYERS);
/** `INSIDE[i]`: how many steps of layer i are under the curve for sure. */
export const INSIDE = new Int32Array(LAYERS);
/** `HEIGHT[i]` and `HEIGHT[i + 1]`: bottom and top of layer i. */
export const HEIGHT = new Float64Array(LAYERS + 1);

const base = AREA / Math.exp(-TAIL);
STEP[0] = base / STEPS;
INSIDE[0] = Math.floor((TAIL / base) * STEPS);
let edge = TAIL;
for (let layer = 1; layer < LAYERS; layer++) {
  const bottom = Math.exp(-edge);
  const next = layer === LAYERS - 1 ? 0 : -Math.log(bottom + AREA / edge);
  STEP[layer] = edge / STEPS;
  INSIDE[layer] = Math.floor((next / edge) * STEPS);
  HEIGHT[layer] = bottom;
  edge = next;
}
HEIGHT[LAYERS] = 1;
