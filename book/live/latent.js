// A latent that is painted on: `side` rows and columns of `channels` numbers each, in row order.
const KEPT = 50; // strokes that can be undone

export class Latent {
  constructor(values, { side, channels }) {
    Object.assign(this, { side, channels, start: values.slice(), data: values.slice(), past: [] });
  }

  // A stroke begins: what `undo` comes back to.
  begin() {
    this.past = [...this.past, this.data.slice()].slice(-KEPT);
  }

  undo() {
    this.data = this.past.pop() ?? this.data;
  }

  reset() {
    this.begin();
    this.data = this.start.slice();
  }

  get changed() {
    return this.data.some((value, i) => value !== this.start[i]);
  }

  at(x, y, channel) {
    return this.data[(y * this.side + x) * this.channels + channel];
  }

  // Sets one channel under the brush.
  set(brush, channel, value) {
    for (const place of this.under(brush)) this.data[place + channel] = value;
  }

  // Brings in all channels that another latent, an array, has under the brush.
  bring(brush, other) {
    for (const place of this.under(brush)) this.data.set(other.subarray(place, place + this.channels), place);
  }

  // Where the pixels under a square brush begin: `size` wide, with column x and row y in its middle.
  *under({ x, y, size }) {
    const [left, top] = [x, y].map((at) => at - ((size - 1) >> 1)), last = this.side - 1;
    for (let row = Math.max(0, top); row <= Math.min(last, top + size - 1); row++)
      for (let column = Math.max(0, left); column <= Math.min(last, left + size - 1); column++)
        yield (row * this.side + column) * this.channels;
  }
}
