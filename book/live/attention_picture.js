// A picture whose pixels light up where they look at a word, and on which a pixel of the latent can be pointed at.
const DARK = 0.12; // of a pixel's light that stays where it looks least
const GLOW = 40; // of 255: so that black can be lit, too
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class AttentionPicture {
  // target: what holds the canvas and the mark; change(): called when another pixel is pointed at.
  constructor(target, side, change) {
    Object.assign(this, { target, side, change, grid: 1, pixel: null, pinned: null }); // null: all pixels
    [this.canvas, this.mark] = ["canvas", ".live-mark"].map((selector) => target.querySelector(selector));
    target.addEventListener("pointermove", (event) => this.point(this.pixelAt(event)));
    target.addEventListener("pointerleave", () => this.point(this.pinned));
    target.addEventListener("click", (event) => this.pin(this.pixelAt(event)));
    target.addEventListener("keydown", (event) => this.key(event));
  }

  name(text) {
    this.canvas.setAttribute("aria-label", text);
  }

  // rgba: the picture; looks: how much each of grid² pixels looks at the word.
  paint(rgba, grid, looks) {
    this.setGrid(grid);
    const { side } = this, pixels = rgba.slice(), cell = side / grid;
    const least = Math.min(...looks), range = Math.max(...looks) - least;
    for (let i = 0; i < side * side; i++) {
      const at = Math.floor(Math.floor(i / side) / cell) * grid + Math.floor((i % side) / cell);
      const light = range ? DARK + (1 - DARK) * ((looks[at] - least) / range) : 1;
      for (let c = 4 * i; c < 4 * i + 3; c++) pixels[c] = light * (GLOW + (pixels[c] * (255 - GLOW)) / 255);
    }
    this.canvas.getContext("2d").putImageData(new ImageData(pixels, side, side), 0, 0);
  }

  setGrid(grid) {
    if (grid !== this.grid) [this.pixel, this.pinned] = [null, null]; // another layer has other pixels
    this.grid = grid;
    this.mark.hidden = this.pixel === null;
    const part = 100 / grid, left = `${(this.pixel % grid) * part}%`, top = `${Math.floor(this.pixel / grid) * part}%`;
    Object.assign(this.mark.style, { left, top, width: `${part}%`, height: `${part}%` });
  }

  point(pixel) {
    this.pixel = pixel;
    this.change();
  }

  pin(pixel) {
    this.pinned = this.pinned === pixel ? null : pixel;
    this.point(this.pinned);
  }

  pixelAt({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const [x, y] = [(clientX - left) / width, (clientY - top) / height];
    return this.within(x * this.grid) + this.grid * this.within(y * this.grid);
  }

  within(place) {
    return Math.min(this.grid - 1, Math.max(0, Math.floor(place)));
  }

  key(event) {
    const [right, down] = MOVES[event.key] ?? [];
    if (event.key === "Escape") this.point((this.pinned = null));
    if (right === undefined) return;
    event.preventDefault();
    const from = this.pixel ?? 0, step = this.pixel === null ? 0 : 1; // the first key goes to the first pixel
    const [x, y] = [from % this.grid + step * right, Math.floor(from / this.grid) + step * down];
    this.point((this.pinned = this.within(x) + this.grid * this.within(y)));
  }
}
