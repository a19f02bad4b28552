"""How the site looks: two themes, with and without scripts; type; what fits on a phone; paper."""

import colorsys
import re
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PdfReader
from two_themes import CONTRAST, DARK_PAPER, contrast, dark_colour, dark_rules, darken, is_plot, without_paper

BOOK = Path(__file__).resolve().parents[2] / "book"
PAGES = sorted(f"book/{path.stem}.html" for path in BOOK.glob("*.md"))
CHAPTERS = [page for page in PAGES if re.match(r"book/\d\d-", page)]
CHAPTER, DESKTOP = "book/03-resblock.html", 1366
LETTERS = (60, 80)  # in a full line: a measure of about 70


def style(page, selector, name):
    return page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{name}")


# ------------------------------------------------------------------------------------------------------------- themes


@pytest.mark.parametrize("name", ["backgroundColor", "color"])
@pytest.mark.parametrize(
    "selector", ["body", "pre .k", ".admonition", "a.colab-link", ".bd-article table", ".unet .lit rect"]
)
def test_dark_mode_is_obeyed_without_javascript(visit, selector, name):
    scripted = style(visit(CHAPTER, scheme="dark").page, selector, name)
    assert style(visit(CHAPTER, scheme="dark", javascript=False).page, selector, name) == scripted


def test_pages_without_javascript_are_light_where_the_system_is(visit):
    scripted, plain = (visit(CHAPTER, javascript=javascript).page for javascript in (True, False))
    for selector in ("body", "pre .k", ".unet .lit rect"):
        assert style(plain, selector, "color") == style(scripted, selector, "color")
    assert style(plain, "body", "backgroundColor") == "rgb(255, 255, 255)"


