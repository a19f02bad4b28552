// Swap a word and keep the map: the sentence with one other word, drawn with the attention of the sentence as it was
// (Hertz et al., "Prompt-to-Prompt Image Editing with Cross Attention Control", 2022), and with its own.
import { Picture } from "./picture.js";
import { fill } from "./text.js";
import { followers, nextWords, wordsOf } from "./words.js";

export class Swap {
  // form: the viewer's.
  constructor(form) {
    Object.assign(this, { form, drawn: null });
    const { texts, facts } = form;
    [this.word, this.other] = [form.control("word"), form.control("other")];
    this.pictures = ["as_it_was", "maps_kept", "maps_own"].map((name) => new Picture(texts[name], facts.picture_side));
    form.$(".live-swapped").append(...this.pictures.map(({ figure }) => figure));
    this.word.addEventListener("input", () => this.listOthers());
    form.$(".live-swap-draw").addEventListener("click", () => this.draw());
  }

  // wish: what was drawn, with its maps; picture: at its last step.
  offer(wish, picture) {
    this.drawn = { wish, picture };
    this.said = wordsOf(wish.prompt);
    const options = this.said.flatMap((word, i) => (this.othersAt(i).length ? [new Option(word, i)] : []));
    this.word.replaceChildren(...options);
    this.form.$(".live-swap").hidden = !options.length;
    this.form.$(".live-swapped").hidden = true;
    if (options.length) this.listOthers();
  }

  // The single words that may stand in a word's place, where what follows is no less of the language than it was.
  othersAt(i) {
    const { language } = this.form.facts, [before, behind] = [this.said.slice(0, i), this.said.slice(i + 1)];
    const follow = (word) => followers([...before, word], behind, language);
    const choices = nextWords(before, language).filter((choice) => !choice.includes(" "));
    if (!choices.includes(this.said[i])) return [];
    return choices.filter((choice) => choice !== this.said[i] && follow(choice) >= follow(this.said[i]));
  }

  listOthers() {
    this.other.replaceChildren(...this.othersAt(Number(this.word.value)).map((choice) => new Option(choice, choice)));
  }

  async draw() {
    const { form, drawn, said } = this, at = Number(this.word.value);
    const prompt = said.map((word, i) => (i === at ? this.other.value : word)).join(" ");
    const wish = { ...drawn.wish, prompt, maps: false };
    form.say(form.texts.drawing);
    const kept = await this.last({ ...wish, keepMaps: true });
    const own = kept && (await this.last(wish));
    if (!own) return; // a newer wish came between
    this.show([[drawn.wish.prompt, drawn.picture], [prompt, kept], [prompt, own]]);
    form.say(fill(form.texts.swapped, { word: said[at], other: this.other.value }));
    form.progress(null);
  }

  // The picture at the end of a drawing, or null.
  async last(wish) {
    let picture = null;
    const milliseconds = await this.form.engine.draw(wish, (data) => {
      ({ picture } = data);
      this.form.progress(data.step / wish.steps);
    });
    return milliseconds === null ? null : picture;
  }

  show(drawings) {
    this.form.$(".live-swapped").hidden = false;
    drawings.forEach(([prompt, rgba], i) => {
      const which = this.pictures[i].caption.textContent, { steps } = this.drawn.wish;
      this.pictures[i].paint(rgba, fill(this.form.texts.canvas, { ...this.drawn.wish, prompt, which, step: steps }));
    });
  }
}
