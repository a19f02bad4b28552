// Chapter 2: the time embedding as hands of a clock, at two times.
import { fill } from "./text.js";
import { similarity, timestepEmbedding, turnOf } from "./time.js";

const SIZE = 320, HALF = SIZE / 2, MAX_PERIOD = 10000; // Stable Diffusion's
const SHOWN = [0, 20, 40, 60, 80, 100, 120, 140]; // of the hands
const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// A hand at both times. Its cosine is how far it points to the right, its sine how far up.
class Dial {
  constructor(i, texts) {
    Object.assign(this, { i, texts, figure: document.createElement("figure") });
    this.svg = drawn("svg", { viewBox: "-1.1 -1.1 2.2 2.2", role: "img" });
    this.hands = ["clock-other", "clock-hand"].map((name) => drawn("line", { class: name }));
    this.svg.append(drawn("circle", { r: 1, class: "clock-face" }), ...this.hands);
    const turn = Math.round(turnOf(i, HALF, MAX_PERIOD)).toLocaleString("en");
    const [name, about] = [fill(texts.clock_hand, { i }), fill(texts.clock_turn, { turn })];
    const caption = Object.assign(document.createElement("figcaption"), { textContent: name });
    caption.append(Object.assign(document.createElement("small"), { textContent: about }));
    this.figure.className = "live-panel";
    this.figure.append(this.svg, caption);
  }

  show(embeddings, times) {
    const angles = embeddings.map((e) => [e[this.i], e[HALF + this.i]]).map(([x, y], which) => {
      const hand = this.hands[1 - which];
      hand.setAttribute("x2", x);
      hand.setAttribute("y2", -y);
      return Math.round(((Math.atan2(y, x) * 180) / Math.PI + 360) % 360);
    });
    const values = { i: this.i, time: times[0], other: times[1], angle: angles[0], other_angle: angles[1] };
    this.svg.setAttribute("aria-label", fill(this.texts.clock_dial_alt, values));
  }
}

class Clock {
  constructor(root) {
    ({ texts: this.texts } = JSON.parse(root.querySelector(".live-data").textContent));
    this.root = root;
    this.sliders = ["time", "other"].map((name) => root.querySelector(`#${root.dataset.id}-${name}`));
    this.dials = SHOWN.map((i) => new Dial(i, this.texts));
    root.querySelector(".clock-dials").append(...this.dials.map(({ figure }) => figure));
    for (const slider of this.sliders) slider.addEventListener("input", () => this.show());
    root.querySelector(".live-form").hidden = false;
    this.show();
  }

  show() {
    const { texts, root } = this, times = this.sliders.map(({ value }) => Number(value));
    const embeddings = times.map((time) => timestepEmbedding(time, SIZE, MAX_PERIOD));
    this.sliders.forEach((slider, i) => (root.querySelector(`output[for="${slider.id}"]`).value = times[i]));
    for (const dial of this.dials) dial.show(embeddings, times);
    root.querySelectorAll(".clock-strips figure").forEach((figure, i) => this.strip(figure, embeddings[i], times[i]));
    const sines = similarity(...embeddings).toFixed(3);
    const number = similarity(...times.map((time) => [time / 1000, 1])).toFixed(5); // 1: as a layer's bias supplies
    root.querySelector(".live-status").textContent = fill(texts.clock_similar, { sines, number });
  }

  strip(figure, embedding, time) {
    const canvas = figure.querySelector("canvas"), image = new ImageData(SIZE, 1);
    embedding.forEach((value, i) => image.data.set([...Array(3).fill((value + 1) * 127.5), 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
    figure.querySelector("figcaption").textContent = fill(this.texts.clock_strip, { time });
    canvas.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
  }
}

for (const root of document.querySelectorAll('[data-live="clock"]')) new Clock(root);
