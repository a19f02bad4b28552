// One of the two pictures: what the model drew at each step, and what it expected then.
import { fill } from "./text.js";

export class Panel {
  constructor(texts, { picture_side: side }) {
    Object.assign(this, { texts, side, steps: [], wish: null, label: "", weights: "" });
    this.figure = document.createElement("figure");
    this.figure.className = "live-panel";
    [this.picture, this.expected] = [this.canvas("live-picture"), this.canvas("live-expected")];
    this.caption = document.createElement("figcaption");
    const small = document.createElement("div");
    small.className = "live-small";
    small.append(this.expected, Object.assign(document.createElement("span"), { textContent: texts.expected }));
    this.figure.append(this.caption, this.picture, small);
    this.figure.hidden = true;
  }

  canvas(className) {
    const canvas = Object.assign(document.createElement("canvas"), { width: this.side, height: this.side, className });
    canvas.setAttribute("role", "img");
    return canvas;
  }

  // Whether it holds, from first to last step, what is wished, drawn with these weights.
  shows(wish, weights) {
    const whole = this.wish && this.steps.length === this.wish.steps;
    return whole && this.weights === weights && JSON.stringify(this.wish) === JSON.stringify(wish);
  }

  // blending: the controls that may have their share in it (blending.js), or null.
  start(wish, label, weights, blending) {
    Object.assign(this, { wish, weights, steps: [], label: blending?.label(label) ?? label });
    this.caption.textContent = wish.blend ? fill(this.texts.blended, { title: label }) : label;
    this.figure.hidden = false;
  }

  add({ step, ...pictures }) {
    this.steps[step - 1] = pictures;
  }

  // Shows a step, or the last there is.
  show(step) {
    const last = Math.min(step, this.steps.length), { picture, expected } = this.steps[last - 1] ?? {};
    if (!picture) return;
    this.paint(this.picture, picture, this.texts.canvas, last);
    this.paint(this.expected, expected, this.texts.canvas_expected, last);
  }

  paint(canvas, pixels, text, step) {
    canvas.getContext("2d").putImageData(new ImageData(pixels, this.side, this.side), 0, 0);
    canvas.setAttribute("aria-label", fill(text, { ...this.wish, which: this.label, step }));
  }
}
