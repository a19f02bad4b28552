// Chapter 12: a latent to paint on, decoded after every stroke, and drawn on from where a reader asks for it.
import { Easel } from "./easel.js";
import { Engine } from "./engine.js";
import { Latent } from "./latent.js";
import { Picture } from "./picture.js";
import { Redraw } from "./redraw.js";
import { fill } from "./text.js";

class Painter {
  constructor(root) {
    Object.assign(this, JSON.parse(root.querySelector(".live-data").textContent)); // texts, facts, base
    Object.assign(this, { root, id: root.dataset.id, latents: [], busy: false, wanted: false });
    this.engine = new Engine(this, (bytes, file) => this.loading(bytes, file));
    const { texts, facts } = this;
    this.easels = Array.from({ length: facts.channels }, (_, channel) => this.easelOf(channel));
    this.$(".paint-channels").append(...this.easels.map(({ figure }) => figure));
    [this.now, this.before] = ["paint_now", "paint_before"].map((name) => new Picture(texts[name], facts.picture_side));
    this.$(".live-pair").append(this.now.figure, this.before.figure);
    this.redraw = new Redraw(this);
    this.listen();
    this.$(".live-form").hidden = false;
  }

  $(selector) {
    return this.root.querySelector(selector);
  }

  control(name) {
    return this.$(`#${this.id}-${name}`);
  }

  easelOf(channel) {
    const { texts, facts: { side } } = this, number = channel + 1;
    return new Easel(fill(texts.paint_channel, { number }), fill(texts.paint_target, { number, side }), side, {
      stroke: (x, y, first) => this.stroke(channel, x, y, first),
      moved: (x, y) => this.tell(channel, x, y),
    });
  }

  listen() {
    this.$(".live-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.latents.length) this.redraw.draw();
      else this.load();
    });
    this.control("scene").addEventListener("input", () => {
      this.redraw.say(this.caption);
      this.show();
    });
    for (const input of this.root.querySelectorAll(".paint-brush input")) input.addEventListener("input", () => this.settle());
    this.$(".paint-undo").addEventListener("click", () => this.change((latent) => latent.undo()));
    this.$(".paint-reset").addEventListener("click", () => this.change((latent) => latent.reset()));
    this.settle();
  }

  // What the controls say of themselves, and which of them count.
  settle() {
    const brings = this.control("bring").checked;
    this.control("value").disabled = brings;
    this.control("other").disabled = !brings;
    for (const name of ["value", "size"]) this.$(`output[for="${this.id}-${name}"]`).value = this.control(name).value;
  }

  async load() {
    this.$(".live-draw").disabled = true;
    try {
      const { latents, product, milliseconds } = await this.engine.load("latent");
      Object.assign(this.root.dataset, { product, loaded: Math.round(milliseconds) }); // for who measures
      const size = this.facts.side ** 2 * this.facts.channels;
      this.latents = this.facts.captions.map((_, i) => new Latent(latents.slice(i * size, (i + 1) * size), this.facts));
      this.$(".live-results").hidden = false;
      this.$(".live-start button").hidden = true;
      this.say(this.texts.paint_ready);
      await this.show();
    } catch (error) {
      this.say(fill(this.texts.failed, { message: error.message }));
      this.$(".live-draw").disabled = false;
    }
    this.$(".live-progress").hidden = true;
  }

  loading(bytes, file) {
    const got = (bytes / 1e6).toFixed(1), size = file.megabytes;
    this.$(".live-size").hidden = true;
    Object.assign(this.$(".live-progress"), { hidden: false, value: bytes / file.bytes });
    this.say(bytes === file.bytes ? this.texts.unpacking : fill(this.texts.loading, { got, size }));
  }

  say(text) {
    this.$(".live-status").textContent = text;
  }

  // ----------------------------------------------------------------------------------------------- painting

  get latent() {
    return this.latents[this.control("scene").value];
  }

  get caption() {
    return this.facts.captions[this.control("scene").value];
  }

  stroke(channel, x, y, first) {
    const [value, size, other] = ["value", "size", "other"].map((name) => Number(this.control(name).value));
    this.change((latent) => {
      if (first) latent.begin();
      if (this.control("bring").checked) latent.bring({ x, y, size }, this.latents[other].start);
      else latent.set({ x, y, size }, channel, value);
    });
  }

  tell(channel, x, y) {
    const value = this.latent.at(x, y, channel).toFixed(1);
    this.say(fill(this.texts.paint_where, { number: channel + 1, x: x + 1, y: y + 1, value }));
  }

  change(act) {
    act(this.latent);
    this.showChannels();
    this.decode();
  }

  // ------------------------------------------------------------------------------------------------ showing

  showChannels() {
    this.easels.forEach((easel, channel) => easel.paint((x, y) => this.latent.at(x, y, channel)));
    this.$(".paint-undo").disabled = this.latent.past.length === 0;
    this.$(".paint-reset").disabled = !this.latent.changed;
  }

  // A scene, as it was and as it is.
  async show() {
    this.showChannels();
    this.before.figure.hidden = true;
    await this.decode();
    const { latent, caption } = this;
    await this.engine.decode(latent.start, ({ picture }) => {
      this.before.paint(picture, fill(this.texts.paint_canvas_before, { caption }));
      this.before.figure.hidden = false;
    });
  }

  // Decodes what is painted now, and again if more was painted meanwhile.
  async decode() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    delete this.root.dataset.decoded;
    while (this.wanted) {
      this.wanted = false;
      const label = fill(this.texts.paint_canvas_now, { caption: this.caption, strokes: this.latent.past.length });
      const paint = ({ picture }) => this.now.paint(picture, label);
      this.milliseconds = await this.engine.decode(this.latent.data, paint);
    }
    this.busy = false;
    this.root.dataset.decoded = Math.round(this.milliseconds); // for who measures
  }
}

for (const root of document.querySelectorAll('[data-live="paint"]'))
  if (Engine.works) new Painter(root);
  else root.querySelector('[data-note="old"]').hidden = false;
