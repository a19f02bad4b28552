"""Fetches a picture when the reader comes near it, in a space that is kept for it.

A chapter's figures weigh more than all the rest of the page, and most of them are far below what is read first.
`width` and `height` are the picture's own; the style sheet lets it shrink to the column, on a phone not below
`--legible`, where its labels are too small to read: there it scrolls.
"""

import math
import re
from pathlib import Path

IMAGE = re.compile(r'<img\b[^>]*?\ssrc="(?P<src>[^"]+)"[^>]*>')
KNOWN = re.compile(r'\s(loading|width|height)="')
SVG_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"')  # as matplotlib writes it
LABEL = re.compile(r"\bscale\(([\d.]+) -[\d.]+\)")  # letters are drawn, at a hundredth of their size
SUPERSCRIPT = 0.7  # of the size of what it stands beside, in matplotlib
LEAST_LABEL = 9  # CSS pixels
PNG_START = b"\x89PNG\r\n\x1a\n"
PIXELS_A_POINT = 4 / 3


def setup(app):
    app.connect("html-page-context", _mark_pictures, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _mark_pictures(app, pagename, templatename, context, doctree):
    if not context.get("body"):
        return
    sources = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def mark(match):
        size = picture_size(sources.get(Path(match["src"]).name))
        extra = ' loading="lazy"' + (f' width="{size[0]}" height="{size[1]}"' if size else "")
        least = legible_width(sources.get(Path(match["src"]).name))
        extra += f' style="--legible: {least}px"' if least else ""
        return match[0] if KNOWN.search(match[0]) else match[0].replace("<img", f"<img{extra}", 1)

    context["body"] = IMAGE.sub(mark, context["body"])


def picture_size(path):
    """Width and height of an SVG or PNG file in CSS pixels, or None if it does not say."""
    if path is None or not path.is_file():
        return None
    start = path.read_bytes()[:4000]
    if start.startswith(PNG_START):
        return int.from_bytes(start[16:20], "big"), int.from_bytes(start[20:24], "big")
    found = SVG_SIZE.search(start.decode("utf-8", "replace"))
    if not found:
        return None
    width, height = (round(float(text) * PIXELS_A_POINT) for text in found.groups())
    return width, height


def legible_width(path):
    """From which width on, in CSS pixels, every label of a plot has letters of `LEAST_LABEL`; None if it has none."""
    if path is None or path.suffix != ".svg" or not path.is_file():
        return None
    text = path.read_text("utf-8")
    width, sizes = SVG_SIZE.search(text), {round(100 * float(scale), 2) for scale in LABEL.findall(text)}
    labels = [size for size in sizes if not any(abs(size - SUPERSCRIPT * other) < 0.02 * size for other in sizes)]
    if not width or not labels:
        return None
    return math.ceil(LEAST_LABEL * float(width[1]) / min(labels))
