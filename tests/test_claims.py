"""The table of claims agrees with the chapters: each claim's cell is there, and each cell that claims has its claim."""

import re
import sys
import tomllib

import pytest


@pytest.fixture(scope="module")
def claims_page(root):
    sys.path.insert(0, str(root / "book" / "_ext"))
    try:
        import claims
    finally:
        sys.path.pop(0)
    return claims


@pytest.fixture(scope="module")
def data(root):
    return tomllib.loads((root / "book" / "claims.en.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def chapters(root):
    return {path.stem: path.read_text(encoding="utf-8") for path in (root / "book").glob("[0-9][0-9]-*.md")}


def test_every_claim_is_shown_by_a_cell_of_its_chapter(claims_page, data, chapters):
    for claim in data["claims"]:
        assert set(claim) == {"chapter", "says", "shown", "network"}
        claims_page.place_of(chapters[claim["chapter"]], claim["shown"])  # raises, if there is none
        assert claim["network"] in data["networks"]


def test_no_cell_is_named_that_is_not_there(claims_page, chapters):
    with pytest.raises(ValueError, match="whole line"):
        claims_page.place_of(chapters["03-resblock"], "fig-of-nothing")


def test_every_figure_of_a_chapter_is_a_claim_or_an_illustration(claims_page, data, chapters):
    for name, chapter in chapters.items():
        claimed = [claim["shown"] for claim in data["claims"] if claim["chapter"] == name]
        shown = data["illustrations"].get(name, [])
        assert claimed, f"{name} claims nothing"
        assert not set(claimed) & set(shown)
        assert sorted(claims_page.figures_of(chapter)) == sorted(
            [*(c for c in claimed if c.startswith("fig-")), *shown]
        )


def test_every_experiment_has_a_claim(claims_page, data, chapters):
    for name, chapter in chapters.items():
        claimed = [claim["shown"] for claim in data["claims"] if claim["chapter"] == name]
        for heading in {heading for heading, _ in claims_page.cells_of(chapter) if heading.startswith("Experiment")}:
            cells = [cell for above, cell in claims_page.cells_of(chapter) if above == heading]
            assert any(shown in cell for shown in claimed for cell in cells), f"{name}, {heading}"


def test_claims_on_random_weights_say_so_in_their_chapter(claims_page, data, chapters):
    for claim in data["claims"]:
        if claim["network"] == "random":
            assert re.search("random|before training", chapters[claim["chapter"]].lower()), claim["says"]


def test_claims_on_a_trained_network_load_one(data, chapters):
    """A chapter whose claims name the trained model draws or reads with it in a cell."""
    for claim in data["claims"]:
        if claim["network"] in ("trained", "practice"):
            assert "from autograder.small_model" in chapters[claim["chapter"]], claim["says"]


def test_table_links_every_claim(claims_page, data, chapters):
    table = claims_page.table(data, chapters)
    assert table.count("<tr>") == len(data["claims"]) + 1
    assert '<a href="03-resblock.html#fig-time">3: Experiment: does the time arrive?</a>' in table
