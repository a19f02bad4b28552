// A picture with its title.
export class Picture {
  constructor(title, side) {
    this.side = side;
    this.figure = Object.assign(document.createElement("figure"), { className: "live-panel" });
    this.caption = Object.assign(document.createElement("figcaption"), { textContent: title });
    this.canvas = Object.assign(document.createElement("canvas"), { width: side, height: side, className: "live-picture" });
    this.canvas.setAttribute("role", "img");
    this.figure.append(this.caption, this.canvas);
  }

  // rgba: its pixels; label: what a screen reader says.
  paint(rgba, label) {
    this.canvas.getContext("2d").putImageData(new ImageData(rgba, this.side, this.side), 0, 0);
    this.canvas.setAttribute("aria-label", label);
  }
}
