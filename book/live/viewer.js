// The attention viewer: which pixels look at a word, and which words a pixel looks at, by layer, head and step.
import { AttentionPicture } from "./attention_picture.js";
import { Form } from "./form.js";
import { meanShares } from "./maps.js";
import { Swap } from "./swap.js";
import { fill } from "./text.js";
import { firstPlace, wordsOf } from "./words.js";

const FULL = 0.3; // the share that fills a bar, unless one is larger
const gridOf = (map) => Math.sqrt(map.pixels);

class Viewer {
  constructor(root) {
    this.form = new Form(root, () => this.draw());
    const part = (selector) => root.querySelector(selector);
    const [layers, heads, slider] = ["layer", "head", "step"].map((name) => this.form.control(name));
    Object.assign(this, { layers, heads, slider });
    Object.assign(this, { bars: part(".live-bars"), where: part(".live-where") });
    this.picture = new AttentionPicture(part(".live-target"), this.form.facts.picture_side, () => this.show());
    this.swap = new Swap(this.form);
    this.slider.addEventListener("input", () => this.show());
    this.layers.addEventListener("input", () => this.listHeads());
    this.heads.addEventListener("input", () => this.show());
    Object.assign(this, { steps: [], words: [], word: null, pinned: null }); // numbers: of the word pointed at, clicked
  }

  async draw() {
    const wish = { ...this.form.wish(), maps: true }, steps = [];
    const milliseconds = await this.form.engine.draw(wish, (data) => {
      steps.push(data);
      this.form.progress(data.step / wish.steps);
    });
    if (milliseconds === null) return null;
    Object.assign(this, { steps, words: wordsOf(wish.prompt) });
    this.pinned = Math.max(0, this.words.findIndex((word) => this.form.facts.language.classes.colour?.includes(word)));
    this.word = this.pinned;
    this.form.slideTo(wish.steps, wish.steps);
    this.form.$(".live-results").hidden = false;
    this.makeBars();
    this.listLayers();
    this.swap.offer(wish, steps.at(-1).picture);
    return milliseconds;
  }

  get step() {
    return this.steps[this.slider.value - 1];
  }

  // ---------------------------------------------------------------------------------------- layers and heads

  // Every layer by itself, and before them the mean of those that see the whole latent.
  listLayers() {
    const { maps } = this.step, { texts } = this.form, names = Object.keys(maps), chosen = this.layers.value;
    const largest = Math.max(...names.map((name) => gridOf(maps[name])));
    const whole = names.filter((name) => gridOf(maps[name]) === largest).join(" ");
    const options = names.map((name) => new Option(fill(texts.layer, { name, side: gridOf(maps[name]) }), name));
    this.layers.replaceChildren(new Option(fill(texts.all_layers, { side: largest }), whole), ...options);
    this.layers.value = names.includes(chosen) ? chosen : whole;
    this.listHeads();
  }

  listHeads() {
    const count = this.step.maps[this.layers.value.split(" ")[0]].heads, chosen = this.heads.value;
    const option = (_, head) => new Option(fill(this.form.texts.head_number, { number: head + 1 }), head);
    this.heads.replaceChildren(new Option(this.form.texts.all_heads, ""), ...Array.from({ length: count }, option));
    this.heads.value = Number(chosen) < count ? chosen : "";
    this.show();
  }

  // The share of each pixel's attention that each word gets, and behind the words that of all other places, before the
  // sentence and after it: {grid, shares}, one array for each pixel.
  looks() {
    const layers = this.layers.value.split(" "), { maps } = this.step, { pixels, words: places } = maps[layers[0]];
    const values = meanShares(maps, layers, this.heads.value === "" ? null : Number(this.heads.value));
    const first = firstPlace(this.form.facts.text), end = first + this.words.length;
    const shares = Array.from({ length: pixels }, (_, at) => {
      const all = [...values.subarray(at * places, (at + 1) * places)];
      const others = [...all.slice(0, first), ...all.slice(end)].reduce((sum, share) => sum + share, 0);
      return [...all.slice(first, end), others];
    });
    return { grid: Math.sqrt(pixels), shares };
  }

  // ---------------------------------------------------------------------------------------------- what is shown

  show() {
    if (!this.steps.length) return;
    const { grid, shares } = this.looks(), { texts } = this.form, layer = this.layers.selectedOptions[0].text;
    this.form.slideTo(Number(this.slider.value), this.steps.length);
    this.picture.paint(this.step.expected, grid, shares.map((words) => words[this.word]));
    this.picture.name(fill(texts.map_of, { word: this.nameOf(this.word), layer }));
    const { pixel } = this.picture;
    this.fillBars(pixel === null ? shares : [shares[pixel]]);
    const at = { x: (pixel % grid) + 1, y: Math.floor(pixel / grid) + 1, side: grid };
    this.where.textContent = pixel === null ? texts.all_pixels : fill(texts.one_pixel, at);
  }

  nameOf(entry) {
    return entry < this.words.length ? `“${this.words[entry]}”` : this.form.texts.other_places;
  }

  makeBars() {
    const bars = [...this.words, this.form.texts.other_places].map((text, entry) => {
      const bar = Object.assign(document.createElement("button"), { type: "button", className: "live-bar" });
      const part = (name) => Object.assign(document.createElement("span"), { className: `live-bar-${name}` });
      bar.append(...["name", "length", "share"].map(part));
      bar.firstElementChild.textContent = text;
      for (const event of ["pointerenter", "focus"]) bar.addEventListener(event, () => this.point(entry));
      for (const event of ["pointerleave", "blur"]) bar.addEventListener(event, () => this.point(this.pinned));
      bar.addEventListener("click", () => this.point((this.pinned = entry)));
      return bar;
    });
    this.bars.replaceChildren(...bars);
  }

  point(entry) {
    this.word = entry;
    this.show();
  }

  // The mean over some pixels' shares.
  fillBars(pixels) {
    const bars = [...this.bars.children];
    const means = bars.map((_, entry) => pixels.reduce((sum, words) => sum + words[entry], 0) / pixels.length);
    const full = Math.max(FULL, ...means);
    bars.forEach((bar, entry) => {
      bar.children[1].style.setProperty("--share", means[entry] / full);
      bar.children[2].textContent = `${(100 * means[entry]).toFixed(0)} %`;
      bar.ariaPressed = String(entry === this.pinned);
    });
  }
}

Form.beginAll("viewer", (root) => new Viewer(root));
