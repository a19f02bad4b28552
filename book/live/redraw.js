// Chapter 12: what is painted, made noisy and drawn on with a sentence by the whole model.
import { Engine } from "./engine.js";
import { Picture } from "./picture.js";
import { fill } from "./text.js";
import { troubleWith, wordsOf } from "./words.js";

export class Redraw {
  // painter: whose latent it is.
  constructor(painter) {
    const { texts, facts, base } = painter, root = painter.$(".paint-redraw");
    Object.assign(this, { painter, texts, facts, root });
    [this.prompt, this.strength, this.seed] = ["prompt", "strength", "seed"].map((name) => painter.control(name));
    this.engine = new Engine({ facts, base }, (bytes, file) => this.loading(bytes, file));
    this.picture = new Picture(texts.paint_redrawn, facts.picture_side);
    this.picture.figure.hidden = true;
    this.$(".paint-redrawn").append(this.picture.figure);
    this.prompt.addEventListener("input", () => this.check());
    this.strength.addEventListener("input", () => (this.$("output").value = this.strength.value));
    this.$(".live-draw").addEventListener("click", () => this.draw());
  }

  $(selector) {
    return this.root.querySelector(selector);
  }

  say(sentence) {
    this.prompt.value = sentence;
    this.check();
  }

  // What keeps the sentence from being drawn, in words; "" if nothing does.
  check() {
    const found = troubleWith(this.prompt.value, this.facts.text), words = found?.unknown?.join(", ");
    const trouble = words ? fill(this.texts.blend_unknown, { words }) : found ? fill(this.texts.too_long, found) : "";
    this.$(".live-trouble").textContent = trouble;
    this.prompt.setAttribute("aria-invalid", String(trouble !== ""));
    return trouble;
  }

  loading(bytes, file) {
    const got = (bytes / 1e6).toFixed(1), { unpacking, loading } = this.texts;
    this.$(".live-size").hidden = true;
    this.progress(bytes / file.bytes);
    this.tell(bytes === file.bytes ? unpacking : fill(loading, { got, size: file.megabytes }));
  }

  progress(share) {
    Object.assign(this.$(".live-progress"), { hidden: share === null, value: share ?? 1 });
  }

  tell(text) {
    this.$(".live-status").textContent = text;
  }

  async draw() {
    if (this.check() || !this.seed.reportValidity()) return;
    const { facts, texts } = this, strength = Number(this.strength.value), seed = Number(this.seed.value);
    const start = { latent: this.painter.latent.data.slice(), strength }, { steps, guidance } = facts;
    const prompt = wordsOf(this.prompt.value).join(" "), left = Math.trunc(steps * strength);
    const label = fill(texts.paint_canvas_redrawn, { prompt, seed, strength });
    delete this.root.dataset.drawn;
    try {
      if (!(await this.engine.load("int8"))) return;
      this.tell(texts.drawing);
      const milliseconds = await this.engine.draw({ prompt, seed, steps, guidance, start }, ({ step, picture }) => {
        this.progress(step / left);
        this.picture.figure.hidden = false;
        this.picture.paint(picture, label);
      });
      if (milliseconds === null) return; // a newer wish came between
      const seconds = (milliseconds / 1000).toFixed(1);
      this.tell(fill(texts.paint_redrawn_in, { seconds, left, steps }));
      this.root.dataset.drawn = Math.round(milliseconds); // for who measures
    } catch (error) {
      this.tell(fill(texts.failed, { message: error.message }));
    }
    this.progress(null);
  }
}
