// The UNet's map: a block is chosen by a click, the arrow keys, the slider or the page's address; what there is to say of
// it then stands beside the picture. It needs nothing of the model.
import { fill } from "./text.js";

const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
const FIRST = "down0_res0";

export class UNetMap {
  choosing = () => {}; // called when another block is chosen

  constructor(root) {
    this.texts = JSON.parse(root.querySelector(".live-data").textContent).texts.map;
    this.box = root.querySelector(".map");
    const all = (selector) => [...this.box.querySelectorAll(selector)];
    this.entries = all(".map-entry");
    this.stations = this.entries.filter(({ dataset }) => dataset.station === "1");
    this.links = new Map(all(".map-links a").map((link) => [link.dataset.block, link]));
    [this.slider, this.output, this.square] = ["input", "output", ".map-square"].map((part) => this.box.querySelector(part));
    this.box.classList.add("map-on");
    for (const part of all("[hidden]")) part.hidden = false;
    this.listen();
    this.choose(this.nameInAddress() ?? FIRST);
  }

  listen() {
    for (const [name, link] of this.links)
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.choose(name);
        link.focus();
      });
    this.box.querySelector(".map-links").addEventListener("keydown", (event) => this.key(event));
    this.slider.addEventListener("input", () => this.choose(this.stations[this.slider.value - 1].dataset.block));
    addEventListener("hashchange", () => this.choose(this.nameInAddress() ?? this.chosen.dataset.block));
  }

  nameInAddress() {
    const name = location.hash.replace("#block-", "");
    return this.links.has(name) ? name : null;
  }

  key(event) {
    const last = this.entries.length - 1, at = this.entries.indexOf(this.chosen);
    const to = { Home: 0, End: last }[event.key] ?? at + MOVES[event.key];
    if (Number.isNaN(to)) return;
    event.preventDefault();
    const { block } = this.entries[Math.min(last, Math.max(0, to))].dataset;
    this.choose(block);
    this.links.get(block).focus();
  }

  choose(name) {
    this.chosen = this.entries.find(({ dataset }) => dataset.block === name);
    for (const entry of this.entries) entry.classList.toggle("map-chosen", entry === this.chosen);
    for (const [block, link] of this.links) {
      link.tabIndex = block === name ? 0 : -1; // one stop for the keyboard; the arrows lead on
      if (block === name) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.follow();
    this.choosing();
  }

  // Moves the slider to the block, if the latent comes through it, and shows the size of what it gives.
  follow() {
    const { title, side, channels } = this.chosen.dataset, station = this.stations.indexOf(this.chosen);
    const most = (name) => Math.max(...this.stations.map(({ dataset }) => dataset[name]));
    const size = station < 0 ? this.texts.no_station : fill(this.texts.station, { side, channels });
    if (station >= 0) this.slider.value = station + 1;
    this.slider.setAttribute("aria-valuetext", `${title}: ${size}`);
    this.output.value = `${title.replace(/ \(.*/, "")}: ${size}`;
    this.square.hidden = station < 0;
    this.square.style.setProperty("--side", side / most("side"));
    this.square.style.setProperty("--channels", channels / most("channels"));
  }

  // Marks the blocks that are switched off.
  mark(off) {
    for (const [name, link] of this.links) link.classList.toggle("map-cut", off.has(name));
  }
}
