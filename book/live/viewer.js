// The attention viewer: which pixels look at a word, and which words a pixel looks at, by layer, head and step.
import { formOf } from "./form.js";
import { meanShares } from "./maps.js";
import { fill } from "./text.js";
import { wordsOf } from "./words.js";

const DARK = 0.12; // of a pixel's light that stays where nothing looks
const FULL = 0.3; // the share that fills a bar, unless one is larger

function begin(root) {
  const form = formOf(root, draw);
  if (!form) return;
  const { $, texts, facts } = form, side = facts.picture_side;
  const canvas = $(".live-target canvas"), context = canvas.getContext("2d"), mark = $(".live-mark");
  const layers = $("#live-layer"), heads = $("#live-head"), slider = $("#live-step");
  let steps = [], words = []; // of what is drawn
  let word = null, pixel = null, pinned = { word: null, pixel: null }; // what is pointed at; what was clicked

  async function draw() {
    const wish = { ...form.wish(), maps: true }, drawn = [];
    const milliseconds = await form.engine.draw(wish, (data) => {
      drawn.push(data);
      form.progress(data.step / wish.steps);
    });
    if (milliseconds === null) return null;
    [steps, words] = [drawn, wordsOf(wish.prompt)];
    pinned = { word: Math.max(0, words.findIndex((said) => facts.language.classes.colour?.includes(said))), pixel: null };
    ({ word, pixel } = pinned);
    Object.assign(slider, { max: wish.steps, value: wish.steps });
    $(".live-results").hidden = false;
    listLayers();
    makeBars();
    return milliseconds;
  }

  // --------------------------------------------------------------------------------------------- what is chosen

  const step = () => steps[slider.value - 1];
  const gridOf = (map) => Math.sqrt(map.pixels);

  // Every layer by itself, and before them the mean of those that see the whole latent.
  function listLayers() {
    const { maps } = step(), chosen = layers.value, largest = Math.max(...Object.values(maps).map(gridOf));
    const entries = Object.entries(maps).map(([name, map]) => new Option(fill(texts.layer, { name, side: gridOf(map) }), name));
    const whole = Object.keys(maps).filter((name) => gridOf(maps[name]) === largest);
    layers.replaceChildren(new Option(fill(texts.all_layers, { side: largest }), whole.join(" ")), ...entries);
    if ([...layers.options].some(({ value }) => value === chosen)) layers.value = chosen;
    listHeads();
  }

  function listHeads() {
    const count = step().maps[layers.value.split(" ")[0]].heads, chosen = heads.value;
    const entries = Array.from({ length: count }, (_, head) => new Option(fill(texts.head_number, { number: head + 1 }), head));
    heads.replaceChildren(new Option(texts.all_heads, ""), ...entries);
    heads.value = Number(chosen) < count ? chosen : "";
    show();
  }

  function shares() {
    const chosen = layers.value.split(" "), { maps } = step(), map = maps[chosen[0]];
    return { grid: gridOf(map), places: map.words, values: meanShares(maps, chosen, heads.value === "" ? null : Number(heads.value)) };
  }

  // ---------------------------------------------------------------------------------------------- what is shown

  function show() {
    if (!steps.length) return;
    const { grid, places, values } = shares();
    $(".live-step output").value = fill(texts.step_of, { step: slider.value, steps: steps.length });
    if (pixel !== null && pixel >= grid * grid) pixel = pinned.pixel = null;
    paint(grid, places, values);
    fillBars(grid, places, values);
    mark.hidden = pixel === null;
    if (pixel !== null) {
      const [x, y] = [pixel % grid, Math.floor(pixel / grid)], part = 100 / grid;
      Object.assign(mark.style, { left: `${x * part}%`, top: `${y * part}%`, width: `${part}%`, height: `${part}%` });
    }
  }

  // The picture, lit where pixels look at the word: the brightest is where they do most.
  function paint(grid, places, values) {
    const { expected } = step(), pixels = expected.slice(), cell = side / grid;
    const looks = Array.from({ length: grid * grid }, (_, i) => shareOf(values, places, i, word));
    const least = Math.min(...looks), range = Math.max(...looks) - least;
    for (let i = 0; i < side * side; i++) {
      const at = Math.floor(Math.floor(i / side) / cell) * grid + Math.floor((i % side) / cell);
      const light = range ? DARK + (1 - DARK) * ((looks[at] - least) / range) : 1;
      for (let c = 0; c < 3; c++) pixels[4 * i + c] = light * (40 + pixels[4 * i + c] * (215 / 255)); // black can be lit, too
    }
    context.putImageData(new ImageData(pixels, side, side), 0, 0);
    canvas.setAttribute("aria-label", fill(texts.map_of, { word: nameOf(word), layer: layers.selectedOptions[0].text }));
  }

  // Of a pixel's attention, what a word gets; the last entry stands for all places that the sentence leaves empty.
  function shareOf(values, places, at, entry) {
    if (entry < words.length) return values[at * places + entry];
    return values.subarray(at * places + words.length, (at + 1) * places).reduce((sum, share) => sum + share, 0);
  }

  const nameOf = (entry) => (entry < words.length ? `“${words[entry]}”` : texts.empty_places);

  function makeBars() {
    $(".live-bars").replaceChildren(...[...words, texts.empty_places].map((text, entry) => {
      const bar = Object.assign(document.createElement("button"), { type: "button", className: "live-bar" });
      bar.append(...["name", "length", "share"].map((part) => Object.assign(document.createElement("span"), { className: `live-bar-${part}` })));
      bar.children[0].textContent = text;
      bar.addEventListener("pointerenter", () => point({ word: entry }));
      bar.addEventListener("focus", () => point({ word: entry }));
      for (const leave of ["pointerleave", "blur"]) bar.addEventListener(leave, () => point({ word: pinned.word }));
      bar.addEventListener("click", () => point({ word: (pinned.word = entry) }));
      return bar;
    }));
    show();
  }

  function fillBars(grid, places, values) {
    const which = pixel === null ? [...Array(grid * grid).keys()] : [pixel];
    const mean = (entry) => which.reduce((sum, at) => sum + shareOf(values, places, at, entry), 0) / which.length;
    const bars = [...$(".live-bars").children], all = bars.map((_, entry) => mean(entry)), full = Math.max(FULL, ...all);
    bars.forEach((bar, entry) => {
      bar.children[1].style.setProperty("--share", all[entry] / full);
      bar.children[2].textContent = `${(100 * all[entry]).toFixed(0)} %`;
      bar.ariaPressed = String(entry === pinned.word);
    });
    const [x, y] = pixel === null ? [] : [(pixel % grid) + 1, Math.floor(pixel / grid) + 1];
    $(".live-where").textContent = pixel === null ? texts.all_pixels : fill(texts.one_pixel, { x, y, side: grid });
  }

  // ---------------------------------------------------------------------------------------------- pointing

  function point(change) {
    if ("word" in change) ({ word } = change);
    if ("pixel" in change) ({ pixel } = change);
    show();
  }

  function pixelAt(event) {
    const { grid } = shares(), box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const cell = (share) => Math.min(grid - 1, Math.max(0, Math.floor(share * grid)));
    return cell(y) * grid + cell(x);
  }

  function move(event) {
    const { grid } = shares(), from = pixel ?? 0;
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") return point({ pixel: (pinned.pixel = null) });
    if (!by) return;
    event.preventDefault();
    const to = (place, step) => Math.min(grid - 1, Math.max(0, place + (pixel === null ? 0 : step)));
    point({ pixel: (pinned.pixel = to(Math.floor(from / grid), by[1]) * grid + to(from % grid, by[0])) });
  }

  const target = $(".live-target");
  target.addEventListener("pointermove", (event) => point({ pixel: pixelAt(event) }));
  target.addEventListener("pointerleave", () => point({ pixel: pinned.pixel }));
  target.addEventListener("click", (event) => {
    const at = pixelAt(event);
    point({ pixel: (pinned.pixel = pinned.pixel === at ? null : at) });
  });
  target.addEventListener("keydown", move);
  slider.addEventListener("input", show);
  layers.addEventListener("input", listHeads);
  heads.addEventListener("input", show);
}

document.querySelectorAll('[data-live="viewer"]').forEach(begin);
