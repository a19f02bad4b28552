"""Leaves out of the theme's style sheet what no page can use: most of it, and it is what a phone waits for.

A rule stays if every class that it asks for stands in a page or is a word of a script, which may set it. Tags, ids,
attributes and what stands in brackets are not looked at, so more stays than must. A sheet that only fetched another one
holds that one. Scripts wait until the page is read.
"""

import re
from itertools import pairwise
from pathlib import Path

import pydata_sphinx_theme
import tinycss2
from two_themes import selectors_of

STYLE = Path("styles", "pydata-sphinx-theme.css")
SOURCE = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static" / STYLE
CLASSES = re.compile(r'\sclass="([^"]*)"')
WORD = re.compile(r"[\w-]+")
IMPORT = re.compile(r'@import "../basic.css";')  # all that the theme's own sheet says
NESTED = {"media", "supports", "layer", "container"}  # at-rules that hold rules


def setup(app):
    app.connect("html-page-context", _wait, priority=960)  # after all that ask for scripts
    app.connect("build-finished", _write, priority=950)  # after dark.css has been made of the whole
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _wait(app, pagename, templatename, context, doctree):
    for script in context["script_files"]:
        if getattr(script, "filename", None) and "async" not in script.attributes:
            script.attributes.setdefault("defer", "defer")


def _write(app, exception):
    if exception or app.builder.format != "html":
        return
    static, used = Path(app.outdir, "_static"), used_words(Path(app.outdir))
    (static / STYLE).write_text(slim(SOURCE.read_text("utf-8"), used), "utf-8")
    theme, basic = static / "styles" / "theme.css", (static / "basic.css").read_text("utf-8")
    if IMPORT.search(theme.read_text("utf-8")):
        theme.write_text(slim(re.sub(r"url\((?!data:)[\"']?", r"\g<0>../", basic), used), "utf-8")


def used_words(html):
    """Every class of the pages in a folder, and every word of its scripts."""
    found = set()
    for path in html.rglob("*.html"):
        for classes in CLASSES.findall(path.read_text("utf-8")):
            found.update(classes.split())
    for path in html.rglob("*.js"):
        found.update(WORD.findall(path.read_text("utf-8")))
    return found


def slim(css, used):
    """A style sheet without the rules for classes that are not among those used."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_kept(rule, used) for rule in rules)


def _kept(rule, used):
    if rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content is not None:
        inner = slim(tinycss2.serialize(rule.content), used)
        return f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}" if inner else ""
    if rule.type != "qualified-rule":
        return rule.serialize()
    selectors = [one for one in selectors_of(rule.prelude) if _classes(one) <= used]
    if not selectors:
        return ""
    return f"{','.join(tinycss2.serialize(one) for one in selectors)}{{{tinycss2.serialize(rule.content)}}}"


def _classes(selector):
    """The classes that an element must have, or have around it, for a selector: those outside all brackets."""
    return {name.value for dot, name in pairwise(selector) if dot == "." and name.type == "ident"}
