// The search page: which sections of the course have all the words that were asked for. SECTIONS and TEXTS: see
// section_search.py.
{
  const MOST = 40; // results shown
  const AROUND = 90; // letters of the text before and after the first word that was found
  const WORD = /[\p{L}\p{N}]+/gu, CHINESE = /[\u3400-\u9fff]/;

  // What a word is compared by: -isation and -ization, colour and color, skip and skips are alike.
  const stemOf = (word) => {
    const american = word.toLowerCase().replace(/is(?=(e|ed|es|er|ers|ing|able|ation|ations)$)/, "iz").replace(/our(s?)$/, "or$1");
    const stem = american.replace(/(ations?|ings?|ed|es|s|e)$/, "");
    return stem.length >= 4 ? stem : american;
  };
  const stemsOf = (text) => (text.match(WORD) ?? []).map(stemOf);

  // How well words have what was asked for: 1 for the word itself, less for one that begins so.
  const found = (stems, asked) => {
    let score = 0;
    const part = CHINESE.test(asked) ? (stem) => stem.includes(asked) : (stem) => asked.length > 2 && stem.startsWith(asked);
    for (const stem of stems) score += stem === asked ? 1 : part(stem) ? 0.3 : 0;
    return score;
  };

  // A section's score, 0 if a word is nowhere in it. A title counts more than a text.
  const scoreOf = ([, title, page, text], asked) => {
    const places = [[title, 12, 1], [page, 1, 1], [text, 1, 5]].map(([where, weight, most]) => [stemsOf(where), weight, most]);
    let sum = 0;
    for (const word of asked) {
      const score = places.reduce((total, [stems, weight, most]) => total + weight * Math.min(most, found(stems, word)), 0);
      if (!score) return 0;
      sum += score;
    }
    return sum;
  };

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // The text around the first word that was found, with all such words marked.
  const excerptOf = (text, asked) => {
    const hit = (word) => asked.some((one) => found([stemOf(word)], one));
    const first = [...text.matchAll(WORD)].find(([word]) => hit(word))?.index ?? 0;
    const from = first > AROUND ? text.indexOf(" ", first - AROUND) + 1 : 0, to = text.indexOf(" ", first + AROUND);
    const part = text.slice(from, to < 0 ? undefined : to), paragraph = element("p", { className: "context" }, from ? "… " : "");
    let at = 0;
    for (const { 0: word, index } of part.matchAll(WORD)) {
      if (!hit(word)) continue;
      paragraph.append(part.slice(at, index), element("mark", { textContent: word }));
      at = index + word.length;
    }
    paragraph.append(part.slice(at), to < 0 ? "" : " …");
    return paragraph;
  };

  const marked = (title) => title.split(" · ").flatMap((name, i) => {
    const part = element("span", CHINESE.test(name) ? { lang: "zh-Hant" } : {}, name);
    return i ? [" · ", part] : [part];
  });

  const query = new URLSearchParams(location.search).get("q") ?? "", asked = stemsOf(query);
  for (const field of document.querySelectorAll('form.bd-search input[name="q"]')) field.value = query;
  if (asked.length) {
    const scored = SECTIONS.map((section) => [scoreOf(section, asked), section]).filter(([score]) => score);
    const best = scored.sort(([one], [other]) => other - one).slice(0, MOST).map(([, section]) => section);
    const count = scored.length, shown = best.length;
    const text = count === 0 ? TEXTS.none : count === 1 ? TEXTS.one : count > shown ? TEXTS.many : TEXTS.all;
    const said = text.replace("{count}", count).replace("{shown}", shown);
    const list = best.map(([address, title, page, text]) => {
      const where = page === title ? [] : [element("small", {}, page)];
      return element("li", {}, element("a", { href: address }, ...marked(title)), ...where, excerptOf(text, asked));
    });
    const results = document.getElementById("search-results");
    results.append(element("p", { role: "status" }, said), element("ul", { className: "search" }, ...list));
  }
}
