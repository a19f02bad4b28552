"""The site in a real browser: what it asks of the network, how it looks on a phone and in the dark, what it weighs."""

import gzip
import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("[0-9][0-9]-*.md"))
CHAPTER = "book/03-resblock.html"
PAGES = sorted(f"book/{path.stem}.html" for path in BOOK.glob("*.md"))
PHONE = 390
BUDGET = 260_000  # bytes, gzipped; Jupyter Book's defaults make it 1,231,000
WHOLE_BUDGET = 700_000  # with every picture, to the end of the page


@pytest.mark.parametrize("path", [*PAGES, "search.html"])
def test_page_loads_without_other_hosts_or_errors(visit, path):
    opened = visit(path)
    opened.page.wait_for_load_state("networkidle")
    assert opened.foreign() == []
    assert opened.troubles == []


@pytest.mark.parametrize("path", PAGES)
def test_page_is_not_wider_than_a_phone(visit, path):
    page = visit(path, width=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    # Nothing is cut off either: whatever sticks out lies in a box that scrolls.
    outside = page.evaluate("""() => {
        const scrolls = el => { for (let e = el; e && e !== document.body; e = e.parentElement) {
            if (['auto', 'scroll'].includes(getComputedStyle(e).overflowX)) return true; } return false; };
        return [...document.querySelectorAll('main *')].filter(e => e.getClientRects().length
            && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.katex-mathml, .onlyprint, svg')
            && !e.closest('#pst-secondary-sidebar') && !scrolls(e)).map(e => e.outerHTML.slice(0, 120));
    }""")
    assert outside == []


def test_phone_header_shows_its_buttons_within_the_screen(visit):
    page = visit(CHAPTER, width=PHONE).page
    for name in (".primary-toggle", ".btn-colab", ".article-header-buttons .theme-switch-button"):
        box = page.locator(f".bd-header-article {name}").first.bounding_box()
        assert box is not None, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= PHONE, name


def test_phone_menu_opens_and_leads_to_another_chapter(visit):
    page = visit(CHAPTER, width=PHONE).page
    entry = page.locator(".bd-sidebar-primary a, #pst-primary-sidebar-modal a", has_text="SpatialTransformer").first
    assert not entry.is_visible()
    page.locator("button.primary-toggle:visible").first.click()
    entry = page.locator("#pst-primary-sidebar-modal a", has_text="SpatialTransformer").first
    entry.wait_for(state="visible")
    entry.click()
    page.wait_for_url("**/04-spatial-transformer.html")


def test_desktop_colab_button_opens_the_exercise(visit):
    page = visit(CHAPTER).page
    button = page.locator(".bd-header-article a.btn-colab")
    assert button.is_visible()
    pattern = (
        r"https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/main/exercises/03-resblock/03-resblock\.ipynb"
    )
    assert re.fullmatch(pattern, button.get_attribute("href"))


def test_page_without_an_exercise_has_no_colab_button(visit):
    assert visit("book/glossary.html").page.locator("a.btn-colab").count() == 0


def test_math_and_text_are_visible_without_javascript(visit):
    page = visit(CHAPTER, javascript=False).page
    formula = page.locator(".katex-display .katex-html").first
    assert formula.is_visible()
    assert formula.bounding_box()["height"] > 15
    assert page.locator("#exercise").is_visible()


def test_math_uses_the_fonts_of_the_site(visit):
    page = visit(CHAPTER).page
    page.evaluate("document.fonts.ready.then(() => true)")
    loaded = page.evaluate("[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
    assert {"KaTeX_Main", "KaTeX_Math"} <= {family.strip('"') for family in loaded}


def test_every_preloaded_font_is_used(visit):
    page = visit(CHAPTER).page
    page.evaluate("document.fonts.ready.then(() => true)")
    preloaded = page.locator('link[rel="preload"][as="font"]').count()
    used = page.evaluate("[...document.fonts].filter(f => f.status === 'loaded' && /KaTeX/.test(f.family)).length")
    assert preloaded == used


def test_question_opens_without_javascript(visit):
    page = visit(CHAPTER, javascript=False).page
    question = page.locator("details.question").first
    answer = question.locator("p").first
    assert not answer.is_visible()
    question.locator("summary").click()
    assert answer.is_visible()


def test_search_finds_a_word_of_the_chapter(visit):
    opened = visit("search.html?q=broadcasting")
    opened.page.locator("#search-results li a").first.wait_for()
    links = opened.page.locator("#search-results li a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert any("03-resblock" in link for link in links)
    assert opened.foreign() == []


def _luminance(colour):
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_picture_and_captions_are_legible(visit, scheme):
    page = visit(CHAPTER, scheme=scheme).page
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (_luminance(paper) > 0.5) == (scheme == "light")

    def colour(selector, which):
        return page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{which}")

    # WCAG AA: 4.5 for text.
    assert _contrast(colour(".unet .label", "fill"), paper) > 4.5
    assert _contrast(colour(".unet .box:not(.lit) text", "fill"), colour(".unet .box:not(.lit) rect", "fill")) > 4.5
    assert _contrast(colour(".unet .box.lit text", "fill"), colour(".unet .box.lit rect", "fill")) > 4.5
    assert _contrast(colour("figcaption .caption-text", "color"), paper) > 4.5
    assert _contrast(colour("a.colab-link", "color"), colour("a.colab-link", "backgroundColor")) > 4.5


def test_instructors_page_shows_the_grading_benchmark_as_a_table(visit):
    bench = json.loads((BOOK / "figures" / "grading-bench.json").read_text())
    page = visit("book/instructors.html").page
    cells = page.locator("#how-long-it-takes tbody tr").first.locator("td").all_inner_texts()
    assert page.locator("#how-long-it-takes tbody tr").count() == len(bench["rows"])
    assert cells[:3] == [bench["rows"][0]["what"], "1", str(bench["rows"][0]["submissions"])]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_picture_comes_when_it_is_near_and_keeps_its_shape_on_a_phone(visit, chapter):
    page = visit(f"book/{chapter}.html", width=PHONE).page
    pictures = page.locator("article figure img:not(.only-dark)")
    assert pictures.count()
    for i in range(pictures.count()):
        picture = pictures.nth(i)
        picture.scroll_into_view_if_needed()
        picture.evaluate("e => e.decode()")
        kept = picture.evaluate("e => e.getAttribute('width') / e.getAttribute('height')")
        shape = picture.evaluate("e => e.naturalWidth / e.naturalHeight")
        shown = picture.evaluate("e => e.clientWidth / e.clientHeight")
        # Half a pixel of rounding in a height of 50 or more.
        assert abs(kept / shape - 1) < 0.02, chapter
        assert abs(shown / shape - 1) < 0.02, chapter


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_stays_within_its_weight(visit, chapter):
    context = visit("book/index.html").page.context
    page, responses = context.new_page(), {}
    page.on("response", lambda response: responses.setdefault(response.url, response))
    page.goto(page.context.pages[0].url.replace("index.html", f"{chapter}.html"), wait_until="networkidle")
    total, table = _weight(responses)
    print(table)
    assert total <= BUDGET, table
    for picture in page.locator("article figure img:not(.only-dark)").all():  # which are fetched when they come near
        picture.scroll_into_view_if_needed()
        picture.evaluate("e => e.decode()")
    total, table = _weight(responses)
    assert total <= WHOLE_BUDGET, table


def _weight(responses):
    """Bytes of all responses, as a server that compresses sends them, and a table of them."""
    sizes = {}
    for url, response in responses.items():
        body = response.body()
        packed = url.split("?")[0].endswith((".woff2", ".woff", ".png"))
        sizes[url.split("/", 3)[3]] = len(body) if packed else len(gzip.compress(body))
    total = sum(sizes.values())
    rows = sorted(sizes.items(), key=lambda item: -item[1])
    return total, "\n".join([*(f"{size:>8} {name}" for name, size in rows), f"{total:>8} in all"])
