"""The search page's index: a section of a page, or a term of the glossary, is what is found.

`_static/sections.js` holds the address, title and text of each, and its page's title. What no reader searches for is
left out: formulas' TeX, pictures' texts, raw HTML. `search.js` searches it, on the search page alone, and without a
server, too.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

LEFT_OUT = (nodes.math, nodes.math_block, nodes.raw, nodes.image, nodes.comment, nodes.title, nodes.system_message)


def setup(app):
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _write(app, exception):
    if exception or app.builder.format != "html":
        return
    found = []
    for name in sorted(app.env.found_docs):
        page, address = app.env.titles[name].astext(), app.builder.get_target_uri(name)
        there = sections(app.env.get_doctree(name))
        found += [(f"{address}#{anchor}", title, page, text) for anchor, title, text in there]
    texts = (Path(app.srcdir) / "book" / f"search.{app.config.language}.json").read_text("utf-8")
    data = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    script = f"const TEXTS = {texts.strip()};\nconst SECTIONS = {data};\n"
    Path(app.outdir, "_static", "sections.js").write_text(script, "utf-8")


def sections(doctree):
    """What can be found on a page: triples of anchor, title and text."""
    found = []
    for section in doctree.findall(nodes.section):
        title = next(iter(section.findall(nodes.title))).astext()
        text = " ".join(text_of(child) for child in section.children if not isinstance(child, nodes.section))
        if not next(iter(section.findall(addnodes.glossary)), None):
            found.append((section["ids"][0], title, " ".join(text.split())))
    for glossary in doctree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            terms = list(item.findall(nodes.term))
            text = " ".join(text_of(part) for part in item.findall(nodes.definition))
            found.append((terms[0]["ids"][0], " · ".join(text_of(term) for term in terms), " ".join(text.split())))
    return found


def text_of(node):
    """A node's text without what is left out."""
    if isinstance(node, LEFT_OUT):
        return ""
    if isinstance(node, nodes.Text):
        return node.astext()
    between = "" if isinstance(node, nodes.TextElement) else " "
    return between.join(text_of(child) for child in node.children)
