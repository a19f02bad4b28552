// The live part of a page: a sentence, settings, switches; two pictures side by side, step by step.
//
// Nothing of the model is fetched before the reader asks for a picture. Afterwards each change draws anew. All words
// that a reader sees come from the page (texts.en.json), the numbers of the model from `facts` (live_files.py).
import { sentenceEditor } from "./sentence.js";
import { Panel } from "./panel.js";
import { fill } from "./text.js";

const WAIT = 200; // milliseconds without a change before it is drawn
const still = matchMedia("(prefers-reduced-motion: reduce)");



function begin(root) {
  const { texts, facts, base } = JSON.parse(root.querySelector(".live-data").textContent);
  if (typeof Worker === "undefined" || typeof DecompressionStream === "undefined") {
    root.querySelector('[data-note="old"]').hidden = false;
    return;
  }
  const $ = (selector) => root.querySelector(selector);
  const panels = { whole: new Panel(texts, facts), cut: new Panel(texts, facts) };
  $(".live-pair").append(panels.whole.figure, panels.cut.figure);
  const sentence = sentenceEditor(root, texts, facts, change);
  let worker = null, loaded = null, id = 0, queue = [], now = null, timer = 0;

  // ------------------------------------------------------------------------------------------- what is wished

  const parts = () => [...root.querySelectorAll("[data-part]:checked:not(:disabled)")];
  const quality = () => ($(".live-exact").checked ? "half" : "int8");

  function wishOf(which) {
    const gains = which === "cut" ? Object.fromEntries(parts().map((box) => [box.dataset.part, 0])) : {};
    const numbers = ["seed", "steps", "guidance"].map((name) => [name, Number($(`#live-${name}`).value)]);
    return { prompt: sentence.text(), ...Object.fromEntries(numbers), gains };
  }

  function labelOf(which) {
    return which === "whole" ? texts.whole : fill(texts.without, { parts: parts().map((box) => box.dataset.name).join(texts.and) });
  }

  function change() {
    for (const name of ["steps", "guidance"]) $(`#live-${name} + output`).value = $(`#live-${name}`).value;
    for (const box of root.querySelectorAll("[data-part^='skips-']")) box.disabled = $('[data-part="skips"]').checked;
    clearTimeout(timer);
    if (worker) timer = setTimeout(draw, WAIT);
  }

  // ---------------------------------------------------------------------------------------------- the drawing

  function draw() {
    clearTimeout(timer);
    if (sentence.trouble() || !$(".live-form").reportValidity()) return;
    if (loaded !== quality()) return load();
    if (loaded && !$(".live-draw").dataset.ready) return; // it will draw when it is ready
    const cut = parts().length > 0;
    panels.cut.figure.hidden = !cut;
    $(".live-results").hidden = false;
    queue = ["whole", "cut"].filter((which) => (which === "whole" || cut) && !panels[which].shows(wishOf(which), loaded));
    say(queue.length ? texts.drawing : "");
    if (!queue.length && panels.whole.wish) show(panels.whole.wish.steps);
    next();
  }

  function load() {
    worker?.terminate();
    loaded = quality();
    delete $(".live-draw").dataset.ready;
    const code = new URL("worker.js", import.meta.url), file = facts.files[loaded];
    worker = new Worker(code, { type: "module" });
    worker.onmessage = ({ data }) => answers[data.kind](data);
    worker.onerror = (event) => answers.error({ message: event.message || "worker.js" });
    const at = (name) => new URL(base + name, document.baseURI).href;
    worker.postMessage({ kind: "load", program: at(facts.program), weights: at(file.name), bytes: file.bytes });
    $(".live-progress").hidden = false;
    $(".live-size").hidden = true;
    answers.loading({ bytes: 0 });
  }

  function next() {
    now = queue.shift() ?? null;
    id += 1;
    $(".live-progress").hidden = !now;
    if (!now) return void worker.postMessage({ kind: "stop", id });
    panels[now].start(wishOf(now), labelOf(now), loaded);
    worker.postMessage({ kind: "draw", id, wish: wishOf(now) });
  }

  const answers = {
    loading({ bytes }) {
      const { bytes: all, megabytes } = facts.files[loaded];
      $(".live-progress").value = bytes / all;
      say(bytes === all ? texts.unpacking : fill(texts.loading, { got: (bytes / 1e6).toFixed(1), size: megabytes }));
    },
    ready({ product, milliseconds }) {
      Object.assign(root.dataset, { product, loaded: Math.round(milliseconds) });
      $(".live-draw").dataset.ready = "yes";
      $(".live-draw").textContent = texts.draw;
      draw();
    },
    step(data) {
      if (data.id !== id) return;
      panels[now].add(data);
      $(".live-progress").value = data.step / panels[now].wish.steps;
      if (!still.matches || data.step === panels[now].wish.steps) show(data.step);
    },
    done(data) {
      if (data.id !== id) return;
      panels[now].milliseconds = data.milliseconds;
      root.dataset[now] = Math.round(data.milliseconds); // for who measures
      next();
      const total = panels.whole.milliseconds + (panels.cut.figure.hidden ? 0 : panels.cut.milliseconds ?? 0);
      if (!now) say(fill(texts.drawn, { seconds: (total / 1000).toFixed(1) }));
    },
    error({ message }) {
      $(".live-progress").hidden = true;
      say(fill(texts.failed, { message }));
      worker?.terminate();
      worker = loaded = now = null;
    },
  };

  // ------------------------------------------------------------------------------------------- what is shown

  function show(step) {
    const slider = $("#live-step"), { steps } = panels.whole.wish;
    slider.max = steps;
    slider.value = step;
    $(".live-step output").value = fill(texts.step_of, { step, steps });
    for (const panel of Object.values(panels)) panel.show(step);
  }

  function say(text) {
    if ($(".live-status").textContent !== text) $(".live-status").textContent = text;
  }

  $(".live-form").hidden = false;
  $(".live-form").addEventListener("submit", (event) => { event.preventDefault(); draw(); });
  for (const input of root.querySelectorAll(".live-settings input, [data-part]")) input.addEventListener("input", change);
  $("#live-step").addEventListener("input", () => show(Number($("#live-step").value)));
  $(".live-other").addEventListener("click", () => {
    $("#live-seed").value = Math.floor(Math.random() * 10000);
    change();
  });
  change();
}

document.querySelectorAll("[data-live]").forEach(begin);
