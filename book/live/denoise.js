// The denoising playground of chapter 1: alpha and steps to drag, the picture so far, and where it goes.
import { SIDE, denoise, draw } from "./denoising.js";
import { fill } from "./text.js";

const NUMBERS = ["alpha", "steps"];

class Playground {
  constructor(root) {
    Object.assign(this, { root, id: root.dataset.id, seed: 0 });
    ({ texts: this.texts } = JSON.parse(root.querySelector(".live-data").textContent));
    this.canvases = [...root.querySelectorAll("canvas")];
    this.slider = this.control("step");
    for (const input of root.querySelectorAll(".denoise-settings input")) input.addEventListener("input", () => this.run());
    this.slider.addEventListener("input", () => this.show());
    root.querySelector(".live-other").addEventListener("click", () => {
      this.seed += 1;
      this.run();
    });
    root.querySelector(".live-form").hidden = false;
    this.run();
  }

  control(name) {
    return this.root.querySelector(`#${this.id}-${name}`);
  }

  get known() {
    return this.control("known").checked;
  }

  // Runs all steps, and shows the picture at the same share of the way as before.
  run() {
    const [alpha, steps] = NUMBERS.map((name) => Number(this.control(name).value)), { slider } = this;
    const share = slider.value / slider.max, wish = { alpha, steps, seed: this.seed };
    this.control("alpha").disabled = !this.known;
    for (const name of NUMBERS) this.root.querySelector(`output[for$="-${name}"]`).value = this.control(name).value;
    this.states = this.known ? denoise(wish) : draw(wish);
    Object.assign(slider, { max: steps, value: Math.round(share * steps) });
    this.show();
  }

  show() {
    const step = Number(this.slider.value), state = this.states[step], { known, texts } = this;
    const { image, sigma, towards, left, count } = state, size = known ? 1 : Math.sqrt(1 + sigma ** 2);
    this.paint(this.canvases[0], image, size);
    this.paint(this.canvases[1], towards, 1);
    const of = { step, steps: this.states.length - 1 };
    const values = { left: percent(left), sigma: sigma?.toPrecision(2), count: Math.round(count) };
    this.root.querySelector(".denoise-towards").textContent = known ? texts.denoise_desired : texts.denoise_guess;
    this.root.querySelector('output[for$="-step"]').value = fill(texts.step_of, of);
    const said = fill(known ? texts.denoise_left : texts.denoise_count, values);
    this.root.querySelector(".live-status").textContent = said;
    this.canvases.forEach((canvas, i) => {
      const which = this.root.querySelectorAll("figcaption")[i].textContent;
      canvas.setAttribute("aria-label", `${which}, ${fill(texts.step_of, of)}. ${said}`);
    });
  }

  // -2 is black and 2 white, as in the chapter's figures.
  paint(canvas, values, size) {
    const image = new ImageData(SIDE, SIDE);
    values.forEach((value, i) => {
      image.data.fill(Math.min(255, Math.max(0, (255 * (value / size + 2)) / 4)), 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
}

const percent = (share) => (share === undefined ? "" : `${(100 * share).toPrecision(2)} %`.replace("e+", " · 10^"));

for (const root of document.querySelectorAll('[data-live="denoise"]')) new Playground(root);
