// Attention maps: what a drawing gives of its cross-attention, and what is read off it. Chapter 6.
//
// A map is {heads, pixels, words, data}: the shares (N, S, T) of each pixel's attention that the words get, in the half
// of the guidance that is told the prompt. Maps are kept by the name of their SpatialTransformer.

const CROSS_ATTENTION = /^(.+)\/attn2\/weights$/;

// Watches a drawing (see Net.see) and hands over the maps of each step.
export class MapKeeper {
  maps = {};

  watch = (name, { shape, data }) => {
    const layer = name.match(CROSS_ATTENTION)?.[1], [, heads, pixels, words] = shape;
    if (layer) this.maps[layer] = { heads, pixels, words, data: data.slice(data.length / 2) };
  };

  take() {
    const { maps } = this;
    this.maps = {};
    return maps;
  }
}

// The shares (S, T) in the mean over layers of one size, and over their heads, or in one head.
export function meanShares(maps, layers, head = null) {
  const { pixels, words } = maps[layers[0]], size = pixels * words, out = new Float32Array(size);
  for (const layer of layers) {
    const { heads, data } = maps[layer], which = head === null ? [...Array(heads).keys()] : [head];
    for (const h of which)
      for (let i = 0; i < size; i++) out[i] += data[h * size + i] / (which.length * layers.length);
  }
  return out;
}
