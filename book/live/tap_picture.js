// Shows what taps.js keeps of a tensor: its channels as small pictures, side by side.
import { fill } from "./text.js";

const GAP = 1; // a transparent pixel between two of them

export class TapPicture {
  // texts: of the map (map.en.json).
  constructor(texts) {
    this.texts = texts;
    this.root = Object.assign(document.createElement("div"), { className: "map-tap", hidden: true });
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    [this.title, this.note] = ["map-tap-title", "map-tap-note"].map((className) =>
      Object.assign(document.createElement("span"), { className }),
    );
    this.root.append(this.title, this.canvas, this.note);
  }

  // tap: see taps.js, or undefined if there is none; title: of the block; which: of the panel.
  show(tap, title, which) {
    this.root.hidden = !tap;
    if (!tap) return;
    const { texts } = this, one = tap.count === 1 && tap.channels === 1;
    this.paint(tap);
    this.title.textContent = texts.gives;
    this.note.textContent = `${fill(one ? texts.one_shown : texts.channels_shown, tap)}. ${texts.gives_about}`;
    this.canvas.setAttribute("aria-label", fill(one ? texts.gives_one_alt : texts.gives_alt, { ...tap, title, which }));
  }

  paint({ width, height, count, pixels }) {
    const columns = Math.ceil(Math.sqrt(count)), rows = Math.ceil(count / columns);
    const [full, high] = [columns * (width + GAP) - GAP, rows * (height + GAP) - GAP];
    Object.assign(this.canvas, { width: full, height: high });
    const image = new ImageData(full, high);
    for (let i = 0; i < pixels.length; i++) {
      const at = i % (width * height), picture = (i - at) / (width * height);
      const x = (picture % columns) * (width + GAP) + (at % width);
      const y = Math.floor(picture / columns) * (height + GAP) + Math.floor(at / width);
      image.data.fill(pixels[i], 4 * (y * full + x), 4 * (y * full + x) + 3);
      image.data[4 * (y * full + x) + 3] = 255;
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }
}
