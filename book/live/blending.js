// The controls of a blend: another seed and another sentence, and how much of each.
import { fill } from "./text.js";
import { troubleWith, wordsOf } from "./words.js";

export class Blending {
  constructor(form) {
    const names = ["seed", "seed-share", "prompt", "prompt-share"];
    const [seed, seedShare, prompt, promptShare] = names.map((name) => form.control(`blend-${name}`));
    Object.assign(this, { seed, seedShare, prompt, promptShare, texts: form.texts, vocabulary: form.facts.text });
    const note = form.$(".live-blend-trouble");
    for (const input of [prompt, promptShare])
      input.addEventListener("input", () => {
        note.textContent = this.trouble;
        prompt.setAttribute("aria-invalid", String(this.trouble !== ""));
      });
  }

  // What keeps the other sentence from being drawn, in words; "" if nothing does, or if nobody asks for it.
  get trouble() {
    const found = Number(this.promptShare.value) ? troubleWith(this.prompt.value, this.vocabulary) : null;
    if (found?.unknown) return fill(this.texts.blend_unknown, { words: found.unknown.join(", ") });
    return found ? fill(this.texts.too_long, found) : "";
  }

  // What `draw` is to blend with, or null.
  get wish() {
    const [seedShare, promptShare] = [this.seedShare, this.promptShare].map(({ value }) => Number(value));
    const words = { seed: Number(this.seed.value), seedShare, prompt: wordsOf(this.prompt.value).join(" "), promptShare };
    return seedShare || promptShare ? words : null;
  }

  // What a picture is, with all that it is blended with.
  label(title) {
    const { wish, texts } = this;
    if (!wish) return title;
    const parts = [];
    if (wish.seedShare) parts.push(fill(texts.blended_seed, { ...wish, share: wish.seedShare }));
    if (wish.promptShare) parts.push(fill(texts.blended_prompt, { ...wish, share: wish.promptShare }));
    return fill(texts.blended_with, { title, parts: parts.join(texts.and) });
  }
}
