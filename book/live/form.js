// What all live parts of pages have: the sentence, the settings, the button that loads and draws, its progress.
import { Engine } from "./engine.js";
import { sentenceEditor } from "./sentence.js";
import { fill } from "./text.js";

const WAIT = 200; // milliseconds without a change before it is drawn
const NUMBERS = ["seed", "steps", "guidance"];

// draw(): draws what `wish` says, with the engine loaded; gives its milliseconds, or null if a newer wish came between.
// Gives null where this browser cannot draw.
export function formOf(root, draw) {
  const data = JSON.parse(root.querySelector(".live-data").textContent), { texts } = data;
  if (!Engine.works) {
    root.querySelector('[data-note="old"]').hidden = false;
    return null;
  }
  const $ = (selector) => root.querySelector(selector);
  const engine = new Engine(data, loading);
  const sentence = sentenceEditor(root, texts, data.facts, change);
  let timer = 0, turn = 0;

  const wish = () => ({ prompt: sentence.text(), ...Object.fromEntries(NUMBERS.map((name) => [name, Number($(`#live-${name}`).value)])) });

  async function submit() {
    clearTimeout(timer);
    if (sentence.trouble() || !$(".live-form").reportValidity()) return;
    const mine = ++turn;
    try {
      const loaded = await engine.load($(".live-exact").checked ? "half" : "int8");
      if (loaded) Object.assign(root.dataset, { product: loaded.product, loaded: Math.round(loaded.milliseconds) });
      if (mine !== turn || !loaded) return; // a newer wish came while it loaded
      $(".live-draw").textContent = texts.draw;
      say(texts.drawing);
      progress(0);
      engine.stop();
      const milliseconds = await draw();
      if (mine !== turn || milliseconds === null) return;
      say(fill(texts.drawn, { seconds: (milliseconds / 1000).toFixed(1) }));
    } catch (error) {
      if (mine === turn) say(fill(texts.failed, { message: error.message }));
    }
    if (mine === turn) progress(null);
  }

  // After the first picture each change draws.
  function change() {
    for (const output of root.querySelectorAll(".live-field output")) output.value = $(`#${output.htmlFor}`).value;
    clearTimeout(timer);
    if (engine.worker) timer = setTimeout(submit, WAIT);
  }

  function loading(bytes, file) {
    const got = (bytes / 1e6).toFixed(1), size = file.megabytes;
    $(".live-size").hidden = true;
    progress(bytes / file.bytes);
    say(bytes === file.bytes ? texts.unpacking : fill(texts.loading, { got, size }));
  }

  function progress(share) {
    $(".live-progress").hidden = share === null;
    $(".live-progress").value = share ?? 1;
  }

  function say(text) {
    if ($(".live-status").textContent !== text) $(".live-status").textContent = text;
  }

  $(".live-form").hidden = false;
  $(".live-form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  for (const input of root.querySelectorAll(".live-settings input")) input.addEventListener("input", change);
  $(".live-other").addEventListener("click", () => {
    $("#live-seed").value = Math.floor(Math.random() * 10000);
    change();
  });
  change();
  return { $, root, ...data, engine, wish, change, progress };
}
