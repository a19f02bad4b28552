"""The one picture of the UNet: `{unet-picture} resblock` draws it with the ResBlocks highlighted.

Every chapter shows this picture with its own part lit, so it is drawn from one description, `LEVELS`, which a test
compares with the reference model. In a page the SVG is inline and follows the page's light or dark theme;
`python book/_ext/unet_picture.py` writes `book/figures/unet.svg` for the README, which follows the system's.
"""

import argparse
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

FIGURES = Path(__file__).resolve().parents[1] / "figures"
# Blocks of each level on the way down and on the way up, from the largest feature map to the smallest.
# R is a ResBlock, T a SpatialTransformer.
LEVELS = [
    {"size": "64×64×320", "down": "RTRT", "up": "RTRTRT"},
    {"size": "32×32×640", "down": "RTRT", "up": "RTRTRT"},
    {"size": "16×16×1280", "down": "RTRT", "up": "RTRTRT"},
    {"size": "8×8×1280", "down": "RR", "up": "RRR"},
]
MIDDLE = "RTR"
KINDS = {"R": "resblock", "T": "transformer"}
LAYERS = {"R": "res", "T": "transformer"}  # as the reference names them: down0_res0, middle_transformer
HIGHLIGHTS = {  # what a chapter may light, and how its alt text says so
    "none": "",
    "inputs": "The three inputs are highlighted: the latent's first convolution, the time and the text.",
    "resblock": "Every ResBlock is highlighted.",
    "transformer": "Every SpatialTransformer is highlighted.",
    "down": "The way down, on the left, is highlighted.",
    "up": "The middle, the way up on the right and the skip connections are highlighted.",
    "exit": "The exit is highlighted: normalisation, swish and the last convolution.",
}
ALT = (
    "Diagram of Stable Diffusion's UNet, in the shape of a U. On the left the noisy latent goes down through four "
    "levels, each with half the height and width of the one before; at the bottom is the middle; on the right it comes "
    "up again through the same four levels, each joined to the left side by three skip connections. The three larger "
    "levels alternate ResBlocks (R) and SpatialTransformers (T); the smallest has ResBlocks only. The time goes into "
    "every R, the text into every T. The predicted noise comes out at the top right."
)

WIDTH, HEIGHT, SIDE, STEP, TOP, PITCH = 480, 530, 30, 34, 70, 76
INDENTS = [8, 14, 20, 76]  # of each level, from both edges
LIGHT = {"paper": "#ffffff", "ink": "#1f2937", "line": "#5b6472", "fill": "#eef2f7", "lit": "#1d4ed8", "on": "#ffffff"}
DARK = {"paper": "#14181e", "ink": "#e5e7eb", "line": "#a3afbf", "fill": "#27303c", "lit": "#8ab4ff", "on": "#10151d"}
TIP = (
    '<defs><marker id="unet-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
)


class Drawing:
    """Collects SVG elements; each belongs to parts of the UNet and is lit when one of them is the one asked for."""

    def __init__(self, highlight):
        self.highlight, self.elements = highlight, []
        self.places = {}  # of what can be chosen: x, y, width and height, by the name of the reference's layer

    def _lit(self, parts):
        return " lit" if self.highlight in parts else ""

    def box(self, x, y, letter, *parts, name):
        self.places[name] = (x - 2, y - 8, STEP, SIDE + 16)  # a thumb needs more than the box
        shape = 15 if letter == "T" else 4  # corner radius: told apart by shape and letter, not by colour
        kind = f' data-kind="{parts[0]}"' if letter in KINDS else ""
        rect = f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" rx="{shape}"/>'
        text = f'<text x="{x + SIDE / 2:g}" y="{y + 20}">{letter}</text>'
        self.elements.append(f'<g class="box{self._lit(parts)}"{kind}>{rect}{text}</g>')

    def note(self, x, lines, *parts, name):
        self.places[name] = (x, 426, 216, 48)
        text = "".join(f'<text x="{x + 108}" y="{446 + 18 * i}">{line}</text>' for i, line in enumerate(lines))
        rect = f'<rect x="{x}" y="426" width="216" height="48" rx="4"/>'
        self.elements.append(f'<g class="box note{self._lit(parts)}">{rect}{text}</g>')

    def arrow(self, points, *parts, dashed=False):
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
        kind = "skip" if dashed else "flow"
        self.elements.append(f'<path class="{kind}{self._lit(parts)}" d="{path}" marker-end="url(#unet-tip)"/>')

    def label(self, x, y, text, anchor="middle"):
        self.elements.append(f'<text class="label" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>')

    def row(self, x, y, blocks, side, level=""):
        for i, block in enumerate(blocks):
            number = blocks[:i].count(block) if blocks.count(block) > 1 else ""
            name = f"{level or 'middle'}_{LAYERS[block]}{number}"
            self.box(x + STEP * i, y, block, KINDS[block], side, name=name)
        return x, x + STEP * (len(blocks) - 1)  # left edges of the first and the last box


