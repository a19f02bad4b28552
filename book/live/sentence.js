// The sentence: typed, or made of words to click. One word of it is chosen, and below stand those that may take its
// place; behind the last stands the place of the next.
import { nextWords, troubleWith, wordsOf } from "./words.js";
import { fill } from "./text.js";

export function sentenceEditor(root, texts, { text: vocabulary, language }, change) {
  const input = root.querySelector("#live-prompt"), hint = root.querySelector(".live-hint");
  const [words, choices] = [root.querySelector(".live-words"), root.querySelector(".live-choices")];
  let chosen = null; // number of the word to change, or null for the next one

  function problem() {
    const found = troubleWith(input.value, vocabulary);
    if (found?.unknown) return fill(texts.unknown, { words: found.unknown.join(", "), known: vocabulary.words.slice(1).join(", ") });
    return found ? fill(texts.too_long, found) : "";
  }

  function show() {
    const said = wordsOf(input.value), trouble = problem();
    if (chosen !== null && chosen >= said.length) chosen = null;
    root.querySelector(".live-trouble").textContent = trouble || (said.length ? "" : texts.empty);
    input.setAttribute("aria-invalid", String(trouble !== ""));
    const last = said.length < vocabulary.length ? [button("+", chosen === null, () => choose(null), texts.add)] : [];
    const clear = Object.assign(document.createElement("button"), { type: "button", textContent: texts.begin, onclick: restart });
    words.replaceChildren(...said.map((word, i) => button(word, chosen === i, () => choose(i))), ...last, ...(said.length ? [clear] : []));
    showChoices(said);
  }

  function showChoices(said) {
    const at = chosen ?? said.length, found = nextWords(said.slice(0, at), language);
    const instead = chosen === null ? null : said[at];
    if (instead) hint.textContent = fill(texts.change, { word: instead });
    else if (found.length) hint.textContent = texts.next;
    else hint.textContent = complete(said) ? texts.complete : texts.off_pattern;
    const starts = found.length || complete(said) ? found : nextWords([], language);
    const standing = instead && said.slice(at, at + phraseAt(said, at)).join(" ");
    choices.replaceChildren(...starts.map((choice) => button(choice, choice === standing, () => take(choice, found.length ? at : 0))));
  }

  // Whether a sentence of the language has ended: its last word is one of those that may come there, and none may follow.
  function complete(said) {
    return said.length > 0 && nextWords(said.slice(0, -1), language).includes(said.at(-1));
  }

  function restart() {
    chosen = null;
    input.value = "";
    show();
    choices.firstElementChild.focus();
    change();
  }

  function choose(i) {
    chosen = i;
    show();
    words.children[i ?? wordsOf(input.value).length].focus();
  }

  // Puts a choice in its place; what follows stays while it is still a sentence of the language.
  function take(choice, at) {
    const said = wordsOf(input.value), head = [...said.slice(0, at), ...choice.split(" ")];
    const old = phraseAt(said, at), rest = chosen === null ? [] : said.slice(at + old);
    const kept = [...head];
    while (rest.length && nextWords(kept, language).some((next) => next.split(" ")[0] === rest[0])) kept.push(rest.shift());
    input.value = kept.join(" ");
    if (rest.length) chosen = null;
    show();
    (chosen === null ? choices.firstElementChild ?? words.lastElementChild : words.children[chosen]).focus(); // where one goes on
    change();
  }

  // How many words the choice takes that stands at a place: "left of" takes two.
  function phraseAt(said, at) {
    const fits = (choice) => choice.split(" ").every((part, i) => said[at + i] === part);
    return Math.max(1, ...nextWords(said.slice(0, at), language).filter(fits).map((choice) => choice.split(" ").length));
  }

  function button(text, pressed, act, label) {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick: act });
    made.ariaPressed = String(pressed);
    if (label) made.ariaLabel = label;
    return made;
  }

  input.addEventListener("input", () => { chosen = null; show(); change(); });
  show();
  return { text: () => wordsOf(input.value).join(" "), trouble: problem };
}
