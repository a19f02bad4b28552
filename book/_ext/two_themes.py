"""Light and dark, without a script and in the plots, too.

**Without JavaScript** nothing sets `data-theme`, so the theme would be light whatever the reader's system says. The
pages say `data-theme="light"` from the start, and `_static/dark.css`, which only a page without scripts loads and only
where the system is dark, holds every rule for `data-theme=dark` of the style sheets, rewritten for it.

**A plot** that matplotlib wrote as SVG becomes two: its paper is taken away, and for the dark theme a second file has
greys the other way round and colours light enough to be seen. The page holds both; the theme's `only-light` and
`only-dark` show one, and the browser fetches no other, since pictures are fetched when they come near.
"""

import colorsys
import re
from pathlib import Path

import tinycss2

STYLES = ["styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css", "pygments.css", "site.css"]
DARK = re.compile(r'\[data-theme="?dark"?\]')
DARK_MEDIA = "screen and (prefers-color-scheme: dark)"  # paper is light

PLOT = re.compile(r'<img\b[^>]*?\ssrc="(?P<path>[^"]*?)(?P<name>[^"/]+)\.svg"[^>]*>')
PAPER = re.compile(r'(<g id="(?:figure|axes)_\d+">\s*<g id="patch_\d+">\s*<path [^>]*style="fill: )#ffffff')
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
DARK_PAPER, DARK_INK = "#14181e", "#ebebeb"
CONTRAST = 4.5  # WCAG AA, for text


def setup(app):
    app.connect("html-page-context", _default_theme, priority=600)
    app.connect("html-page-context", _double_plots, priority=810)  # after lazy_pictures has measured them
    app.connect("build-finished", _write_dark_styles, priority=900)  # after the theme's own pygments.css
    app.connect("build-finished", _write_plots)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


# ------------------------------------------------------------------------------------------------ without JavaScript


def _default_theme(app, pagename, templatename, context, doctree):
    context["default_mode"] = "light"


def dark_rules(css):
    """The rules of a style sheet that hold in the dark theme only, for pages that say they are light."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    kept = []
    for rule in (rule for rule in rules if rule.type == "qualified-rule"):
        texts = map(_text, selectors_of(rule.prelude))
        dark = [DARK.sub('[data-theme="light"]', text) for text in texts if DARK.search(text)]
        if dark:
            kept.append(f"{','.join(dark)}{{{tinycss2.serialize(rule.content).strip()}}}")
    return "\n".join(kept)


def selectors_of(prelude):
    """The selectors of a rule, as lists of tokens; a comma inside :is(...) parts none."""
    found = [[]]
    for token in prelude:
        if token == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


def _text(selector):
    return tinycss2.serialize(selector).strip()


def _write_dark_styles(app, exception):
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    parts = [dark_rules((static / name).read_text(encoding="utf-8")) for name in STYLES]
    # In the dark the other of a plot's two pictures shows.
    shown = 'html[data-theme="light"] img.only-dark{display:inline!important}'
    (static / "dark.css").write_text("\n".join([*parts, shown, ""]), encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------- plots


def is_plot(path):
    """Whether a file is a plot that matplotlib wrote as SVG."""
    if path is None or path.suffix != ".svg" or not path.is_file():
        return False
    with path.open(encoding="utf-8") as file:
        return "Matplotlib v" in file.read(2000)


def _double_plots(app, pagename, templatename, context, doctree):
    sources = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def double(match):
        if not is_plot(sources.get(f"{match['name']}.svg")) or "only-light" in match[0]:
            return match[0]
        dark = match[0].replace(f"{match['name']}.svg", f"{match['name']}-dark.svg")
        return _with_class(match[0], "only-light") + _with_class(dark, "only-dark")

    if context.get("body"):
        context["body"] = PLOT.sub(double, context["body"])


def _with_class(image, name):
    if ' class="' in image:
        return image.replace(' class="', f' class="{name} ', 1)
    return image.replace("<img", f'<img class="{name}"', 1)


def _write_plots(app, exception):
    """Takes the paper from every plot of this build, and writes its dark twin. Doing it again changes nothing."""
    if exception or app.builder.format != "html":
        return
    for path in map(Path(app.outdir, "_images").joinpath, app.builder.images.values()):
        if is_plot(path):
            light = without_paper(path.read_text(encoding="utf-8"))
            path.write_text(light, encoding="utf-8")
            path.with_name(f"{path.stem}-dark.svg").write_text(darken(light), encoding="utf-8")


def without_paper(svg):
    """A plot whose figure and axes are transparent."""
    return PAPER.sub(r"\1none", svg)


def darken(svg):
    """A plot for dark paper. Text has no colour of its own in matplotlib's SVG: it gets the ink from the root."""
    return COLOUR.sub(lambda found: dark_colour(found[0]), svg).replace("<svg ", f'<svg fill="{DARK_INK}" ', 1)


def dark_colour(colour):
    """What stands for a colour on dark paper: white is the paper, greys turn round, others are lit up to be seen."""
    if colour == "#ffffff":
        return DARK_PAPER
    hue, light, saturation = colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    if saturation < 0.1:
        return _hex(hue, 0.92 - 0.72 * light, saturation)
    while contrast(_hex(hue, light, saturation), DARK_PAPER) < CONTRAST:
        light += 0.02
    return _hex(hue, light, saturation)


def _hex(hue, light, saturation):
    return "#" + "".join(f"{round(255 * value):02x}" for value in colorsys.hls_to_rgb(hue, light, saturation))


def contrast(one, other):
    """The contrast of two colours after WCAG 2: from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
