"""Search finds sections and terms, in either spelling, and nothing that no reader wrote."""

import json
import re

import pytest


@pytest.fixture(scope="module")
def sections(site):
    """What can be found: address, title, page, text."""
    script = (site / "_static" / "sections.js").read_text("utf-8")
    return json.loads(re.search(r"^const SECTIONS = (.*);$", script, re.MULTILINE)[1])


@pytest.fixture
def search(visit):
    """Opens the search page with a query: the addresses found, the titles, the page."""

    def ask(query, **how):
        opened = visit(f"search.html?q={query}", **how)
        opened.page.locator("#search-results p").first.wait_for()
        links = opened.page.locator("#search-results li > a")
        found = links.evaluate_all("links => links.map(a => a.getAttribute('href'))")
        assert opened.foreign() == []
        assert opened.troubles == []
        return found, links.all_inner_texts(), opened.page

    return ask


def test_every_section_and_term_can_be_found_where_it_is(sections, site):
    assert len(sections) > 250
    pages = {}
    for address, title, _, _ in sections:
        file, anchor = address.split("#")
        pages.setdefault(file, (site / file).read_text("utf-8"))
        assert f'id="{anchor}"' in pages[file], address
        assert title, address


def test_formulas_and_pictures_are_no_text(sections):
    text = json.dumps(sections)
    assert not re.search(r"operatorname|\\\\frac|mathsf|viewBox|Diagram of Stable Diffusion", text)
    assert "broadcasting" in text


def test_search_leads_to_the_section(search):
    found, titles, page = search("broadcasting")
    assert found[0] == "book/glossary.html#term-broadcasting"
    assert any(re.match(r"book/03-resblock\.html#tell-it-the-time", address) for address in found)
    assert titles[0].startswith("broadcasting")
    marks = page.locator("#search-results mark").all_inner_texts()
    assert any(mark.lower() == "broadcasting" for mark in marks)
    page.locator("#search-results li > a").nth(1).click()
    page.wait_for_load_state()
    assert page.locator(":target").count() == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("normalisation", "normalization"), ("skip", "skips"), ("colour", "colors"), ("Resblock", "RESBLOCK")],
)
def test_spellings_find_the_same(search, one, other):
    found = search(one)[0]
    assert len(found) > 1
    assert found == search(other)[0]


def test_terms_are_found_in_both_languages(search):
    found, titles, page = search("注意力機制")
    assert found[0] == "book/glossary.html#term-attention"
    assert titles[0] == "attention · 注意力機制"
    assert page.locator("#search-results li > a span[lang=zh-Hant]").first.inner_text() == "注意力機制"
    terms = page.context.new_page()
    terms.goto(page.url.replace("search.html", "book/glossary.html"))
    chinese = terms.locator("dl.glossary dt[lang=zh-Hant]")
    assert chinese.count() == terms.locator("dl.glossary dd").count() > 30


def test_what_is_nowhere_is_said_to_be_nowhere(search):
    found, _, page = search("attention+zebra")
    assert found == []
    assert page.locator("#search-results p").inner_text() == "Nothing has all of these words."
