// Guidance, both halves side by side: what the model expects without the prompt, with it, and what guidance makes of both.
import { Form } from "./form.js";
import { Picture } from "./picture.js";
import { fill } from "./text.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

class Guidance {
  constructor(root) {
    this.form = new Form(root, () => this.draw());
    const { texts, facts } = this.form;
    this.names = ["so_far", "without_prompt", "with_prompt", "guided"];
    this.pictures = this.names.map((name) => new Picture(texts[name], facts.picture_side));
    root.querySelector(".live-pair").append(...this.pictures.map(({ figure }) => figure));
    this.slider = this.form.control("step");
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    this.steps = [];
  }

  async draw() {
    const wish = { ...this.form.wish(), halves: true };
    Object.assign(this, { steps: [], wish });
    this.form.$(".live-results").hidden = false;
    return this.form.engine.draw(wish, (data) => {
      this.steps.push(data);
      this.form.progress(data.step / wish.steps);
      if (!still.matches || data.step === wish.steps) this.show(data.step);
    });
  }

  show(step) {
    const { picture, halves, expected } = this.steps[Math.min(step, this.steps.length) - 1] ?? {};
    if (!picture) return;
    this.form.slideTo(step, this.wish.steps);
    [picture, ...halves, expected].forEach((rgba, i) => {
      const which = fill(this.form.texts[this.names[i]], this.wish);
      this.pictures[i].caption.textContent = which;
      this.pictures[i].paint(rgba, fill(this.form.texts.canvas_half, { ...this.wish, which, step }));
    });
  }
}

Form.beginAll("guidance", (root) => new Guidance(root));
