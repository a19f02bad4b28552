"""Fills in, in HTML that our own directives write, what is known only when all pages are read.

`href="PAGE/NN-name"` becomes a page's address, `TITLE/NN-name` its title, `QUESTION/NN-name` the question that the
chapter asks at its start.
"""

import re
from html import escape

from docutils import nodes

ASKED = "The question of this chapter"


def setup(app):
    app.connect("html-page-context", _place, priority=805)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _place(app, pagename, templatename, context, doctree):
    if "PAGE/" in (context.get("body") or ""):
        found = {
            "TITLE": lambda name: app.env.titles[f"book/{name}"].astext(),
            "QUESTION": lambda name: question_of(app.env.get_doctree(f"book/{name}")),
        }
        context["body"] = place(context["body"], found, lambda name: context["pathto"](f"book/{name}"))


def place(body, found, address):
    """The HTML with all filled in. found: functions of a page's name, by what they give; address: one, too."""
    body = re.sub(r'href="PAGE/([\w-]+)"', lambda match: f'href="{address(match[1])}"', body)
    text = "|".join(found)
    return re.sub(rf"\b({text})/([\w-]+)", lambda match: escape(found[match[1]](match[2]), quote=False), body)


def question_of(doctree):
    """The question that a chapter asks at its start, or "" if it asks none."""
    for box in doctree.findall(nodes.admonition):
        if box.children[0].astext() == ASKED:
            return " ".join(" ".join(part.astext() for part in box.children[1:]).split())
    return ""
