// The live part of a page: a sentence, settings, switches; two pictures side by side, step by step.
//
// Nothing of the model is fetched before the reader asks for a picture. Afterwards each change draws anew. All words
// that a reader sees come from the page (texts.en.json), the numbers of the model from `facts` (live_files.py).
import { Panel } from "./panel.js";
import { formOf } from "./form.js";
import { fill } from "./text.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

function begin(root) {
  const form = formOf(root, draw);
  if (!form) return;
  const { $, texts, facts, engine } = form;
  const panels = { whole: new Panel(texts, facts), cut: new Panel(texts, facts) };
  $(".live-pair").append(panels.whole.figure, panels.cut.figure);

  const parts = () => [...root.querySelectorAll("[data-part]:checked:not(:disabled)")];
  const names = () => parts().map((box) => box.dataset.name).join(texts.and);
  const gains = () => Object.fromEntries(parts().map((box) => [box.dataset.part, 0]));

  async function draw() {
    const cut = parts().length > 0, wish = form.wish(), { quality } = engine;
    const wishes = { whole: { ...wish, gains: {} }, ...(cut && { cut: { ...wish, gains: gains() } }) };
    const labels = { whole: texts.whole, cut: fill(texts.without, { parts: names() }) };
    panels.cut.figure.hidden = !cut;
    $(".live-results").hidden = false;
    for (const which of Object.keys(wishes)) {
      const panel = panels[which];
      if (panel.shows(wishes[which], quality)) continue;
      panel.start(wishes[which], labels[which], quality);
      const milliseconds = await engine.draw(wishes[which], (data) => {
        panel.add(data);
        form.progress(data.step / wish.steps);
        if (!still.matches || data.step === wish.steps) show(data.step);
      });
      if (milliseconds === null) return null;
      panel.milliseconds = root.dataset[which] = Math.round(milliseconds);
    }
    show(wish.steps);
    return Object.keys(wishes).reduce((sum, which) => sum + panels[which].milliseconds, 0);
  }

  function show(step) {
    const slider = $("#live-step"), { steps } = panels.whole.wish;
    Object.assign(slider, { max: steps, value: step });
    $(".live-step output").value = fill(texts.step_of, { step, steps });
    for (const panel of Object.values(panels)) panel.show(step);
  }

  function changed() {
    for (const box of root.querySelectorAll("[data-part^='skips-']")) box.disabled = $('[data-part="skips"]').checked;
    form.change();
  }

  for (const box of root.querySelectorAll("[data-part]")) box.addEventListener("input", changed);
  $("#live-step").addEventListener("input", () => show(Number($("#live-step").value)));
}

document.querySelectorAll('[data-live="play"]').forEach(begin);
