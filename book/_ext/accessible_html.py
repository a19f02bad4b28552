"""Mends what the extensions write and a validator or a screen reader stumbles over.

Each repair names who wrote it. A pattern that no longer occurs does no harm; the tests hold every page against axe-core
and look for each kind by itself.
"""

import re

REPAIRS = [
    # MyST-NB: a label on <summary> that hides what it says, and paragraphs inside it.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'<p class="((?:collapsed|expanded) admonition-title)">(.*?)</p>', r'<span class="\1">\2</span>'),
    # Sphinx: a term in another language than the page's.
    (r'<dt (id="term-[^"]*")>(?=[^<]*[\u3400-\u9fff])', r'<dt lang="zh-Hant" \1>'),
    # docutils: the empty corner of a table is not the heading of anything.
    (r'<th class="head">(<p>\s*</p>)?</th>', "<td></td>"),
]


def setup(app):
    app.connect("html-page-context", _mend, priority=820)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def mend(body):
    """The HTML of a page's text after all repairs."""
    for pattern, replacement in REPAIRS:
        body = re.sub(pattern, replacement, body, flags=re.DOTALL)
    return body


def _mend(app, pagename, templatename, context, doctree):
    if context.get("body"):
        context["body"] = mend(context["body"])
