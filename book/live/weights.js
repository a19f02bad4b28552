// From a file of weights to a Net: reads safetensors, opens what was packed, lays kernels out for the product.
import { start } from "./memory.js";
import { kernelOf } from "./layers.js";
import { Net } from "./model.js";

const WORKSPACE = 64 * 2 ** 20; // bytes for what is computed, beside the weights
const ONES = { F32: 4, I32: 4, F16: 2, I8: 1 }; // bytes of a number

// file: an ArrayBuffer, a safetensors file as live_weights.py writes it; program: product.wasm, or null for JavaScript.
export async function loadNet(file, program) {
  const { arrays, config } = readSafetensors(file);
  const numbers = Object.values(arrays).reduce((sum, { data }) => sum + data.length, 0);
  const product = await start(program, 5 * numbers + WORKSPACE); // float32, and what panels add
  const net = new Net(treeOf(arrays), config);
  return Object.assign(net, { product });
}

// The length of the header, the header (JSON: names, types, places; our config is text in it), the numbers.
export function readSafetensors(file) {
  const size = Number(new DataView(file).getBigUint64(0, true));
  const { __metadata__: about, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, size)));
  const arrays = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
    if (!(dtype in ONES)) throw new Error(`A number must be one of ${Object.keys(ONES)}. Received: ${dtype} in ${name}`);
    arrays[name] = { shape, data: numbersOf(dtype, file.slice(8 + size + from, 8 + size + to)) };
  }
  return { arrays, config: about?.config ? JSON.parse(about.config) : null };
}

function numbersOf(dtype, bytes) {
  if (dtype === "F16") return fromHalf(new Uint16Array(bytes));
  if (dtype === "I8") return new Int8Array(bytes);
  return dtype === "I32" ? new Int32Array(bytes) : new Float32Array(bytes);
}

let halves; // the value of each of the 65,536 half-precision numbers

function fromHalf(bits) {
  if (!halves) {
    halves = new Float32Array(65536);
    for (let h = 0; h < 65536; h++) {
      const sign = h >> 15 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
      halves[h] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
    }
  }
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = halves[bits[i]];
  return out;
}

// Arrays by path as a tree: tree.unet.down0_res0.conv1.kernel. Keras wraps each convolution in a "conv" of its own.
function treeOf(arrays) {
  const tree = {};
  for (const [path, { shape, data }] of Object.entries(arrays)) {
    if (path.endsWith("/scale")) continue;
    const names = path.split("/").filter((name) => name !== "conv"), last = names.pop();
    const node = names.reduce((parent, name) => (parent[name] ??= {}), tree);
    const values = data instanceof Int8Array ? fromInt8(data, arrays[`${path}/scale`].data) : data;
    const transposed = /^decoder\/up/.test(path);
    node[last] = last !== "kernel" ? values : transposed ? transposedKernel(values, shape) : plainKernel(values, shape);
  }
  return tree;
}

// One scale for each output channel, the last axis.
function fromInt8(data, scales) {
  const out = new Float32Array(data.length), n = scales.length;
  for (let row = 0; row < data.length; row += n) for (let j = 0; j < n; j++) out[row + j] = data[row + j] * scales[j];
  return out;
}

// (size, size, in, out), or (in, out).
function plainKernel(values, shape) {
  const n = shape.at(-1), size = shape.length === 4 ? shape[0] : 1;
  return kernelOf(values, values.length / n, n, { size });
}

// (size, size, out, in) to the matrix (in, size·size·out).
function transposedKernel(values, [size, , filters, channels]) {
  const n = size * size * filters, turned = new Float32Array(values.length);
  for (let i = 0; i < n; i++) for (let c = 0; c < channels; c++) turned[c * n + i] = values[i * channels + c];
  return kernelOf(turned, channels, n, { size, filters });
}
