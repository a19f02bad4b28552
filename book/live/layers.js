// The layers that the UNet's blocks are made of.
//
// Shapes: B batch, H W height and width of a feature map, C channels, S query tokens, T context tokens, N heads,
// D head size. A kernel is {k, n, panels, size}: a matrix (k, n) laid out for the product (see `kernelOf`).
import { exp } from "./exp.js";
import { accumulate, copy, tensor, zeros } from "./memory.js";

const COLUMNS = 8; // of a panel
const roundUp = (n) => Math.ceil(n / COLUMNS) * COLUMNS;

// A matrix (k, n), given in row order, cut into panels of eight columns; where n is no multiple of eight, zeros follow.
// size: side of a convolution's kernel; filters: of a transposed one.
export function kernelOf(values, k, n, { size = 1, filters = n } = {}) {
  const { data } = zeros([roundUp(n) / COLUMNS, k, COLUMNS]);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) data[((j >> 3) * k + i) * COLUMNS + (j & 7)] = values[i * n + j];
  return { k, n, data, size, filters };
}

// (rows, k) times a kernel (k, n), plus a bias: (rows, n).
function affine(a, rows, kernel, bias) {
  const width = roundUp(kernel.n), panels = width / COLUMNS;
  const out = bias ? tensor([rows, width]) : zeros([rows, width]);
  if (bias) {
    if (width > kernel.n) out.data.fill(0);
    for (let row = 0; row < rows; row++) out.data.set(bias, row * width);
  }
  accumulate(a, kernel.data, out.data, rows, kernel.k, panels);
  return width === kernel.n ? out.data : narrow(out.data, rows, width, kernel.n);
}

function narrow(data, rows, from, to) {
  const out = tensor([rows, to]);
  for (let row = 0; row < rows; row++) out.data.set(data.subarray(row * from, row * from + to), row * to);
  return out.data;
}

export function dense(x, { kernel, bias }) {
  const data = affine(x.data, x.data.length / kernel.k, kernel, bias);
  return { shape: [...x.shape.slice(0, -1), kernel.n], data };
}

// A convolution with size >> 1 zeros on each side. Each output pixel's patch becomes a row; then it is one product.
export function conv2d(x, { kernel, bias }, stride = 1) {
  const [batch, height, width, channels] = x.shape, { size } = kernel, pad = size >> 1;
  const h = Math.floor((height + 2 * pad - size) / stride) + 1;
  const w = Math.floor((width + 2 * pad - size) / stride) + 1;
  if (size === 1 && stride === 1) return dense(x, { kernel, bias });
  const patches = zeros([batch * h * w, size * size * channels]);
  let to = 0;
  for (let b = 0; b < batch; b++)
    for (let y = -pad; y < h * stride - pad; y += stride)
      for (let left = -pad; left < w * stride - pad; left += stride)
        for (let i = y; i < y + size; i++, to += size * channels) {
          if (i < 0 || i >= height) continue;
          const first = Math.max(left, 0), last = Math.min(left + size, width); // neighbours lie side by side
          const from = ((b * height + i) * width + first) * channels;
          copy(x, from, (last - first) * channels, patches, to + (first - left) * channels);
        }
  return { shape: [batch, h, w, kernel.n], data: affine(patches.data, batch * h * w, kernel, bias) };
}

// Keras' Conv2DTranspose(filters, 4, strides=2, padding="same"): each pixel (C) becomes a patch (4, 4, filters), and
// where patches overlap they are added.
export function convTranspose(x, { kernel, bias }) {
  const [batch, height, width] = x.shape, { size, filters } = kernel, pad = (size - 2) >> 1;
  const patches = affine(x.data, batch * height * width, kernel);
  const out = tensor([batch, 2 * height, 2 * width, filters]);
  for (let at = 0; at < out.data.length; at += filters) out.data.set(bias, at);
  let from = 0;
  for (let b = 0; b < batch; b++)
    for (let y = -pad; y < 2 * height - pad; y += 2)
      for (let left = -pad; left < 2 * width - pad; left += 2)
        for (let i = y; i < y + size; i++)
          for (let j = left; j < left + size; j++, from += filters) {
            if (i < 0 || j < 0 || i >= 2 * height || j >= 2 * width) continue;
            const to = ((b * 2 * height + i) * 2 * width + j) * filters;
            for (let c = 0; c < filters; c++) out.data[to + c] += patches[from + c];
          }
  return out;
}

// Normalises each group of channels over all pixels. (B, .., C) in and out.
export function groupNorm(x, { gamma, beta }, epsilon, groups) {
  const batch = x.shape[0], channels = x.shape.at(-1), size = channels / groups;
  const picture = x.data.length / batch, count = (picture / channels) * size;
  const out = tensor(x.shape), from = x.data, to = out.data;
  for (let b = 0; b < batch; b++)
    for (let group = 0; group < groups; group++) {
      const first = b * picture + group * size, end = (b + 1) * picture;
      let sum = 0, squares = 0;
      for (let p = first; p < end; p += channels) for (let c = p; c < p + size; c++) sum += from[c];
      const mean = sum / count;
      for (let p = first; p < end; p += channels)
        for (let c = p; c < p + size; c++) squares += (from[c] - mean) * (from[c] - mean);
      const scale = 1 / Math.sqrt(squares / count + epsilon);
      for (let c = 0; c < size; c++) {
        const slope = gamma[group * size + c] * scale, shift = beta[group * size + c] - mean * slope;
        for (let p = first + c; p < end; p += channels) to[p] = from[p] * slope + shift;
      }
    }
  return out;
}