def test_theme_button_changes_the_theme_and_it_stays(visit):
    page = visit(CHAPTER, scheme="dark").page
    for _ in range(3):
        page.locator(".bd-header-article .theme-switch-button").first.click()
        if page.evaluate("document.documentElement.dataset.mode") == "light":
            break
    assert style(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    page.reload()
    assert style(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("article img.only-light").first.is_visible()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize(("scheme", "shown", "hidden"), [("light", "light", "dark"), ("dark", "dark", "light")])
def test_plot_has_the_colours_of_the_theme(visit, scheme, shown, hidden, javascript):
    opened = visit(CHAPTER, scheme=scheme, javascript=javascript)
    plots = opened.page.locator(f"article figure img.only-{shown}")
    assert plots.count() == opened.page.locator(f"article figure img.only-{hidden}").count() > 0
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        assert plot.is_visible()
        assert plot.get_attribute("src").endswith("-dark.svg") == (scheme == "dark")
    if javascript:  # without, browsers fetch every picture at once: a late one would tell the server who reads what
        opened.page.wait_for_load_state("networkidle")
        fetched = [url for url in opened.requests if "/_images/" in url]
        assert fetched
        assert all(url.endswith("-dark.svg") == (scheme == "dark") for url in fetched)  # the other never is
    assert not any(plot.is_visible() for plot in opened.page.locator(f"article figure img.only-{hidden}").all())
    captions = opened.page.locator("article figure:has(img) > figcaption")  # what is drawn on a click has none yet
    assert captions.count() >= plots.count()
    assert all(caption.is_visible() for caption in captions.all())


@pytest.mark.parametrize("path", CHAPTERS)
def test_dark_mode_filters_no_picture(visit, path):
    page = visit(path, scheme="dark").page
    filters = page.locator("article img").evaluate_all(
        "all => all.map(e => [getComputedStyle(e).filter, getComputedStyle(e).backgroundColor])"
    )
    assert filters
    assert {tuple(pair) for pair in filters} == {("none", "rgba(0, 0, 0, 0)")}


def test_plots_of_the_site_are_transparent_and_legible_in_both_themes(site):
    plots = [path for path in (site / "_images").glob("*.svg") if is_plot(path) and "-dark" not in path.stem]
    assert len(plots) > 20
    for path in plots:
        light = path.read_text("utf-8")
        assert without_paper(light) == light, path
        dark = path.with_name(f"{path.stem}-dark.svg").read_text("utf-8")
        assert dark == darken(light), path
        lines = set(re.findall(r"stroke: (#[0-9a-f]{6})(?![^\"]*stroke-opacity)", dark)) - {DARK_PAPER}
        faint = {colour for colour in lines if contrast(colour, DARK_PAPER) < 3}  # WCAG: 3 for what is no text
        assert faint <= {dark_colour("#cccccc")}, path  # the frame of a legend says nothing


@pytest.mark.parametrize("colour", ["#0072b2", "#d55e00", "#009e73", "#440154", "#0000ff", "#800000"])
def test_dark_colour_can_be_read_and_keeps_its_hue(colour):
    made = dark_colour(colour)
    assert contrast(made, DARK_PAPER) >= CONTRAST - 0.05  # rounding to 8 bits
    hues = [colorsys.rgb_to_hls(*(int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0] for c in (colour, made)]
    assert abs(hues[0] - hues[1]) < 0.02


def test_dark_greys_turn_round():
    greys = ["#000000", "#555555", "#888888", "#cccccc"]
    steps = [contrast(dark_colour(grey), DARK_PAPER) for grey in greys]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > 12
    assert dark_colour("#ffffff") == DARK_PAPER


def test_dark_rules_take_those_of_the_dark_theme_and_no_other():
    css = """a { color: red } html[data-theme="dark"] a, html[data-theme=light] b { color: blue }
        html[data-theme=dark] .x::before { content: "}" } html[data-theme=dark] i:not(.a, .b) { color: red }
        @media print { html[data-theme=dark] { color: black } }"""
    assert dark_rules(css).splitlines() == [
        'html[data-theme="light"] a{color: blue}',
        'html[data-theme="light"] .x::before{content: "}"}',
        'html[data-theme="light"] i:not(.a, .b){color: red}',
    ]


# --------------------------------------------------------------------------------------------------------------- type


def test_headings_shrink_from_level_to_level(visit):
    page = visit(CHAPTER, width=DESKTOP).page
    sizes = [float(style(page, f"article {tag}", "fontSize")[:-2]) for tag in ("h1", "h2", "h3", "p")]
    assert all(larger / smaller > 1.15 for larger, smaller in pairwise(sizes)), sizes
    assert len({style(page, f"article {tag}", "fontWeight") for tag in ("h1", "h2", "h3")}) == 1


def test_text_has_two_weights(visit):
    page = visit("book/06-cross-attention.html", width=DESKTOP).page
    weights = page.evaluate("""() => [...document.querySelectorAll('body *')].filter(e => e.getClientRects().length
        && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && !e.closest('.katex'))
        .map(e => getComputedStyle(e).fontWeight)""")
    assert set(weights) == {"400", "600"}


@pytest.mark.parametrize("path", CHAPTERS)
def test_full_lines_have_about_seventy_letters(visit, path):
    page = visit(path, width=DESKTOP).page
    lines = page.evaluate("""() => [...document.querySelectorAll('article section > p')].flatMap(p => {
        const text = document.createTreeWalker(p, NodeFilter.SHOW_TEXT), lines = new Map();
        if (p.querySelector('.katex, img, code')) return [];
        for (let node; (node = text.nextNode());) for (let i = 0; i < node.length; i++) {
            const range = document.createRange(); range.setStart(node, i); range.setEnd(node, i + 1);
            const top = Math.round(range.getBoundingClientRect().top / 8);
            lines.set(top, (lines.get(top) || 0) + 1);
        }
        return [...lines.values()].slice(0, -1);
    })""")
    assert len(lines) > 10
    assert LETTERS[0] <= sum(lines) / len(lines) <= LETTERS[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_accent_colours_links_buttons_and_the_lit_blocks(visit, scheme):
    page = visit(CHAPTER, width=DESKTOP, scheme=scheme).page
    accent = style(page, ".unet .box.lit rect", "fill")
    assert style(page, "article p a.reference", "color") == accent
    assert style(page, "article table a, article p a", "color") == accent
    assert style(page, "a.colab-link", "backgroundColor") == accent
    assert style(page, ".bd-sidebar-primary .current > a", "color") == accent


# ------------------------------------------------------------------------------------------------------------- phones


@pytest.mark.parametrize("width", [320, 375, 430])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_cut_off_at_either_edge_of_a_phone(visit, path, width):
    page = visit(path, width=width).page
    page.evaluate("document.fonts.ready.then(() => true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate("""() => {
        const scroller = e => { for (e = e.parentElement; e; e = e.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(e).overflowX)) return e; return null; };
        return [...document.querySelectorAll('main *')].filter(e => {
            if (!e.getClientRects().length || e.closest('.katex-mathml, .onlyprint, svg, #pst-secondary-sidebar'))
                return false;
            const box = e.getBoundingClientRect(), around = scroller(e);
            if (!around || around.matches('html, body, main'))
                return box.left < -1 || box.right > innerWidth + 1;
            return box.left < around.getBoundingClientRect().left - around.scrollLeft - 1;  // nothing scrolls to there
        }).map(e => e.outerHTML.slice(0, 120));
    }""")
    assert cut == []


# Of the labels of all figures: their size in CSS pixels, but for exponents.
LABELS = """async () => {
    const found = [];
    for (const svg of document.querySelectorAll('article svg.unet')) {
        const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        for (const text of svg.querySelectorAll('text'))
            found.push([parseFloat(getComputedStyle(text).fontSize) * scale, text.textContent]);
    }
    for (const img of document.querySelectorAll('article img.only-light[src$=".svg"]')) {
        const svg = await (await fetch(img.src)).text(), width = parseFloat(svg.match(/viewBox="0 0 ([\\d.]+)/)[1]);
        const scale = img.getBoundingClientRect().width / width;
        const sizes = [...svg.matchAll(/scale\\(([\\d.]+) -/g)].map(([, size]) => 100 * size * scale);
        const large = sizes.filter(size => !sizes.some(other => Math.abs(size - 0.7 * other) < 0.03 * size));
        for (const size of large) found.push([size, img.alt.slice(0, 60)]);
    }
    return found;
}"""


@pytest.mark.parametrize(
    "path", ["book/01-denoising.html", "book/04-spatial-transformer.html", "book/10-sampling.html"]
)
def test_labels_of_figures_can_be_read_on_a_phone(visit, path):
    page = visit(path, width=360).page
    labels = page.evaluate(LABELS)
    assert len(labels) > 80
    assert [label for label in labels if label[0] < 8.99] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    wide = page.locator("article figure").evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth)")
    assert len(wide) > 0  # what does not fit scrolls


# --------------------------------------------------------------------------------------------------- the theme's styles


LOOKS = """() => [...document.querySelectorAll('body, body *')].map(e => {
    const style = getComputedStyle(e), of = name => style.getPropertyValue(name);
    return ['display', 'position', 'color', 'background-color', 'border-top-width', 'font-size', 'font-weight',
        'margin-top', 'margin-left', 'padding-top', 'padding-left', 'width', 'height', 'float', 'opacity', 'z-index',
        'visibility', 'text-decoration-line', 'line-height', 'flex-grow', 'overflow-x'].map(of).join(' ') + ' '
        + getComputedStyle(e, '::before').content;
})"""


@pytest.mark.parametrize(("path", "width", "scheme"), [(CHAPTER, 360, "dark"), ("book/index.html", 1366, "light")])
def test_page_looks_as_with_the_whole_style_sheet_of_the_theme(visit, site, path, width, scheme):
    import used_styles

    page = visit(path, width=width, scheme=scheme).page
    page.evaluate("document.fonts.ready.then(() => true)")
    slim = page.evaluate(LOOKS)
    size = (site / "_static" / used_styles.STYLE).stat().st_size
    page.route("**/pydata-sphinx-theme.css*", lambda route: route.fulfill(path=used_styles.SOURCE))
    page.reload()
    page.evaluate("document.fonts.ready.then(() => true)")
    whole = page.evaluate(LOOKS)
    assert slim == whole
    assert size < 0.4 * used_styles.SOURCE.stat().st_size


def test_rules_for_classes_that_nothing_has_are_left_out():
    import used_styles

    css = ".a .b{color:red}.c,.a:hover{top:1px}a:not(.d)>.a{top:0}@media print{.c{top:0}.a{top:1px}}"
    kept = ".a:hover{top:1px}a:not(.d)>.a{top:0}@media print{.a{top:1px}}"
    assert used_styles.slim(css, {"a"}).replace(" {", "{") == kept


# -------------------------------------------------------------------------------------------------------------- paper


@pytest.fixture(scope="module")
def printed(browser, address):
    """A chapter, printed in a browser whose system is dark: the text of each sheet, and the file's bytes."""
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}", wait_until="load")
    pdf = page.pdf(format="A4", print_background=True)
    state = page.evaluate("[document.documentElement.dataset.theme, document.querySelectorAll('details[open]').length]")
    context.close()
    return PdfReader(BytesIO(pdf)), state


def test_print_starts_with_the_chapter(printed):
    first = printed[0].pages[0].extract_text()
    assert first.lstrip().startswith("3. ResBlock")
    assert "what comes out of the last has been through all 22." in " ".join(first.split())


def test_print_has_answers_and_folded_code_and_no_controls(printed):
    text = " ".join(" ".join(sheet.extract_text() for sheet in printed[0].pages).split())
    assert "Its time would only move each channel" in text  # an answer
    assert "Show code cell source" not in text
    assert "Open in Colab" not in text.split("Exercise")[0]
    assert "Toggle" not in text


def test_print_wraps_long_lines_of_code(visit):
    page = visit(CHAPTER, width=700).page
    page.emulate_media(media="print")
    wide = page.locator("pre").evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth + 1).length")
    assert wide == 0


def test_print_is_light_and_afterwards_all_is_as_before(printed, visit):
    assert printed[1] == ["dark", 0]
    page = visit(CHAPTER, scheme="dark").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert style(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("article img.only-dark").first.is_hidden()
