import { assert } from "@weft/kernel";

/** Mean and spread of a sample. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation; 0 for one value. */
  readonly deviation: number;
  /** Half the width of the 95 % confidence interval of the mean (Student's t); 0 for one value. */
  readonly margin: number;
}

export function summarise(values: readonly number[]): Summary {
  const count = values.length;
  if (count === 0) return { count, mean: Number.NaN, deviation: Number.NaN, margin: Number.NaN };
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, deviation: 0, margin: 0 };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  return { count, mean, deviation, margin: (tQuantile(0.975, count - 1) * deviation) / Math.sqrt(count) };
}

/**
 * Two-sided p-value of Welch's t-test (1947): the chance of means at least this far apart if both samples had one
 * mean, whatever their variances. 1 where both are constant and equal, 0 where constant and different.
 */
export function welch(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [summarise(a), summarise(b)];
  assert(x.count > 1 && y.count > 1, "Welch's test needs two values on each side");
  const [vx, vy] = [x.deviation ** 2 / x.count, y.deviation ** 2 / y.count];
  if (vx + vy === 0) return x.mean === y.mean ? 1 : 0;
  const t = (x.mean - y.mean) / Math.sqrt(vx + vy);
  const freedom = (vx + vy) ** 2 / (vx ** 2 / (x.count - 1) + vy ** 2 / (y.count - 1));
  return 2 * tTail(Math.abs(t), freedom);
}

/**
 * Two-sided p-value of the Mann-Whitney U test (1947): exact for small samples without ties, else by the normal
 * approximation with correction for ties and continuity.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [
    ...a.map((value) => ({ value, own: true })),
    ...b.map((value) => ({ value, own: false })),
  ].sort((x, y) => x.value - y.value);
  const [n, m] = [a.length, b.length];
  let rankSum = 0;
  let ties = 0;
  for (let i = 0; i < all.length; ) {
    let end = i;
    while (end < all.length && all[end]?.value === all[i]?.value) end++;
    for (let k = i; k < end; k++) if (all[k]?.own) rankSum += (i + 1 + end) / 2;
    ties += (end - i) ** 3 - (end - i);
    i = end;
  }
  const u = rankSum - (n * (n + 1)) / 2;
  if (ties === 0 && n * m <= 400) return exactU(Math.min(u, n * m - u), n, m);
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (variance === 0) return 1;
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance);
  return Math.min(1, 2 * normalTail(z));
}

/** P(U <= u) doubled: counts the orders of n and m values by U, one more value at a time. */
function exactU(u: number, n: number, m: number): number {
  // counts[j][k]: in how many orders of i own and j other values U is k.
  let counts = Array.from({ length: m + 1 }, () => [1]);
  for (let i = 1; i <= n; i++) {
    const next: number[][] = [[1]];
    for (let j = 1; j <= m; j++) {
      const below = next[j - 1] as number[];
      const before = counts[j] as number[];
      next.push(
        Array.from({ length: i * j + 1 }, (_, k) => (below[k] ?? 0) + (k >= j ? (before[k - j] ?? 0) : 0)),
      );
    }
    counts = next;
  }
  const row = counts[m] as number[];
  const total = row.reduce((sum, count) => sum + count, 0);
  const tail = row.slice(0, Math.floor(u) + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * tail) / total);
}

/** Holm's correction (1979) of p-values for having looked at all of them at once; in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((i, j) => (pValues[i] as number) - (pValues[j] as number));
  const corrected = new Array<number>(pValues.length);
  let least = 0;
  order.forEach((at, rank) => {
    least = Math.max(least, Math.min(1, (pValues[at] as number) * (pValues.length - rank)));
    corrected[at] = least;
  });
  return corrected;
}

/** P(T > t) of Student's t distribution. */
export function tTail(t: number, freedom: number): number {
  return 0.5 * incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** The value that a t-distributed figure stays below with chance `p` of at least a half. */
export function tQuantile(p: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (tTail(high, freedom) > 1 - p) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (tTail(middle, freedom) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(Z > z) of the standard normal: Student's with so much freedom that the difference is below 1e-7. */
const normalTail = (z: number): number => tTail(z, 1e8);

/** Regularised incomplete beta function, by its continued fraction (Lentz's method). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front =
    Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  const kept = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    const change = c * d;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-14) break;
  }
  return front * fraction;
}

/** Logarithm of the gamma function: Stirling's series, shifted to where it is exact to 1e-14. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 15) shift += Math.log(z++);
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
