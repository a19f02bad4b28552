"""The picture of the UNet shows the reference model, block for block."""

import html
import re

import pytest
import unet_picture
from unet_picture import HIGHLIGHTS, LEVELS, MIDDLE, unet_svg

from autograder.reference import SD2, TINY, DiffusionModelV2, ResBlock, SpatialTransformer


@pytest.fixture(scope="module")
def layers():
    model = DiffusionModelV2(64, 64, 3, download_weights=False, config=TINY)
    letters = {ResBlock: "R", SpatialTransformer: "T"}
    return [(layer.name, letters[type(layer)]) for layer in model.layers if type(layer) in letters]


def test_picture_has_the_blocks_of_the_reference(layers):
    def drawn(prefix, kind):
        return sum(name.startswith(prefix) and letter == kind for name, letter in layers)

    for level, spec in enumerate(LEVELS):
        for side in ("down", "up"):
            for kind in "RT":
                assert spec[side].count(kind) == drawn(f"{side}{level}_", kind), (side, level, kind)
    assert [MIDDLE.count(kind) for kind in "RT"] == [drawn("middle_", kind) for kind in "RT"]


def test_picture_names_the_widths_of_the_reference():
    assert tuple(int(level["size"].split("×")[-1]) for level in LEVELS) == SD2.channels


@pytest.mark.parametrize(("highlight", "letter"), [("resblock", "R"), ("transformer", "T")])
def test_highlight_lights_every_block_of_its_kind(layers, highlight, letter):
    lit = re.findall(rf'class="box lit" data-kind="{highlight}"', unet_svg(highlight))
    assert len(lit) == len(re.findall(r'class="box lit"', unet_svg(highlight)))
    assert len(lit) == sum(kind == letter for _, kind in layers)


@pytest.mark.parametrize("highlight", HIGHLIGHTS)
def test_highlights_differ_and_say_what_they_light(highlight):
    svg = html.unescape(unet_svg(highlight))
    assert HIGHLIGHTS[highlight] in svg
    assert (" lit" in re.sub(r"<style>.*?</style>", "", svg)) == (highlight != "none")


def test_unknown_highlight_is_refused():
    with pytest.raises(ValueError, match="Received: encoder"):
        unet_svg("encoder")


def test_figure_of_the_readme_is_current(root):
    made = (root / "book" / "figures" / "unet.svg").read_text("utf-8")
    message = f"run: python {unet_picture.__file__.removeprefix(str(root) + '/')}"
    assert made == unet_svg(standalone=True), message
