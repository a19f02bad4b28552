// The language of the model: its words, their numbers, and which words may come next.
//
// A vocabulary is {words, length, frame}: the words by number, 0 for none; the most tokens; where the model was trained
// so, the numbers of the tokens before and behind every sentence.

export const wordsOf = (text) => text.toLowerCase().replace(/[,.]/g, " ").split(/\s+/).filter(Boolean);

// The words that a sentence may hold.
export const sayable = ({ words, frame = [] }) => words.filter((_, i) => i > 0 && !frame.includes(i));

// How many.
export const mostWords = ({ length, frame = [] }) => length - frame.length;

// Where a sentence's words begin among its tokens.
export const firstPlace = ({ frame }) => (frame ? 1 : 0);

// What keeps a sentence from being drawn: {unknown: [words]} or {most: number}, or null.
export function troubleWith(text, vocabulary) {
  const said = wordsOf(text), known = sayable(vocabulary), unknown = said.filter((word) => !known.includes(word));
  if (unknown.length) return { unknown };
  return said.length > mostWords(vocabulary) ? { most: mostWords(vocabulary) } : null;
}

// Numbers of the words in their frame, filled up with 0.
export function tokenize(text, { words, length, frame }) {
  const said = wordsOf(text).map((word) => words.indexOf(word));
  const tokens = frame ? [frame[0], ...said, frame[1]] : said;
  return Array.from({ length }, (_, i) => tokens[i] ?? 0);
}

// Which words or groups of words may follow after `said` in a sentence of the model's language.
//
// patterns: sentences of words and of names of classes; classes: {colour: ["red", ...]}; a member is a word or words, or
// again a pattern.
export function nextWords(said, { patterns, classes }) {
  const found = new Set();
  const walk = (slots, at) => {
    if (!slots.length) return;
    const [slot, ...behind] = slots;
    for (const choice of classes[slot] ?? [slot]) {
      const parts = choice.split(" "), fits = parts.every((part, i) => at + i >= said.length || said[at + i] === part);
      if (slot in classes && parts.some((part) => part in classes)) walk([...parts, ...behind], at);
      else if (at === said.length) found.add(choice);
      else if (fits && at + parts.length <= said.length) walk(behind, at + parts.length);
      else if (fits) found.add(parts.slice(said.length - at).join(" "));
    }
  };
  for (const pattern of patterns) walk(pattern.split(" "), 0);
  return [...found];
}

// How many of `words` may follow after `said`, one behind the other.
export function followers(said, words, language) {
  const fits = (word, i) => nextWords([...said, ...words.slice(0, i)], language).some((next) => next.split(" ")[0] === word);
  const stray = words.findIndex((word, i) => !fits(word, i));
  return stray < 0 ? words.length : stray;
}
