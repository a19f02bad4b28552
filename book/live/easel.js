// One channel of a latent as grey squares, and a brush on it, moved by a pointer or by the arrow keys.
const WIDEST = 3; // standard deviations from black to grey, and from grey to white
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Easel {
  // stroke(x, y, first): called where the brush paints; first: whether a stroke begins. moved(x, y): by the keys.
  constructor(title, label, side, { stroke, moved }) {
    Object.assign(this, { side, stroke, moved, x: side >> 1, y: side >> 1, last: null });
    this.figure = Object.assign(document.createElement("figure"), { className: "live-panel" });
    this.target = Object.assign(document.createElement("div"), { className: "paint-target", tabIndex: 0 });
    this.canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    this.mark = Object.assign(document.createElement("div"), { className: "live-mark", hidden: true });
    this.target.setAttribute("role", "application");
    this.target.setAttribute("aria-label", label);
    this.canvas.setAttribute("aria-hidden", "true");
    this.target.append(this.canvas, this.mark);
    this.figure.append(Object.assign(document.createElement("figcaption"), { textContent: title }), this.target);
    this.listen();
  }

  listen() {
    const { target } = this;
    target.addEventListener("pointerdown", (event) => {
      target.setPointerCapture(event.pointerId);
      this.last = null;
      this.drag(event);
    });
    target.addEventListener("pointermove", (event) => event.buttons && this.drag(event));
    target.addEventListener("keydown", (event) => this.key(event));
    target.addEventListener("focus", () => this.place(this.x, this.y));
    target.addEventListener("blur", () => (this.mark.hidden = true));
  }

  drag(event) {
    const box = this.canvas.getBoundingClientRect(), { side } = this;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((at) => Math.floor((at / box.width) * side));
    if (x < 0 || y < 0 || x >= side || y >= side || this.last === `${x} ${y}`) return;
    const first = this.last === null;
    this.last = `${x} ${y}`;
    this.place(x, y);
    this.stroke(x, y, first);
  }

  key(event) {
    const by = ARROWS[event.key], paints = event.key === " " || event.key === "Enter";
    if (!by && !paints) return;
    event.preventDefault();
    if (by) {
      const within = (at) => Math.min(this.side - 1, Math.max(0, at));
      this.place(within(this.x + by[0]), within(this.y + by[1]));
      this.moved(this.x, this.y);
    } else this.stroke(this.x, this.y, true);
  }

  place(x, y) {
    Object.assign(this, { x, y });
    const share = 100 / this.side;
    Object.assign(this.mark.style, { left: `${x * share}%`, top: `${y * share}%`, width: `${share}%`, height: `${share}%` });
    this.mark.hidden = false;
  }

  // deviation(x, y): how many standard deviations a number is above its channel's mean.
  paint(deviation) {
    const { side } = this, image = new ImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      const grey = (deviation(i % side, Math.floor(i / side)) / WIDEST + 1) * 127.5;
      image.data.set([grey, grey, grey, 255], 4 * i);
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }
}
