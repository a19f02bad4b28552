"""What others read of the site: its address, a description, a picture for link previews, a map for search engines.

All of it derives from `repository.url` in `_config.yml`: GitHub Pages serves https://github.com/OWNER/NAME at
https://OWNER.github.io/NAME/. A page's description is its front matter's `description`, else its first paragraph. The
page for addresses that do not exist, `404.html`, is served at any depth, so its links are whole addresses.
"""

import re
from html import escape
from pathlib import Path
from urllib.parse import urljoin
from xml.sax.saxutils import escape as xml_escape

from docutils import nodes

from autograder.addresses import site_address

LONGEST = 160  # characters of a description that search engines show
BOOKS = {"pdf": "book.pdf", "epub": "book.epub"}
CARD, CARD_SIZE = "_static/card.png", (1200, 630)  # what link previews expect; tools/site_card.py draws it
WAY_IN = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8"/>
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={target}"/>
<link rel="canonical" href="{canonical}"/>
<link rel="icon" href="_static/favicon.svg"/>
</head>
<body><main><h1><a href="{target}">{title}</a></h1></main></body>
</html>
"""
NO_DESCRIPTION = {"search", "genindex", "404"}


def setup(app):
    app.connect("config-inited", _set_address, priority=900)  # after the theme's options
    app.connect("html-page-context", _describe, priority=950)  # after the preloads, which must come first
    app.connect("html-collect-pages", lambda app: [("404", {"address": app.config.html_baseurl}, "404.html")])
    app.connect("build-finished", _write_map)
    for name in BOOKS:
        app.add_role(name, _book_role)
    app.connect("build-finished", _write_way_in, priority=900)  # sphinx-external-toc's is no whole page
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _book_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """{pdf}`TEXT`, {epub}`TEXT`: a link to the whole site as one file, which tools/pages.py lays beside it."""
    address = urljoin(inliner.document.settings.env.config.html_baseurl, BOOKS[name])
    return [nodes.reference(rawtext, text, refuri=address)], []


def _set_address(app, config):
    config.html_baseurl = config.html_baseurl or site_address(config.html_theme_options["repository_url"])


def describe(doctree, longest=LONGEST):
    """A page's first paragraph of prose, cut after a whole sentence, or else a whole word."""
    prose = (node for node in doctree.findall(nodes.paragraph) if isinstance(node.parent, nodes.section))
    text = " ".join(next((node.astext() for node in prose), "").split())
    if len(text) <= longest:
        return text
    sentences = re.match(rf".{{40,{longest - 1}}}[.?!](?=\s)", text)
    return sentences[0] if sentences else text[: longest - 1].rsplit(" ", 1)[0] + "…"


def _describe(app, pagename, templatename, context, doctree):
    if pagename in NO_DESCRIPTION or doctree is None:
        return
    base = app.config.html_baseurl
    title = re.sub(r"<[^>]+>", "", context["title"])  # escaped already
    description = (context.get("meta") or {}).get("description") or describe(doctree)
    preview = {
        "og:type": "article",
        "og:site_name": escape(app.config.html_title or app.config.project),
        "og:title": title,
        "og:description": escape(description),
        "og:url": escape(urljoin(base, app.builder.get_target_uri(pagename))),
        "og:image": escape(urljoin(base, CARD)),
        "og:image:width": CARD_SIZE[0],
        "og:image:height": CARD_SIZE[1],
        "og:image:alt": "The title of the course beside its picture of the UNet: blocks in the shape of a U",
    }
    tags = f'\n<meta name="description" content="{escape(description)}"/><meta name="twitter:card" '
    tags += 'content="summary_large_image"/>'
    tags += "".join(f'\n<meta property="{name}" content="{value}"/>' for name, value in preview.items())
    context["metatags"] = context.get("metatags", "") + tags


def _write_map(app, exception):
    """Writes `sitemap.xml`: every page of the table of contents."""
    if exception or app.builder.name != "html":
        return
    addresses = [
        urljoin(app.config.html_baseurl, app.builder.get_target_uri(name)) for name in sorted(app.env.all_docs)
    ]
    urls = "".join(f"<url><loc>{xml_escape(address)}</loc></url>\n" for address in addresses)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    Path(app.outdir, "sitemap.xml").write_text(f"{text}{urls}</urlset>\n", encoding="utf-8")


def _write_way_in(app, exception):
    """Writes the site's `index.html`, which leads on to the first page."""
    if exception or app.builder.name != "html":
        return
    target = app.builder.get_target_uri(app.config.root_doc)
    if target != "index.html":
        values = {"language": app.config.language, "title": escape(app.config.html_title), "target": escape(target)}
        values["canonical"] = escape(urljoin(app.config.html_baseurl, target))
        Path(app.outdir, "index.html").write_text(WAY_IN.format(**values), encoding="utf-8")
