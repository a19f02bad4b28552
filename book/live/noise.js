// NumPy's noise: `numpy.random.default_rng(seed).normal(size=...)`, so that a seed draws here what it draws in Python.
//
// The seed is spread over 256 bits (O'Neill, "Developing a seed_seq Alternative", 2015, as in NumPy's SeedSequence);
// they start PCG64 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms", 2014), a
// 128-bit counter with scrambled output; the ziggurat (Marsaglia and Tsang, 2000) makes normal numbers of its output.

const MASK_64 = (1n << 64n) - 1n, MASK_128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

// `count` normal numbers, a Float32Array. seed: a whole number from 0.
export function normalNoise(seed, count) {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`A seed must be a whole number from 0. Received: ${seed}`);
  const random = pcg64(seedWords(seed)), out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = normal(random);
  return out;
}

// ------------------------------------------------------------------------------------------- SeedSequence

const POOL = 4;

// A hash whose constant changes with each use.
function hasher(constant, multiplier) {
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mix(x, y) {
  const sum = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
  return (sum ^ (sum >>> 16)) >>> 0;
}

// Eight words of 32 bits.
function seedWords(seed) {
  const entropy = [seed >>> 0, Math.floor(seed / 2 ** 32)]; // a missing word counts as 0
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: POOL }, (_, i) => hash(entropy[i] ?? 0));
  for (let from = 0; from < POOL; from++)
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  const out = hasher(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: 2 * POOL }, (_, i) => out(pool[i % POOL]));
}

// -------------------------------------------------------------------------------------------------- PCG64

// Returns a function that gives the next 64 bits, a BigInt.
function pcg64(words) {
  const [a, b, c, d] = [0, 2, 4, 6].map((i) => (BigInt(words[i + 1]) << 32n) | BigInt(words[i]));
  const start = (a << 64n) | b, increment = ((((c << 64n) | d) << 1n) | 1n) & MASK_128;
  const step = (state) => (state * MULTIPLIER + increment) & MASK_128;
  let state = step((increment + start) & MASK_128); // the first step from 0 gives the increment
  return () => {
    state = step(state);
    const folded = ((state >> 64n) ^ state) & MASK_64, turn = state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK_64;
  };
}

// ------------------------------------------------------------------------------------------------ ziggurat

const STRIPS = 256; // of equal area under exp(-x²/2)
const EDGE = 3.6541528853610088; // where the last strip's tail begins
const AREA = 0.00492867323399;
const FINEST = 2 ** 52;
const { bound, width, height } = strips();

// bound: below it (of 2^52) a point lies under the curve for certain; width: of a step; height: of the curve at x.
function strips() {
  const table = { bound: new Float64Array(STRIPS), width: new Float64Array(STRIPS), height: new Float64Array(STRIPS) };
  const curve = (x) => Math.exp(-0.5 * x * x), bottom = AREA / curve(EDGE);
  table.bound[0] = Math.floor((EDGE / bottom) * FINEST);
  table.width[0] = bottom / FINEST;
  table.height[0] = 1;
  let x = EDGE;
  table.width[STRIPS - 1] = x / FINEST;
  table.height[STRIPS - 1] = curve(x);
  for (let i = STRIPS - 2; i > 0; i--) {
    const outer = x;
    x = Math.sqrt(-2 * Math.log(AREA / outer + curve(outer)));
    table.bound[i + 1] = Math.floor((x / outer) * FINEST);
    table.width[i] = x / FINEST;
    table.height[i] = curve(x);
  }
  return table;
}

const uniform = (random) => Number(random() >> 11n) / 2 ** 53; // [0, 1)

function normal(random) {
  for (;;) {
    const bits = random(), strip = Number(bits & 0xffn), negative = (bits >> 8n) & 1n;
    const place = Number((bits >> 9n) & 0xfffffffffffffn), x = place * width[strip] * (negative ? -1 : 1);
    if (place < bound[strip]) return x;
    if (strip === 0) {
      const beyond = tail(random);
      return (bits >> 17n) & 1n ? -beyond : beyond;
    }
    const between = (height[strip - 1] - height[strip]) * uniform(random) + height[strip];
    if (between < Math.exp(-0.5 * x * x)) return x;
  }
}

// A number beyond the edge.
function tail(random) {
  for (;;) {
    const x = -Math.log1p(-uniform(random)) / EDGE, y = -Math.log1p(-uniform(random));
    if (2 * y > x * x) return EDGE + x;
  }
}
