// Attention of N heads: the products of each head's matrices, and the softmax between them.
//
// Shapes: B batch, S query tokens, T context tokens, P the same with zeros behind them to a multiple of eight, N heads,
// D head size (a multiple of eight). A product wants its right side in panels of eight columns: see memory.js.
import { exp } from "./exp.js";
import { accumulate, tensor, zeros } from "./memory.js";

// softmax(q kᵀ / sqrt(D)) of each head: q (B, S, N·D) and k (B, T, N·D) to {shape: [B, N, S, T], padded, data}, whose
// rows are P long. causal: a query looks at no token behind its own.
export function attentionWeights(q, k, heads, { causal = false } = {}) {
  const [batch, queries, width] = q.shape, tokens = k.shape[1], size = width / heads;
  const padded = Math.ceil(tokens / 8) * 8, out = zeros([batch, heads, queries, padded]);
  const left = headsFirst(q, heads, size ** -0.5), right = keysInPanels(k, heads, padded);
  for (let i = 0; i < batch * heads; i++)
    accumulate(part(left, i), part(right, i), part(out, i), queries, size, padded / 8);
  softmax(out.data, padded, (row) => (causal ? (row % queries) + 1 : tokens));
  return { shape: [batch, heads, queries, tokens], padded, data: out.data };
}

// The weighted sum of the values (B, T, N·D): (B, S, N·D).
export function attend(weights, v) {
  const [batch, heads, queries] = weights.shape, width = v.shape[2], size = width / heads;
  const right = valuesInPanels(v, heads, weights.padded), out = zeros([batch, heads, queries, size]);
  const left = { shape: [batch, heads, queries, weights.padded], data: weights.data };
  for (let i = 0; i < batch * heads; i++)
    accumulate(part(left, i), part(right, i), part(out, i), queries, weights.padded, size / 8);
  return headsLast(out);
}

// The weights as a tensor (B, N, S, T), for who looks at them.
export function unpadded({ shape, padded, data }) {
  const tokens = shape[3], out = tensor(shape);
  for (let from = 0, to = 0; from < data.length; from += padded, to += tokens)
    out.data.set(data.subarray(from, from + tokens), to);
  return out;
}

// Puts the shares of a map (maps.js), rows of `words`, in the places of the last picture's.
export function replaceShares({ padded, data }, { words, data: shares }) {
  const first = data.length - (shares.length / words) * padded;
  for (let row = 0; row * words < shares.length; row++)
    data.set(shares.subarray(row * words, (row + 1) * words), first + row * padded);
}

// The numbers of one head of one picture.
function part({ shape: [batch, heads], data }, i) {
  const length = data.length / batch / heads;
  return data.subarray(i * length, (i + 1) * length);
}

// Over the first used(row) of each row's numbers, which are `width`; those behind become 0.
function softmax(data, width, used) {
  for (let first = 0; first < data.length; first += width) {
    const end = first + used(first / width);
    let most = -Infinity, sum = 0;
    for (let i = first; i < end; i++) if (data[i] > most) most = data[i];
    for (let i = first; i < end; i++) sum += data[i] = exp(data[i] - most);
    const share = 1 / sum;
    for (let i = first; i < end; i++) data[i] *= share;
    data.fill(0, end, first + width);
  }
}

// (B, S, N·D) to (B, N, S, D), times `scale`.
function headsFirst(x, heads, scale) {
  const [batch, tokens, width] = x.shape, size = width / heads, out = tensor([batch, heads, tokens, size]);
  let to = 0;
  for (let b = 0; b < batch; b++)
    for (let head = 0; head < heads; head++)
      for (let s = 0; s < tokens; s++) {
        const from = (b * tokens + s) * width + head * size;
        for (let d = from; d < from + size; d++) out.data[to++] = scale * x.data[d];
      }
  return out;
}

// (B, N, S, D) to (B, S, N·D).
function headsLast(x) {
  const [batch, heads, tokens, size] = x.shape, width = heads * size, out = tensor([batch, tokens, width]);
  let from = 0;
  for (let b = 0; b < batch; b++)
    for (let head = 0; head < heads; head++)
      for (let s = 0; s < tokens; s++, from += size)
        out.data.set(x.data.subarray(from, from + size), (b * tokens + s) * width + head * size);
  return out;
}

// Keys (B, T, N·D) as the matrices kᵀ (D, P) of each head, in panels: (B, N, P / 8, D, 8).
function keysInPanels(k, heads, padded) {
  const [batch, tokens, width] = k.shape, size = width / heads, out = zeros([batch, heads, padded, size]);
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < tokens; t++)
      for (let head = 0; head < heads; head++) {
        const from = (b * tokens + t) * width + head * size;
        const to = ((b * heads + head) * padded + (t & ~7)) * size + (t & 7);
        for (let d = 0; d < size; d++) out.data[to + 8 * d] = k.data[from + d];
      }
  return out;
}

// Values (B, T, N·D) as the matrices v (P, D) of each head, in panels: (B, N, D / 8, P, 8).
function valuesInPanels(v, heads, padded) {
  const [batch, tokens, width] = v.shape, size = width / heads, out = zeros([batch, heads, padded, size]);
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < tokens; t++)
      for (let head = 0; head < heads; head++) {
        const from = (b * tokens + t) * width + head * size, to = (b * heads + head) * padded * size + 8 * t;
        for (let d = 0; d < size; d += 8)
          out.data.set(v.data.subarray(from + d, from + d + 8), to + d * padded);
      }
  return out;
}
