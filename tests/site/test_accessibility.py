"""Every page for everyone: axe-core, the keyboard, and HTML that is valid where extensions once wrote otherwise."""

import os
import re
from pathlib import Path

import pytest
from accessible_html import mend
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

BOOK = Path(__file__).resolve().parents[2] / "book"
PAGES = sorted(f"book/{path.stem}.html" for path in BOOK.glob("*.md"))
PHONE, DESKTOP = 375, 1366
SCROLLING = """() => [...document.querySelectorAll('main *')].filter(e => e.getClientRects().length
    && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth)"""


# Every page in both widths and in both themes; in all four combinations those that have something of everything, or,
# with AXE=all (three minutes more), every page.
ONCE, ALSO = [(DESKTOP, "light"), (PHONE, "dark")], [(DESKTOP, "dark"), (PHONE, "light")]
FULLY = {"book/index.html", "book/06-cross-attention.html", "book/instructors.html", "search.html"}
LOOKS = [
    (path, *look)
    for path in [*PAGES, "search.html", "genindex.html", "404.html"]
    for look in [*ONCE, *(ALSO if path in FULLY or os.environ.get("AXE") == "all" else [])]
]


@pytest.mark.parametrize(("path", "width", "scheme"), LOOKS)
def test_page_has_no_violation_that_axe_finds(visit, path, width, scheme):
    page = visit(path, width=width, scheme=scheme).page
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    found = Axe().run(page).response["violations"]
    places = [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
    assert not places, "\n".join(places[:10])


@pytest.mark.parametrize("path", PAGES)
def test_what_scrolls_sideways_can_be_reached_by_keyboard(visit, path):
    page = visit(path, width=PHONE).page
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    unreached = page.evaluate(f"({SCROLLING})().filter(e => e.tabIndex < 0).map(e => e.outerHTML.slice(0, 100))")
    assert unreached == []


def test_formula_scrolls_with_the_arrow_keys(visit):
    page = visit("book/01-denoising.html", width=PHONE).page
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    page.evaluate("window.box = document.querySelector('.katex-display[tabindex]'); box.focus()")
    assert page.evaluate("box.scrollLeft") == 0
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("box.scrollLeft > 10", timeout=5000)


def test_what_no_longer_scrolls_is_no_stop_for_the_keyboard(visit):
    from playwright.sync_api import expect

    page = visit("book/01-denoising.html", width=PHONE).page
    stops = page.locator(".katex-display[tabindex]")
    expect(stops).not_to_have_count(0)
    page.set_viewport_size({"width": DESKTOP, "height": 900})
    expect(stops).to_have_count(0)
    page.set_viewport_size({"width": PHONE, "height": 844})
    expect(stops).not_to_have_count(0)


# ------------------------------------------------------------------------------------------------------------- focus


RING = """() => {
    const e = document.activeElement, style = getComputedStyle(e);
    if (e === document.body) return null;
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    return [e.outerHTML.slice(0, 120), ring, style.outlineColor];
}"""
MOST = 400  # stops on the longest page, and then some


def stops(page):
    """What the Tab key reaches, in order: the element's start, whether it has a ring, the ring's colour."""
    found = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        stop = page.evaluate(RING)
        if stop is None:
            return found
        found.append(stop)
    raise AssertionError(f"the keyboard never leaves the page: {found[-3:]}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("path", "width"), [("book/06-cross-attention.html", DESKTOP), ("book/index.html", PHONE)])
def test_focus_is_visible_on_every_control(visit, path, width, scheme):
    page = visit(path, width=width, scheme=scheme).page
    reached = stops(page)
    assert len(reached) >= 10
    assert [html for html, ring, _ in reached if not ring] == []
    assert len({colour for _, _, colour in reached}) == 1  # the accent


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_is_visible_in_the_search_and_in_the_phones_menu(visit, scheme):
    page = visit("book/03-resblock.html", width=PHONE, scheme=scheme).page
    page.locator(".bd-header-article .search-button").first.click()
    page.locator("#pst-search-dialog input").wait_for()
    page.keyboard.press("Shift+Tab")
    page.locator("#pst-search-dialog input").focus()
    assert page.evaluate(RING)[1]
    page.keyboard.press("Escape")
    page.locator("button.primary-toggle:visible").first.focus()
    page.keyboard.press("Enter")
    page.locator("#pst-primary-sidebar-modal a").first.wait_for(state="visible")
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate(RING)[1]


# -------------------------------------------------------------------------------------------------------- valid HTML


@pytest.fixture(scope="module")
def pages(site):
    return {path.name: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in site.glob("book/*.html")}


def test_summaries_hold_no_blocks_and_say_what_they_do(pages):
    summaries = [(name, summary) for name, page in pages.items() for summary in page.select("summary")]
    assert len(summaries) > 100
    for name, summary in summaries:
        assert not summary.find(["p", "div", "ul", "ol", "pre"]), f"{name}: {summary}"
        assert summary.get_text(strip=True), name
        assert "aria-label" not in summary.attrs, name


def test_folded_code_says_one_thing_at_a_time(visit):
    page = visit("book/03-resblock.html").page
    fold = page.locator("details.hide").filter(has_text="Show code cell source").first
    assert fold.locator("summary").inner_text().strip() == "Show code cell source"
    fold.locator("summary").click()
    assert fold.locator("summary").inner_text().strip() == "Hide code cell source"


def test_empty_corner_of_a_table_is_no_heading(pages):
    for name, page in pages.items():
        assert not [cell for cell in page.select("th") if not cell.get_text(strip=True)], name


def test_ids_are_used_once_on_a_page(pages):
    for name, page in pages.items():
        ids = [tag["id"] for tag in page.find_all(id=True)]
        assert sorted(set(ids)) == sorted(ids), (name, {i for i in ids if ids.count(i) > 1})


def test_repairs_leave_other_html_as_it_is():
    other = '<details class="question"><summary>What is <code>x</code>?</summary>\n<p>An input.</p></details><th>a</th>'
    assert mend(other) == other
    assert "<p" not in mend(
        '<summary aria-label="Toggle hidden content">\n<p class="collapsed admonition-title">Show</p>\n'
        '<p class="expanded admonition-title">Hide</p>\n</summary>'
    )
    assert re.fullmatch(r"<td></td>", mend('<th class="head"><p></p></th>'))
