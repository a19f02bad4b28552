// What all live parts of pages have: the sentence, the settings, the button that loads and draws, its progress.
import { Blending } from "./blending.js";
import { Engine } from "./engine.js";
import { SentenceEditor } from "./sentence.js";
import { fill } from "./text.js";

const WAIT = 200; // milliseconds without a change before it is drawn
const NUMBERS = ["seed", "steps", "guidance"];

export class Form {
  // draw(): draws what `wish` says, with the engine loaded; gives its milliseconds, or null if a newer wish came
  // between.
  constructor(root, draw) {
    Object.assign(this, JSON.parse(root.querySelector(".live-data").textContent)); // texts, facts, base
    Object.assign(this, { root, draw, id: root.dataset.id, timer: 0, turn: 0 });
    this.engine = new Engine(this, (bytes, file) => this.loading(bytes, file));
    this.sentence = new SentenceEditor(root, this.texts, this.facts, () => this.change());
    this.blending = this.$(".live-blend") && new Blending(this);
    this.listen();
    this.$(".live-form").hidden = false;
    this.change();
  }

  // Calls begin(root) for each live part of a kind on the page, or says there why it cannot draw.
  static beginAll(kind, begin) {
    for (const root of document.querySelectorAll(`[data-live="${kind}"]`))
      if (Engine.works) begin(root);
      else root.querySelector('[data-note="old"]').hidden = false;
  }

  $(selector) {
    return this.root.querySelector(selector);
  }

  // A control by its name: several live parts of a page have ids of their own.
  control(name) {
    return this.$(`#${this.id}-${name}`);
  }

  listen() {
    this.$(".live-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    for (const input of this.root.querySelectorAll(".live-settings input"))
      input.addEventListener("input", () => this.change());
    this.$(".live-other").addEventListener("click", () => {
      this.control("seed").value = Math.floor(Math.random() * 10000);
      this.change();
    });
  }

  wish() {
    const numbers = NUMBERS.map((name) => [name, Number(this.control(name).value)]);
    const blend = this.blending?.wish;
    return { prompt: this.sentence.text, ...Object.fromEntries(numbers), ...(blend && { blend }) };
  }

  // After the first picture each change draws.
  change() {
    const outputs = this.root.querySelectorAll(".live-field output");
    for (const output of outputs) output.value = this.$(`#${output.htmlFor}`).value;
    clearTimeout(this.timer);
    if (this.engine.worker) this.timer = setTimeout(() => this.submit(), WAIT);
  }

  async submit() {
    clearTimeout(this.timer);
    if (this.sentence.trouble || this.blending?.trouble || !this.$(".live-form").reportValidity()) return;
    const turn = ++this.turn, old = () => turn !== this.turn;
    try {
      const loaded = await this.engine.load(this.$(".live-exact").checked ? "half" : "int8");
      if (old() || !loaded) return; // a newer wish came while it loaded
      const milliseconds = await this.drawn(loaded);
      if (old() || milliseconds === null) return;
      this.say(fill(this.texts.drawn, { seconds: (milliseconds / 1000).toFixed(1) }));
    } catch (error) {
      if (!old()) this.say(fill(this.texts.failed, { message: error.message }));
    }
    if (!old()) this.progress(null);
  }

  drawn({ product, milliseconds }) {
    Object.assign(this.root.dataset, { product, loaded: Math.round(milliseconds) }); // for who measures
    this.$(".live-draw").textContent = this.texts.draw;
    this.say(this.texts.drawing);
    this.progress(0);
    this.engine.stop();
    return this.draw();
  }

  loading(bytes, file) {
    const got = (bytes / 1e6).toFixed(1), size = file.megabytes;
    this.$(".live-size").hidden = true;
    this.progress(bytes / file.bytes);
    this.say(bytes === file.bytes ? this.texts.unpacking : fill(this.texts.loading, { got, size }));
  }

  // share: from 0 to 1, or null when all is done.
  progress(share) {
    this.$(".live-progress").hidden = share === null;
    this.$(".live-progress").value = share ?? 1;
  }

  say(text) {
    if (this.$(".live-status").textContent !== text) this.$(".live-status").textContent = text;
  }

  // The slider of steps, from 1 to `steps`, at `step`.
  slideTo(step, steps) {
    Object.assign(this.control("step"), { max: steps, value: step });
    this.$(".live-step output").value = fill(this.texts.step_of, { step, steps });
  }
}
