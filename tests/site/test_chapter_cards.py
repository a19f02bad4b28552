"""The front page's cards: every chapter, its question, its time; and the feedback example of the README."""

import re

import pytest
from bs4 import BeautifulSoup
from chapter_cards import minutes_of
from page_links import place


def read(path):
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def front(site):
    return read(site / "book" / "index.html")


def test_every_chapter_has_a_card_with_its_own_question(front, site, root):
    cards = front.select(".card-of-chapter")
    names = sorted(path.stem for path in (root / "book").glob("[0-9][0-9]-*.md"))
    assert [card.a["href"] for card in cards] == [f"{name}.html" for name in names]
    for number, (card, name) in enumerate(zip(cards, names, strict=True), start=1):
        page = read(site / "book" / f"{name}.html")
        asked = " ".join(page.select_one(".admonition.tip > p:not(.admonition-title)").get_text().split())
        assert card.p.get_text() == asked, name
        title = re.sub(r"^[\d.\s]+|#$", "", page.h1.get_text()).strip()
        assert card.a.get_text() == f"{number}. {title}"
        minutes = minutes_of((root / "book" / f"{name}.md").read_text("utf-8"))
        assert f"{minutes} minutes" in card.small.get_text()
        assert 5 <= minutes <= 60


def test_time_counts_prose_and_code_that_is_shown():
    prose, cell = "word " * 1000, "```{code-cell} ipython3\nx = 1\n```\n"
    hidden = cell.replace("x = 1", ":tags: [remove-cell]\n\nx = 1")
    fold = f'<details class="question"><summary>1.</summary>\n{prose}\n</details>\n'
    assert minutes_of(prose) == 5
    assert minutes_of(prose + "\n" + 20 * cell) == 15
    assert minutes_of(prose + "\n" + 20 * hidden) == 5
    assert minutes_of(f"---\n{prose}\n---\n{prose}\n{fold}") == 5


def test_feedback_example_is_that_of_the_readme(front, root):
    example = re.search(r"```\n(resblock-same: .*?)```", (root / "README.md").read_text("utf-8"), re.DOTALL)[1]
    assert example.strip() in [block.get_text().strip() for block in front.select("pre")]


def test_places_are_filled_in_and_escaped():
    found = {"TITLE": lambda name: f"{name} <&>", "QUESTION": lambda name: "why?"}
    made = place('<a href="PAGE/01-x">TITLE/01-x</a>: QUESTION/01-x', found, lambda name: f"../{name}.html")
    assert made == '<a href="../01-x.html">01-x &lt;&amp;&gt;</a>: why?'
