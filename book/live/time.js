// Chapter 2: the time as sines and cosines. Each pair of them is where one hand of a clock points.

// [cos, sin] of `dim` / 2 frequencies each.
export function timestepEmbedding(timestep, dim, maxPeriod) {
  const half = dim / 2, out = new Float32Array(dim);
  for (let i = 0; i < half; i++) {
    const angle = Math.fround(timestep * Math.fround(Math.exp((-Math.log(maxPeriod) * i) / half)));
    out[i] = Math.cos(angle);
    out[half + i] = Math.sin(angle);
  }
  return out;
}

// Timesteps in which hand i of `half` turns round once.
export const turnOf = (i, half, maxPeriod) => 2 * Math.PI * Math.exp((Math.log(maxPeriod) * i) / half);

// The cosine of the angle between two vectors: 1 for the same direction, 0 for nothing in common.
export function similarity(one, other) {
  const product = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  return product(one, other) / Math.sqrt(product(one, one) * product(other, other));
}
