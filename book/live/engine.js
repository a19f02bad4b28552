// The page's side of worker.js: loads the model when it is first needed, draws one wish at a time.
export class Engine {
  // facts, base: see live_files.py; loading(bytes, file): called while the weights come.
  constructor({ facts, base }, loading) {
    Object.assign(this, { facts, base, loading, quality: null, worker: null, id: 0, waiting: null });
  }

  static get works() {
    return typeof Worker === "function" && typeof DecompressionStream === "function";
  }

  // Loads the weights of a quality, one of the facts' files, unless they are there; the older ones go.
  load(quality) {
    if (this.quality === quality) return this.loaded;
    this.close();
    this.quality = quality;
    const { files, program } = this.facts, file = files[quality];
    const at = (name) => new URL(this.base + name, document.baseURI).href;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.hear(data, file);
    this.worker.onerror = (event) => this.fail(event.message || "worker.js");
    this.loaded = new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
    this.worker.postMessage({ kind: "load", program: at(program), weights: at(file.name), bytes: file.bytes });
    this.loading(0, file);
    return this.loaded;
  }

  // Draws; step(data) is called for each step. Gives the milliseconds it took, or null if a newer wish came between.
  draw(wish, step) {
    return this.ask({ kind: "draw", wish }, step);
  }

  // Decodes a latent, an array; step({picture}) is called with what it is.
  decode(latent, step) {
    return this.ask({ kind: "decode", latent }, step);
  }

  ask(request, step) {
    this.stop();
    const answered = new Promise((resolve, reject) => (this.waiting = { resolve, reject, step }));
    this.worker.postMessage({ ...request, id: this.id });
    return answered;
  }

  stop() {
    this.waiting?.resolve(null);
    this.waiting = null;
    this.id += 1;
    this.worker?.postMessage({ kind: "stop", id: this.id });
  }

  close() {
    this.worker?.terminate();
    this.waiting?.resolve(null);
    Object.assign(this, { worker: null, quality: null, waiting: null });
  }

  hear(data, file) {
    if (data.kind === "loading") this.loading(data.bytes, file);
    else if (data.kind === "error") this.fail(data.message);
    else if (data.kind === "ready") this.waiting?.resolve(data);
    else if (data.id !== this.id) return; // of an older wish
    else if (data.kind === "step") this.waiting.step(data);
    else this.waiting.resolve(data.milliseconds);
  }

  fail(message) {
    const { waiting } = this;
    this.waiting = null;
    this.close();
    waiting?.reject(new Error(message));
  }
}
