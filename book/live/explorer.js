// The UNet's map, live: what the chosen block gives at each step, and the picture without what is switched off.
import { Form } from "./form.js";
import { Player } from "./player.js";
import { TapPicture } from "./tap_picture.js";
import { UNetMap } from "./unet_map.js";
import { fill } from "./text.js";

class Explorer extends Player {
  constructor(root, map) {
    super(root);
    Object.assign(this, { map, off: new Map(), box: root.querySelector(".live-switch") }); // off: entries by name
    this.taps = Object.entries(this.panels).map(([which, panel]) => {
      const picture = new TapPicture(this.form.texts.map);
      panel.figure.append(picture.root);
      return [which, picture];
    });
    this.box.addEventListener("input", () => this.switchChosen());
    root.querySelector(".live-all-on").addEventListener("click", () => this.switchAllOn());
    map.choosing = () => this.chosen();
    this.chosen();
  }

  get parts() {
    return [...this.off.values()].map(({ dataset }) => ({ part: dataset.part, name: dataset.title }));
  }

  wish() {
    return { ...super.wish(), taps: this.map.entries.map(({ dataset }) => dataset.tap) };
  }

  chosen() {
    const { block, part, title } = this.map.chosen.dataset;
    Object.assign(this.box, { disabled: !part, checked: this.off.has(block) });
    this.form.$(".live-switch-name").textContent = fill(this.form.texts.switch_off, { title });
    this.showTaps();
  }

  switchChosen() {
    const { chosen } = this.map;
    if (this.box.checked) this.off.set(chosen.dataset.block, chosen);
    else this.off.delete(chosen.dataset.block);
    this.switchedBlocks();
  }

  switchAllOn() {
    this.off.clear();
    this.box.checked = false;
    this.switchedBlocks();
  }

  switchedBlocks() {
    this.map.mark(this.off);
    this.form.$(".live-all-on").hidden = !this.off.size;
    this.form.change();
  }

  show(step) {
    super.show(step);
    this.showTaps();
  }

  showTaps() {
    const { tap, title } = this.map.chosen.dataset, step = Number(this.form.control("step").value);
    for (const [which, picture] of this.taps) {
      const { steps, label } = this.panels[which];
      picture.show(steps[Math.min(step, steps.length) - 1]?.taps[tap], title, label);
    }
  }
}

// The map works where nothing can be drawn, too.
const maps = new Map([...document.querySelectorAll('[data-live="explorer"]')].map((root) => [root, new UNetMap(root)]));
Form.beginAll("explorer", (root) => new Explorer(root, maps.get(root)));