// Normalises each token's features. (.., C) in and out.
export function layerNorm(x, { gamma, beta }, epsilon) {
  const n = x.shape.at(-1), out = tensor(x.shape), from = x.data, to = out.data;
  for (let row = 0; row < from.length; row += n) {
    let sum = 0, squares = 0;
    for (let c = row; c < row + n; c++) sum += from[c];
    const mean = sum / n;
    for (let c = row; c < row + n; c++) squares += (from[c] - mean) * (from[c] - mean);
    const scale = 1 / Math.sqrt(squares / n + epsilon);
    for (let c = 0; c < n; c++) to[row + c] = (from[row + c] - mean) * scale * gamma[c] + beta[c];
  }
  return out;
}

// Swish. Like all loops over numbers here without a function for each: that would take three times as long.
export function silu(x) {
  const out = tensor(x.shape), from = x.data, to = out.data;
  for (let i = 0; i < from.length; i++) to[i] = from[i] / (1 + exp(-from[i]));
  return out;
}

export function tanh(x) {
  const out = tensor(x.shape), from = x.data, to = out.data;
  for (let i = 0; i < from.length; i++) to[i] = 1 - 2 / (1 + exp(2 * from[i]));
  return out;
}

// GELU: by tanh, or by the error function.
export function gelu(x, approximate) {
  return approximate ? geluByTanh(x) : exactGelu(x);
}

function geluByTanh(x) {
  const out = tensor(x.shape), from = x.data, to = out.data, slope = 2 * Math.sqrt(2 / Math.PI);
  for (let i = 0; i < from.length; i++) {
    const v = from[i];
    to[i] = v / (1 + exp(-slope * v * (1 + 0.044715 * v * v))); // 0.5 (1 + tanh u) is 1 / (1 + exp(-2u))
  }
  return out;
}

// erf after Abramowitz and Stegun, 7.1.26: within 1.5e-7.
function exactGelu(x) {
  const out = tensor(x.shape), from = x.data, to = out.data;
  for (let i = 0; i < from.length; i++) {
    const v = from[i], u = Math.abs(v) / Math.SQRT2, t = 1 / (1 + 0.3275911 * u);
    const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const tail = 0.5 * series * exp(-u * u); // of the normal distribution, beyond |v|
    to[i] = v * (v < 0 ? tail : 1 - tail);
  }
  return out;
}

// The first half of the features times GELU of the second: (.., 2C) to (.., C).
export function gated(x, approximate) {
  const [value, gate] = halves(x), open = gelu(gate, approximate);
  for (let i = 0; i < open.data.length; i++) open.data[i] *= value.data[i];
  return open;
}

function halves(x) {
  const n = x.shape.at(-1) / 2, shape = [...x.shape.slice(0, -1), n], out = [tensor(shape), tensor(shape)];
  for (let from = 0, to = 0; from < x.data.length; from += 2 * n, to += n) {
    out[0].data.set(x.data.subarray(from, from + n), to);
    out[1].data.set(x.data.subarray(from + n, from + 2 * n), to);
  }
  return out;
}

// x + gain · y, of one shape.
export function add(x, y, gain = 1) {
  const out = tensor(x.shape), a = x.data, b = y.data, to = out.data;
  for (let i = 0; i < a.length; i++) to[i] = a[i] + gain * b[i];
  return out;
}

export function scale(x, gain) {
  const out = tensor(x.shape);
  for (let i = 0; i < x.data.length; i++) out.data[i] = gain * x.data[i];
  return out;
}

// x (B, H, W, C) with y (B, C) added at every pixel.
export function addToPixels(x, y) {
  const out = tensor(x.shape), [batch, channels] = y.shape, picture = x.data.length / batch;
  for (let b = 0, i = 0; b < batch; b++)
    for (let p = 0; p < picture; p += channels)
      for (let c = 0; c < channels; c++, i++) out.data[i] = x.data[i] + y.data[b * channels + c];
  return out;
}

// The channels of x, then those of y.
export function concat(x, y) {
  const n = x.shape.at(-1), m = y.shape.at(-1), out = tensor([...x.shape.slice(0, -1), n + m]);
  for (let row = 0, to = 0; to < out.data.length; row++, to += n + m) {
    out.data.set(x.data.subarray(row * n, (row + 1) * n), to);
    out.data.set(y.data.subarray(row * m, (row + 1) * m), to + n);
  }
  return out;
}

// Each pixel becomes a 2x2 square.
export function nearest2x(x) {
  const [batch, height, width, channels] = x.shape, out = tensor([batch, 2 * height, 2 * width, channels]);
  let to = 0;
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < 2 * height; i++)
      for (let j = 0; j < 2 * width; j++, to += channels) {
        const from = ((b * height + (i >> 1)) * width + (j >> 1)) * channels;
        out.data.set(x.data.subarray(from, from + channels), to);
      }
  return out;
}
