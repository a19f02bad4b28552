// What a drawing gives of its blocks: small pictures of the tensors that they give. The UNet's map shows them.

const MOST = 16; // channels that are shown of a feature map
const GREY = 127.5; // what 0 becomes

// Watches a drawing (see Net.see) and hands over the pictures of each step, by the tensors' names.
export class TapKeeper {
  taps = {};

  constructor(names) {
    this.names = new Set(names);
  }

  watch = (name, tensor) => {
    if (this.names.has(name)) this.taps[name] = picturesOf(tensor);
  };

  take() {
    const { taps } = this;
    this.taps = {};
    return taps;
  }
}

// The half of the guidance that is told the prompt, as {width, height, channels, count, pixels}: `count` pictures of
// grey levels, one behind the other. (B, H, W, C) gives a picture for each of the first channels; (B, T, F) one of T
// rows; (B, E) one that is about as high as wide. Each is scaled by its largest number.
export function picturesOf({ shape, data }) {
  const half = data.subarray(data.length / 2), channels = shape.length === 4 ? shape[3] : 1;
  const width = shape.length === 4 ? shape[2] : shape.length === 3 ? shape[2] : rowOf(shape[1]);
  const size = half.length / channels, count = Math.min(MOST, channels);
  const pixels = new Uint8ClampedArray(count * size);
  for (let c = 0; c < count; c++) {
    let most = 0;
    for (let i = c; i < half.length; i += channels) most = Math.max(most, Math.abs(half[i]));
    for (let i = 0; i < size; i++) pixels[c * size + i] = GREY + (most ? (GREY * half[i * channels + c]) / most : 0);
  }
  return { width, height: size / width, channels, count, pixels };
}

// The largest divisor of n that is at most its root, turned round: the length of a row.
function rowOf(n) {
  let rows = Math.floor(Math.sqrt(n));
  while (n % rows) rows -= 1;
  return n / rows;
}
