// A sentence, settings, switches; two pictures side by side, step by step.
//
// Nothing of the model is fetched before the reader asks for a picture. Afterwards each change draws anew. All words
// that a reader sees come from the page (texts.en.json), the numbers of the model from `facts` (live_files.py).
import { Form } from "./form.js";
import { Panel } from "./panel.js";
import { fill } from "./text.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  constructor(root) {
    this.form = new Form(root, () => this.draw());
    const { texts, facts } = this.form, slider = this.form.control("step");
    this.panels = { whole: new Panel(texts, facts), cut: new Panel(texts, facts) };
    root.querySelector(".live-pair").append(this.panels.whole.figure, this.panels.cut.figure);
    this.boxes = [...root.querySelectorAll("input[data-part]")];
    for (const box of this.boxes) box.addEventListener("input", () => this.switched());
    slider.addEventListener("input", () => this.show(Number(slider.value)));
  }

  // What is switched off: {part, name}, the switch and how a title says it.
  get parts() {
    return this.boxes.filter((box) => box.checked && !box.disabled).map((box) => box.dataset);
  }

  // What is wished of both panels.
  wish() {
    return this.form.wish();
  }

  // Without any skips there is nothing left to switch at their levels.
  switched() {
    const all = this.boxes.find((box) => box.dataset.part === "skips")?.checked;
    for (const box of this.boxes) if (box.dataset.part.startsWith("skips-")) box.disabled = all;
    this.form.change();
  }

  // The wish of each panel that is to be shown, and its title.
  wishes() {
    const { parts, form: { texts } } = this, wish = this.wish();
    const gains = Object.fromEntries(parts.map(({ part }) => [part, 0]));
    const names = parts.map(({ name }) => name).join(texts.and);
    const whole = ["whole", { ...wish, gains: {} }, texts.whole];
    return parts.length ? [whole, ["cut", { ...wish, gains }, fill(texts.without, { parts: names })]] : [whole];
  }

  async draw() {
    const { engine, root } = this.form, wishes = this.wishes();
    this.panels.cut.figure.hidden = !wishes[1] || !this.panels.cut.shows(wishes[1][1], engine.quality);
    this.form.$(".live-results").hidden = false;
    let total = 0;
    for (const [which, wish, title] of wishes) {
      const panel = this.panels[which];
      if (!panel.shows(wish, engine.quality)) {
        panel.start(wish, title, engine.quality, this.form.blending);
        panel.milliseconds = await engine.draw(wish, (step) => this.add(panel, step));
        if (panel.milliseconds === null) return null;
      }
      root.dataset[which] = Math.round(panel.milliseconds); // for who measures
      total += panel.milliseconds;
    }
    this.show(wishes[0][1].steps);
    return total;
  }

  add(panel, data) {
    const { steps } = panel.wish;
    panel.add(data);
    this.form.progress(data.step / steps);
    if (!still.matches || data.step === steps) this.show(data.step);
  }

  show(step) {
    this.form.slideTo(step, this.panels.whole.wish.steps);
    for (const panel of Object.values(this.panels)) panel.show(step);
  }
}
