// Where the tensors live: one memory that JavaScript and product.wasm share, used as a stack.
//
// A tensor is {shape, data}: float32 numbers in row order, the last axis fastest, as in Keras. Weights lie at the
// bottom; what a block computes is put on top, and when the block is done all but its result is taken off again.

const PAGE = 65536; // bytes; WebAssembly counts memory in pages
const ALIGN = 32; // bytes: a row of a panel

let buffer, floats, product;
let top = 0; // the first free byte

// Makes the memory, of `bytes` bytes, and the matrix product: product.wasm if `program` is given and this browser has
// its instructions (SIMD), else JavaScript. Returns which: "wasm" or "javascript".
export async function start(program, bytes) {
  const pages = Math.ceil(bytes / PAGE);
  const simd = program && typeof WebAssembly === "object" && WebAssembly.validate(program);
  if (simd) {
    const memory = new WebAssembly.Memory({ initial: pages });
    const { instance } = await WebAssembly.instantiate(program, { live: { memory } });
    ({ product } = instance.exports);
    ({ buffer } = memory);
  } else {
    product = productInJavaScript;
    buffer = new ArrayBuffer(pages * PAGE);
  }
  floats = new Float32Array(buffer);
  top = 0;
  return simd ? "wasm" : "javascript";
}

// A tensor on top of the stack. Its numbers are what lay there before.
export function tensor(shape) {
  const size = shape.reduce((a, b) => a * b, 1);
  const start = top;
  if (start + 4 * size > buffer.byteLength) throw new Error(`The memory of ${buffer.byteLength} bytes is full.`);
  top = Math.ceil((start + 4 * size) / ALIGN) * ALIGN;
  return { shape, data: new Float32Array(buffer, start, size) };
}

export function zeros(shape) {
  const out = tensor(shape);
  out.data.fill(0);
  return out;
}

export function tensorOf(shape, values) {
  const out = tensor(shape);
  out.data.set(values);
  return out;
}

// What `compute` returns, which must hold no tensor; all that it put on the stack is taken off.
export function temporary(compute) {
  const bottom = top;
  try {
    return compute();
  } finally {
    top = bottom;
  }
}

// What `compute` returns, a tensor, with everything else that it put on the stack taken off.
export function scoped(compute) {
  const bottom = top;
  const { shape, data } = compute();
  top = bottom;
  if (data.byteOffset < bottom) return { shape, data }; // it was there before
  floats.copyWithin(bottom / 4, data.byteOffset / 4, data.byteOffset / 4 + data.length);
  return tensor(shape);
}

// `count` numbers of one tensor into another, without an object made for them.
export function copy(x, from, count, y, to) {
  const start = x.data.byteOffset / 4 + from;
  floats.copyWithin(y.data.byteOffset / 4 + to, start, start + count);
}

// C += A B for A (m, k), B in panels of eight columns and C (m, 8·panels): see product.wat.
export function accumulate(a, b, c, m, k, panels) {
  product(a.byteOffset, b.byteOffset, c.byteOffset, m, k, panels);
}

// product.wat in plain JavaScript.
function productInJavaScript(aAt, bAt, cAt, m, k, panels) {
  const f = floats, width = 8 * panels;
  let b = bAt >> 2;
  for (let panel = 0; panel < panels; panel++, b += 8 * k) {
    let a = aAt >> 2, c = (cAt >> 2) + 8 * panel;
    for (let row = 0; row < m; row++, a += k, c += width) {
      let c0 = f[c], c1 = f[c + 1], c2 = f[c + 2], c3 = f[c + 3];
      let c4 = f[c + 4], c5 = f[c + 5], c6 = f[c + 6], c7 = f[c + 7];
      for (let i = 0, at = b; i < k; i++, at += 8) {
        const s = f[a + i];
        c0 += s * f[at]; c1 += s * f[at + 1]; c2 += s * f[at + 2]; c3 += s * f[at + 3];
        c4 += s * f[at + 4]; c5 += s * f[at + 5]; c6 += s * f[at + 6]; c7 += s * f[at + 7];
      }
      f[c] = c0; f[c + 1] = c1; f[c + 2] = c2; f[c + 3] = c3;
      f[c + 4] = c4; f[c + 5] = c5; f[c + 6] = c6; f[c + 7] = c7;
    }
  }
}
