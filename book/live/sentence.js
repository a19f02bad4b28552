// The sentence: typed, or made of words to click. One word of it may be chosen, or two that belong together, and below
// stand those that may take its place; else those that may come next.
import { followers, mostWords, nextWords, sayable, troubleWith, wordsOf } from "./words.js";
import { fill } from "./text.js";

export class SentenceEditor {
  // change(): called when the sentence has changed.
  constructor(root, texts, { text: vocabulary, language }, change) {
    Object.assign(this, { texts, vocabulary, language, change, chosen: null }); // chosen: number of the word to change
    const part = (name) => root.querySelector(`.live-${name}`);
    Object.assign(this, { words: part("words"), choices: part("choices"), hint: part("hint"), note: part("trouble") });
    this.input = root.querySelector(`#${root.dataset.id}-prompt`);
    this.input.addEventListener("input", () => this.set(this.input.value));
    this.show();
  }

  get said() {
    return wordsOf(this.input.value);
  }

  get text() {
    return this.said.join(" ");
  }

  // What keeps the sentence from being drawn, in words; "" if nothing does.
  get trouble() {
    const found = troubleWith(this.input.value, this.vocabulary), known = sayable(this.vocabulary).join(", ");
    if (found?.unknown) return fill(this.texts.unknown, { words: found.unknown.join(", "), known });
    return found ? fill(this.texts.too_long, found) : "";
  }

  set(text, chosen = null) {
    this.input.value = text;
    this.chosen = chosen;
    this.show();
    this.change();
  }

  // --------------------------------------------------------------------------------------------- what is shown

  show() {
    const { said, trouble, texts } = this;
    this.note.textContent = trouble || (said.length ? "" : texts.empty);
    this.input.setAttribute("aria-invalid", String(trouble !== ""));
    const end = this.chosen === null ? 0 : this.chosen + this.phraseAt(said, this.chosen);
    const buttons = said.map((word, i) => button(word, () => this.choose(i), this.chosen !== null && i >= this.chosen && i < end));
    if (said.length < mostWords(this.vocabulary) && (this.chosen !== null || this.nextAfter(said).length)) {
      buttons.push(button("+", () => this.choose(null), this.chosen === null));
      buttons.at(-1).ariaLabel = texts.add;
    }
    if (said.length) buttons.push(button(texts.begin, () => this.restart()));
    this.words.replaceChildren(...buttons);
    if (trouble && this.chosen === null) this.offer("", []);
    else this.showChoices(said);
  }

  offer(hint, buttons) {
    this.hint.textContent = hint;
    this.choices.replaceChildren(...buttons);
  }

  showChoices(said) {
    const at = this.chosen ?? said.length, found = this.nextAfter(said.slice(0, at));
    const complete = said.length > 0 && this.nextAfter(said.slice(0, -1)).includes(said.at(-1));
    const standing = this.chosen === null ? null : said.slice(at, at + this.phraseAt(said, at)).join(" ");
    const { texts } = this, nothing = complete ? texts.complete : texts.off_pattern;
    const hint = standing ? fill(texts.change, { word: standing }) : found.length ? texts.next : nothing;
    this.offer(hint, found.map((choice) => button(choice, () => this.take(choice, at), choice === standing)));
  }

  nextAfter(words) {
    return nextWords(words, this.language);
  }

  // Where the choice begins that a word belongs to: "by" of "by day".
  startOf(said, i) {
    const from = said.findIndex((_, at) => at < i && at + this.phraseAt(said, at) > i);
    return from < 0 ? i : from;
  }

  // How many words the choice takes that stands at a place: "left of" takes two.
  phraseAt(said, at) {
    const fits = (choice) => choice.split(" ").every((part, i) => said[at + i] === part);
    const standing = this.nextAfter(said.slice(0, at)).filter(fits);
    return Math.max(1, ...standing.map((choice) => choice.split(" ").length));
  }

  // ---------------------------------------------------------------------------------------------- what is done

  choose(i) {
    this.chosen = i === null ? null : this.startOf(this.said, i);
    this.show();
    (this.words.children[i ?? this.said.length] ?? this.words.lastElementChild).focus();
  }

  restart() {
    this.set("");
    this.choices.firstElementChild.focus();
  }

  // Puts a choice in its place; what follows stays while it is still a sentence of the language. What stood there moves
  // on if it may: a size goes before a colour; and a colour takes the place of a size with its colour.
  take(choice, at) {
    const { said, chosen, language } = this, kept = [...said.slice(0, at), ...choice.split(" ")];
    const rest = chosen === null ? [] : said.slice(at + this.phraseAt(said, at));
    const ways = [rest, chosen === null ? [] : said.slice(at), rest.slice(1)];
    const whole = ways.find((way) => followers(kept, way, language) === way.length) ?? rest;
    const stays = whole.slice(0, followers(kept, whole, language));
    this.set([...kept, ...stays].join(" "), stays.length === whole.length ? chosen : null);
    const here = this.chosen === null ? this.choices.firstElementChild : this.words.children[this.chosen];
    (here ?? this.words.lastElementChild).focus(); // where one goes on
  }
}

// pressed: true or false for one that can be chosen.
function button(text, act, pressed) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick: act });
  if (pressed !== undefined) made.ariaPressed = String(pressed);
  return made;
}