def unet_svg(highlight="none", standalone=False):
    """The SVG with one part lit; `standalone` adds the XML namespace, a background and the system's dark mode."""
    if highlight not in HIGHLIGHTS:
        raise ValueError(f"`highlight` must be one of {', '.join(HIGHLIGHTS)}. Received: {highlight}")
    drawing = Drawing(highlight)
    _draw_flows(drawing)
    _draw_inputs_and_legend(drawing)
    paper = f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>' if standalone else ""
    alt = escape(f"{ALT} {HIGHLIGHTS[highlight]}".strip(), quote=True)
    size = f'xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"' if standalone else ""
    head = f'<svg class="unet" {size} viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{alt}">'
    return f"{head}{_style(standalone)}{TIP}{paper}{''.join(drawing.elements)}</svg>\n"


def unet_places():
    """Where what can be chosen lies in the picture: x, y, width and height in its units, by name."""
    drawing = Drawing("none")
    _draw_flows(drawing)
    _draw_inputs_and_legend(drawing)
    return drawing.places


def _draw_flows(drawing):
    ends = []  # per level: left edges of the first and last box, on the way down and on the way up
    for level, (spec, indent) in enumerate(zip(LEVELS, INDENTS, strict=True)):
        y, right = TOP + PITCH * level, WIDTH - indent - STEP * len(spec["up"]) + STEP - SIDE
        down = drawing.row(indent, y, spec["down"], "down", f"down{level}")
        up = drawing.row(right, y, spec["up"], "up", f"up{level}")
        ends.append((down, up))
        start, stop = down[1] + SIDE + 6, up[0] - 5
        drawing.arrow([(start, y + 17), (stop, y + 17)], "up", dashed=True)
        drawing.label((start + stop) / 2, y + 9, spec["size"])
        drawing.label((start + stop) / 2, y + 34, "3 skips")
        drawing.places[f"skips-{level}"] = (start, y - 8, stop - start, SIDE + 16)
    y = TOP + PITCH * len(LEVELS)
    middle = drawing.row((WIDTH - STEP * len(MIDDLE)) // 2, y, MIDDLE, "up")
    rows = [*ends, (middle, middle)]
    for level in range(len(LEVELS)):
        y = TOP + PITCH * level + SIDE  # the lower edge of this level's boxes
        half = SIDE / 2
        (_, last), (first, _) = rows[level][0], rows[level + 1][0]
        turn = y + 23
        points = [(last + half, y + 2), (last + half, turn), (first + half, turn), (first + half, y + PITCH - SIDE - 3)]
        drawing.arrow(points, "down")
        (first, _), (_, last) = rows[level][1], rows[level + 1][1]
        points = [(last + half, y + PITCH - SIDE - 2), (last + half, turn), (first + half, turn), (first + half, y + 3)]
        drawing.arrow(points, "up")
        if level < len(LEVELS) - 1:
            drawing.label(rows[level][0][1] + half + 8, turn + 4, "½", "start")
            drawing.label(rows[level][1][0] + half - 8, turn + 4, "×2", "end")
            drawing.places[f"down{level}_conv"] = (rows[level][0][1] + half - 8, turn - 15, 40, SIDE)
            drawing.places[f"up{level + 1}_upsample"] = (rows[level][1][0] + half - 32, turn - 15, 40, SIDE)


def _draw_inputs_and_legend(drawing):
    first, last = INDENTS[0], WIDTH - INDENTS[0] - SIDE
    drawing.box(first, 8, "C", "inputs", "down", name="conv_in")
    drawing.arrow([(first + 15, 40), (first + 15, TOP - 3)], "inputs", "down")
    drawing.label(first + 38, 28, "noisy latent, 64×64×4", "start")
    drawing.box(last, 8, "E", "exit", name="exit")
    drawing.arrow([(last + 15, TOP - 2), (last + 15, 41)], "exit", "up")
    drawing.label(last - 8, 28, "predicted noise, 64×64×4", "end")
    drawing.note(16, ["time t → time MLP", "goes into every R"], "inputs", name="time")
    drawing.note(248, ["text, 77 tokens", "goes into every T"], "inputs", name="text")
    drawing.label(16, 498, "R ResBlock · T SpatialTransformer · C convolution", "start")
    drawing.label(16, 518, "E norm, swish, convolution · ½ stride-2 convolution · ×2 Upsample", "start")


def _style(standalone):
    def colours(palette):
        return ";".join(f"--{name}:{value}" for name, value in palette.items())

    dark = f"@media (prefers-color-scheme:dark){{.unet{{{colours(DARK)}}}}}"
    if not standalone:
        unscripted = f"@media screen and (scripting:none) and (prefers-color-scheme:dark){{.unet{{{colours(DARK)}}}}}"
        dark = f'@media screen{{html[data-theme="dark"] .unet{{{colours(DARK)}}}}}{unscripted}'
    return (
        f"<style>.unet{{{colours(LIGHT)};font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}}{dark}"
        ".unet .paper{fill:var(--paper)}"
        ".unet .box rect{fill:var(--fill);stroke:var(--line);stroke-width:1.2}"
        ".unet .box text{fill:var(--ink);font-size:15px;font-weight:600;text-anchor:middle}"
        ".unet .note text{font-size:13px;font-weight:400}"
        ".unet .box.lit rect{fill:var(--lit);stroke:var(--lit)}.unet .box.lit text{fill:var(--on)}"
        ".unet path{fill:none;stroke:var(--line);stroke-width:1.3}.unet path.lit{stroke:var(--lit);stroke-width:2}"
        ".unet .skip{stroke-dasharray:4 4}.unet marker path{fill:var(--line);stroke:none}"
        ".unet .label{fill:var(--ink);font-size:13px}</style>"
    )


class UNetPicture(SphinxDirective):
    """`{unet-picture} NAME` with a caption as its content; `NAME` is a key of `HIGHLIGHTS`."""

    optional_arguments, has_content = 1, True
    option_spec = {"name": directives.unchanged}  # noqa: RUF012 (docutils' own way)

    def svg(self):
        return unet_svg(self.arguments[0] if self.arguments else "none")

    def run(self):
        svg = self.svg()
        figure = nodes.figure("", nodes.raw("", svg, format="html"), classes=["unet-figure"])
        caption = nodes.caption()
        text, _ = self.state.inline_text(" ".join(self.content), self.lineno)
        caption += text
        figure += caption
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure]


class FlowPicture(UNetPicture):
    """`{flow-picture} NAME` with a caption: `figures/NAME.html`, on a page without a picture of the UNet, from which
    such drawings take style and arrow tips elsewhere."""

    def svg(self):
        drawn = FIGURES / f"{self.arguments[0]}.html"
        self.state.document.settings.env.note_dependency(str(drawn))
        head, end, elements = drawn.read_text(encoding="utf-8").partition(">")
        return f"{head}{end}{_style(standalone=False)}{TIP}{elements}"


def setup(app):
    app.add_directive("unet-picture", UNetPicture)
    app.add_directive("flow-picture", FlowPicture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", type=Path, default=FIGURES / "unet.svg")
    arguments = parser.parse_args()
    arguments.path.write_text(unet_svg(standalone=True), encoding="utf-8")
