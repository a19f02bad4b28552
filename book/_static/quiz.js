// "Test yourself" that asks back: choose, then the answer opens, and the page's live part shows it. Made by quiz.py.
"use strict";
{
  const KEY = "answers"; // {"01-denoising/1": number of the option}
  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      return {}; // what is there is not ours, or nothing may be kept
    }
  };
  const keep = (answers) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(answers));
    } catch {
      // nothing may be kept: the answer counts until the page is left
    }
  };

  // ------------------------------------------------------------------------------------------------ a question

  class Question {
    constructor(box) {
      Object.assign(this, { box, fold: box.closest("details"), name: box.dataset.question });
      Object.assign(this, { right: Number(box.dataset.right), options: [...box.querySelectorAll("[data-option]")] });
      this.options.forEach((option, i) => option.addEventListener("click", () => this.choose(i)));
      this.on(".quiz-skip", () => this.open(null));
      this.on(".quiz-again", () => this.forget());
      this.on(".quiz-see", (event) => see(JSON.parse(event.currentTarget.dataset.see)));
      box.hidden = false;
      const chosen = read()[this.name];
      if (this.options[chosen]) this.open(chosen);
      else this.fold.classList.add("asking");
    }

    part(selector) {
      return this.box.querySelector(selector);
    }

    on(selector, act) {
      this.part(selector)?.addEventListener("click", act);
    }

    choose(i) {
      keep({ ...read(), [this.name]: i });
      this.open(i);
    }

    // Opens the answer; chosen: number of an option, or null for none.
    open(chosen) {
      const [right, wrong] = this.part(".quiz-said").dataset.texts.split("|");
      this.fold.classList.remove("asking");
      this.part(".quiz-said").textContent = chosen === null ? "" : chosen === this.right ? right : wrong;
      this.options.forEach((option, i) => (option.ariaPressed = String(i === chosen)));
      this.offer(chosen === null);
    }

    forget() {
      const { [this.name]: gone, ...rest } = read();
      keep(rest);
      this.fold.classList.add("asking");
      this.part(".quiz-said").textContent = "";
      for (const option of this.options) option.ariaPressed = "false";
      this.offer(true);
      this.options[0].focus();
    }

    // open: whether one may still choose.
    offer(open) {
      const answered = !this.fold.classList.contains("asking");
      for (const option of this.options) option.disabled = !open;
      this.part(".quiz-skip").hidden = answered;
      this.part(".quiz-again").hidden = open;
      if (this.part(".quiz-see")) this.part(".quiz-see").hidden = !answered;
    }
  }

  // Sets the page's live part and draws: {live, set: {control: value}, check: [controls], parts: [switches]}.
  function see({ live, set = {}, check = [], parts = [] }) {
    const root = document.querySelector(`[data-live="${live}"]`), { id } = root.dataset;
    const changed = (input) => input.dispatchEvent(new Event("input", { bubbles: true }));
    for (const name of check) changed(Object.assign(root.querySelector(`#${id}-${name}`), { checked: true }));
    for (const [name, value] of Object.entries(set)) changed(Object.assign(root.querySelector(`#${id}-${name}`), { value }));
    for (const part of parts) changed(Object.assign(root.querySelector(`input[data-part="${part}"]`), { checked: true }));
    root.scrollIntoView();
    const target = root.querySelector(".live-draw") ?? root.querySelector("input[type=range]");
    target.focus({ preventScroll: true });
    if (target.matches("button")) target.click();
  }

  // -------------------------------------------------------------------------------------- the page of progress

  function showProgress(list, right) {
    const answers = read();
    for (const row of list.children) {
      const { chapter, count } = row.dataset, mine = Object.keys(answers).filter((name) => name.startsWith(`${chapter}/`));
      const values = { count, answered: mine.length, right: mine.filter((name) => right[name] === answers[name]).length };
      const text = mine.length ? list.dataset.countText : list.dataset.noneText;
      row.querySelector(".progress-count").textContent = text.replace(/\{(\w+)\}/g, (all, name) => values[name]);
    }
  }

  for (const box of document.querySelectorAll(".quiz")) new Question(box);
  const list = document.querySelector(".progress-list"), forget = document.querySelector(".progress-forget");
  if (list) {
    const right = JSON.parse(list.dataset.right);
    showProgress(list, right);
    forget.hidden = false;
    forget.addEventListener("click", () => {
      keep({});
      showProgress(list, right);
    });
  }
}
