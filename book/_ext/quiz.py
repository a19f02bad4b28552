"""Questions that ask back: options in front of the answers of a chapter's "Test yourself", and `{progress}`, a list of
what has been answered.

`quiz.LANGUAGE.json` names, by chapter, the question's number, the options, which of them is right, and how the page's
live part shows it. Without a script a question is the fold that it is in the chapter's source. What was chosen is kept
by `book/_static/quiz.js` in the reader's browser.
"""

import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

FOLD = re.compile(r'(<details class="question"><summary>(\d+)\..*?</summary>)', re.DOTALL)


def setup(app):
    app.add_directive("progress", Progress)
    app.connect("html-page-context", _ask, priority=830)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _texts(app):
    return json.loads(Path(app.srcdir, "book", f"quiz.{app.config.language}.json").read_text("utf-8"))


def _ask(app, pagename, templatename, context, doctree):
    body, texts = context.get("body") or "", _texts(app)
    asked = texts["chapters"].get(pagename.removeprefix("book/"))
    if asked:
        body = with_options(body, pagename.removeprefix("book/"), asked, texts)
    if asked or 'class="progress-' in body:
        script = context["pathto"]("_static/quiz.js", 1)
        context["body"] = f'{body}\n<script defer src="{script}"></script>'


def with_options(body, chapter, asked, texts):
    """A chapter's HTML with the options of its questions.

    Raises:
        ValueError: for options of a question that the chapter does not have.
    """
    left = {question["question"]: question for question in asked}

    def ask(match):
        question = left.pop(int(match[2]), None)
        return match[1] + (_options(chapter, question, texts) if question else "")

    body = FOLD.sub(ask, body)
    if left:
        raise ValueError(f"Each question of {chapter} must be in the chapter. Received: {sorted(left)}")
    return body


def _options(chapter, question, texts):
    name, right = f"{chapter}/{question['question']}", question["options"][question["right"]]
    buttons = "".join(
        f'<button type="button" data-option="{i}">{escape(text, quote=False)}</button>'
        for i, text in enumerate(question["options"])
    )
    see = escape(json.dumps(question["see"])) if "see" in question else ""
    watch = f'<button type="button" class="quiz-see" data-see="{see}" hidden>{texts["see"]}</button>' if see else ""
    wrong = escape(texts["wrong"].format(answer=right))
    return (
        f'<div class="quiz" data-question="{name}" data-right="{question["right"]}" hidden>'
        f'<p class="quiz-choose">{texts["choose"]}</p>'
        f'<div class="quiz-options" role="group" aria-label="{escape(texts["choose"])}">{buttons}</div>'
        f'<p class="quiz-said" role="status" data-texts="{escape(texts["right"])}|{wrong}"></p>'
        f'<p class="quiz-more"><button type="button" class="quiz-skip">{texts["skip"]}</button>{watch}'
        f'<button type="button" class="quiz-again" hidden>{texts["again"]}</button></p></div>'
    )


class Progress(SphinxDirective):
    """`{progress}`, without arguments: a line for each chapter that has options."""

    def run(self):
        texts = _texts(self.env.app)
        self.env.note_dependency(str(Path(self.env.srcdir, "book", f"quiz.{self.config.language}.json")))
        asked_of = {name: asked for name, asked in texts["chapters"].items() if f"book/{name}" in self.env.found_docs}
        rows = "".join(
            f'<li data-chapter="{name}" data-count="{len(asked)}"><a href="PAGE/{name}">TITLE/{name}</a> '
            f'<span class="progress-count">{texts["none"].format(count=len(asked))}</span></li>'
            for name, asked in asked_of.items()
        )
        right = {
            f"{name}/{question['question']}": question["right"]
            for name, asked in asked_of.items()
            for question in asked
        }
        said = "".join(f' data-{name}-text="{escape(texts[name])}"' for name in ("count", "none"))
        html = (
            f"<noscript><p>{texts['no_script']}</p></noscript>"
            f'<ol class="progress-list" data-right="{escape(json.dumps(right))}"{said}>{rows}</ol>'
            f"<p>{texts['kept']}</p>"
            f'<p><button type="button" class="progress-forget" hidden>{texts["forget"]}</button></p>'
        )
        return [nodes.raw("", html, format="html")]
