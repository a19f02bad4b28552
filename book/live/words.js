// From a sentence to what the UNet is told: words, their numbers, their vectors. And which words may come next.

export const wordsOf = (text) => text.toLowerCase().replace(/[,.]/g, " ").split(/\s+/).filter(Boolean);

// What keeps a sentence from being drawn: {unknown: [words]} or {most: number}, or null.
export function troubleWith(text, { words, length }) {
  const said = wordsOf(text), unknown = said.filter((word) => !words.includes(word));
  if (unknown.length) return { unknown };
  return said.length > length ? { most: length } : null;
}

// Numbers of the words, filled up with 0.
export function tokenize(text, { words, length }) {
  const said = wordsOf(text);
  return Array.from({ length }, (_, i) => (i < said.length ? words.indexOf(said[i]) : 0));
}

// Each kind of text encoder makes tokens into a Float32Array (T, F).
export const TEXT_ENCODERS = { "word table": wordTable };

export function encode(net, text) {
  const { kind } = net.config.text;
  if (!(kind in TEXT_ENCODERS))
    throw new Error(`A text encoder must be one of ${Object.keys(TEXT_ENCODERS)}. Received: ${kind}`);
  return TEXT_ENCODERS[kind](net, tokenize(text, net.config.text));
}

// What the word is, plus where it stands: context[i] = words[token[i]] + places[relation, i].
function wordTable({ weights, config }, tokens) {
  const { words, places } = weights.words, { length } = tokens, features = config.unet.context_dim;
  const relation = Math.max(...tokens.map((token) => config.text.relation_of_word[token]));
  const out = new Float32Array(length * features);
  tokens.forEach((token, i) => {
    const word = token * features, place = (relation * length + i) * features, to = i * features;
    for (let j = 0; j < features; j++) out[to + j] = words[word + j] + places[place + j];
  });
  return out;
}

// Which words or groups of words may follow after `said` in a sentence of the model's language.
//
// patterns: sentences of words and of names of classes; classes: {colour: ["red", ...]}; a member may be two words.
export function nextWords(said, { patterns, classes }) {
  const found = new Set();
  const walk = (slots, at) => {
    if (!slots.length) return;
    for (const choice of classes[slots[0]] ?? [slots[0]]) {
      const parts = choice.split(" "), fits = parts.every((part, i) => at + i >= said.length || said[at + i] === part);
      if (at === said.length) found.add(choice);
      else if (fits && at + parts.length <= said.length) walk(slots.slice(1), at + parts.length);
      else if (fits) found.add(parts.slice(said.length - at).join(" "));
    }
  };
  for (const pattern of patterns) walk(pattern.split(" "), 0);
  return [...found];
}
