"""The live UNet in the site's pages: nothing before the click, the book's pictures after it, and a way for everyone."""

import gzip
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from live_files import PROMPT, SEED

from autograder.small_model.attention_maps import attention_maps
from autograder.small_model.language import parse, words_of
from autograder.small_model.model import sample_prompts
from autograder.small_model.painting import SIDE

PLAY, FRONT, CHAPTER = "book/play.html", "book/index.html", "book/06-cross-attention.html"
OTHER = "a small white star above a blue boat and right of a green tree at night"
SAID = len(words_of(PROMPT))
PHONE, DESKTOP = 360, 1366
BEFORE = 250_000  # bytes of a page before the click, as a server that compresses sends them
PIXELS = """(name) => { const canvas = document.querySelectorAll('.live-picture')[name];
    return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]; }"""
DRAWN = "document.querySelector('.live-status').textContent.startsWith('Drawn')"
PATIENCE = 90_000  # milliseconds, for a busy machine


def drawn(page, panel=0):
    """What a panel shows, uint8 `(128, 128, 3)`, once all is drawn."""
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    return np.array(page.evaluate(PIXELS, panel), "uint8").reshape(SIDE, SIDE, 4)[..., :3]


def model_requests(urls):
    """What of the model was asked for: weights, kernel, code of the worker."""
    names = (".bin", ".wasm", "worker.js", "model.js", "layers.js")
    return [url for url in urls if url.split("?")[0].endswith(names)]


@pytest.mark.parametrize("path", [PLAY, FRONT])
def test_nothing_of_the_model_is_fetched_before_the_click(visit, path):
    weight, urls = weight_of(visit(path).page)
    assert model_requests(urls) == []
    assert any(url.endswith("play.js") for url in urls)
    print(f"{path}: {weight:,} bytes before the click")
    assert weight <= BEFORE


def weight_of(opened):
    """Bytes of a page that is open, as a server that compresses sends them, to its first pictures; what it asks for."""
    page, responses = opened.context.new_page(), {}
    page.on("response", lambda response: responses.setdefault(response.url, response))
    page.goto(opened.url, wait_until="networkidle")
    for still in page.locator(".live-still").all()[:1]:
        still.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    packed = (".woff2", ".woff", ".png")
    bodies = {url: response.body() for url, response in list(responses.items())}
    return sum(len(body if url.endswith(packed) else gzip.compress(body)) for url, body in bodies.items()), list(bodies)


def test_click_draws_what_keras_draws(visit, site):
    """With the weights that load first within 2 of 255 in the mean; with the book's own within 1 at every pixel."""
    opened = visit(PLAY)
    page, expected = opened.page, sample_prompts([PROMPT], seed=SEED)[0].astype(float)
    began = time.monotonic()
    page.click(".live-draw")
    quick = drawn(page)
    seconds = time.monotonic() - began
    assert np.abs(quick - expected).mean() < 2
    page.check(".live-exact")
    page.wait_for_function("document.querySelector('.live-status').textContent.startsWith('Loading')", timeout=PATIENCE)
    assert np.abs(drawn(page) - expected).max() <= 1
    weights = [url for url in model_requests(opened.requests) if url.endswith(".bin")]
    assert len(weights) == 2
    sizes = [(site / url.split("/", 3)[3]).stat().st_size for url in weights]
    state = page.evaluate("({...document.querySelector('[data-live]').dataset})")
    print(f"{sizes} bytes; click to picture {seconds:.1f} s; {state['whole']} ms for 25 steps ({state['product']})")
    assert opened.foreign() == []
    assert opened.troubles == []


def test_part_that_is_switched_off_is_off(visit):
    page = visit(PLAY).page
    page.check(".live-exact")
    page.fill("#live-prompt", OTHER)
    page.fill("#live-seed", "7")
    page.locator("#live-steps").fill("5")
    page.check('[data-part="skips-0"]')
    page.check('[data-part="self-attention"]')
    page.click(".live-draw")
    second = drawn(page, 1)
    wish = {"prompts": [OTHER], "seed": 7, "steps": 5}
    whole = sample_prompts(**wish)[0].astype(float)
    cut = sample_prompts(**wish, without=("skips-0", "self-attention"))[0].astype(float)
    assert np.abs(drawn(page, 0) - whole).max() <= 1
    assert np.abs(second - cut).max() <= 1
    assert np.abs(whole - cut).mean() > 2
    names = page.locator(".live-panel figcaption").all_inner_texts()
    assert names == ["The whole model", "Without self-attention and the skips at 16×16"]


def test_weights_are_kept_in_the_browser(visit):
    opened = visit(FRONT)
    opened.page.click(".live-draw")
    drawn(opened.page)
    before = len(opened.requests)
    opened.page.reload()
    opened.page.click(".live-draw")
    drawn(opened.page)
    again = opened.requests[before:]
    assert any(url.endswith("worker.js") for url in again)
    assert not [url for url in again if url.endswith(".bin")]


def test_failed_load_says_so_and_can_be_tried_again(visit):
    opened = visit(FRONT)
    opened.page.route("**/*.bin", lambda route: route.fulfill(status=503, body="busy"))
    opened.page.click(".live-draw")
    opened.page.wait_for_function("document.querySelector('.live-status').textContent.includes('503')")
    opened.page.unroute("**/*.bin")
    opened.page.click(".live-draw")
    assert drawn(opened.page).std() > 20


@pytest.mark.parametrize("path", [PLAY, FRONT])
def test_nothing_moves_when_the_code_has_come(visit, path):
    """What the page says of its sentence before its module runs is what the module makes of it."""
    opened = visit(path)
    words = "document.querySelector('.live-sentence').outerHTML.replace(/aria-invalid=.false. ?/, '')"
    scripted = opened.page.evaluate(words)
    opened.page.route("**/play.js", lambda route: route.abort())
    opened.page.reload()
    assert opened.page.locator(".live-form").first.is_visible()
    still = opened.page.locator(".live-form").first.bounding_box()
    assert buttons_and_texts(opened.page.evaluate(words)) == buttons_and_texts(scripted)
    opened.page.unroute("**/play.js")
    opened.page.reload()
    assert opened.page.locator(".live-form").first.bounding_box() == still


def buttons_and_texts(html):
    """The buttons and texts of a part of a page."""
    return re.findall(r"<button[^>]*?>|>([^<]+)<", html)


# ---------------------------------------------------------------------------------------------------- the sentence


def test_sentence_is_built_of_words_by_keyboard(visit):
    page = visit(PLAY).page
    page.fill("#live-prompt", "")
    for word in ("a", "green", "tree", "right of"):
        page.locator(".live-choices button", has_text=word).first.focus()
        page.keyboard.press("Enter")
    assert page.input_value("#live-prompt") == "a green tree right of"
    page.locator(".live-words button", has_text="green").focus()
    page.keyboard.press("Enter")
    page.locator(".live-choices button", has_text="red").focus()
    page.keyboard.press("Space")
    assert page.input_value("#live-prompt") == "a red tree right of"
    assert page.evaluate("document.activeElement.textContent") == "red"
    page.locator(".live-words button", has_text="right").focus()
    page.keyboard.press("Enter")
    page.locator(".live-choices button", has_text="above").click()
    assert page.input_value("#live-prompt") == "a red tree above"


@pytest.mark.parametrize(
    ("said", "word", "choice", "becomes"),
    [
        ("a red house by day", "red", "small", "a small red house by day"),  # a size goes before a colour
        ("a small red house by day", "small", "green", "a green house by day"),  # and a colour takes its place
        ("a red house by day", "day", "in snow", "a red house in snow"),  # two words are one choice
        ("a red house above a blue fish", "above", "left of", "a red house left of a blue fish"),
    ],
)
def test_chosen_word_makes_a_sentence_of_the_language(visit, said, word, choice, becomes):
    page = visit(PLAY).page
    page.fill("#live-prompt", said)
    page.locator(".live-words").get_by_text(word, exact=True).click()
    page.locator(".live-choices").get_by_text(choice, exact=True).click()
    assert page.input_value("#live-prompt") == becomes == str(parse(becomes))


def test_sentence_of_three_things_is_built_to_its_end(visit):
    """What is offered is of the language at every place, and ends by itself."""
    page = visit(PLAY).page
    page.fill("#live-prompt", "")
    for word in words_by_choice(OTHER):
        page.locator(".live-choices").get_by_text(word, exact=True).click()
    assert page.input_value("#live-prompt") == OTHER == str(parse(OTHER))
    assert page.locator(".live-choices button").count() == 0
    assert page.inner_text(".live-trouble") == ""


def words_by_choice(sentence):
    """A sentence cut into what is chosen at once."""
    return re.findall(r"(?:left|right) of|(?:by|at|in) \w+|\w+", sentence)


def test_word_that_the_model_does_not_know_is_named_and_not_drawn(visit):
    page = visit(PLAY).page
    page.fill("#live-prompt", "a red dog at night")
    assert "does not know: dog" in page.inner_text(".live-trouble")
    assert page.locator(".live-choices button").count() == 0
    page.click(".live-draw")
    assert page.locator(".live-results").is_hidden()
    assert page.get_attribute("#live-prompt", "aria-invalid") == "true"
    page.locator(".live-words button", has_text="dog").click()
    page.locator(".live-choices button", has_text="fish").click()
    assert page.input_value("#live-prompt") == "a red fish at night"
    assert page.inner_text(".live-trouble") == ""


def test_slider_goes_back_through_the_steps(visit):
    page = visit(FRONT).page
    page.click(".live-draw")
    last = drawn(page)
    page.focus("#live-step")
    page.keyboard.press("Home")
    first = drawn(page)
    assert page.inner_text(".live-step output") == "1 of 25"
    assert np.abs(first.astype(float) - last).mean() > 10
    assert "step 1 of 25" in page.locator(".live-picture").first.get_attribute("aria-label")


# --------------------------------------------------------------------------------------------- the attention viewer


def percentages(page):
    """What the bars say: of the words in order, then of the other places."""
    return [int(text.removesuffix(" %")) for text in page.locator(".live-bar-share").all_inner_texts()]


def test_attention_viewer_shows_the_shares_of_keras(visit):
    opened = visit(CHAPTER)
    page = opened.page
    page.locator(".live summary").click()
    page.locator("#live-steps").fill("4")
    assert model_requests(opened.requests) == []
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    maps = attention_maps(PROMPT, seed=SEED, steps=4).maps  # (steps, words, 16, 16)
    np.testing.assert_allclose(percentages(page)[:SAID], 100 * maps[-1].mean(axis=(1, 2)), atol=1.5)  # rounded, int8
    page.focus(".live-target")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"):  # the first one chooses a corner
        page.keyboard.press(key)
    assert "column 2, row 3 of 16" in page.inner_text(".live-where")
    np.testing.assert_allclose(percentages(page)[:SAID], 100 * maps[-1][:, 2, 1], atol=1.5)
    page.focus("#live-step")
    page.keyboard.press("Home")
    np.testing.assert_allclose(percentages(page)[:SAID], 100 * maps[0][:, 2, 1], atol=1.5)
    assert opened.troubles == []


def test_pointing_at_a_word_lights_the_pixels_that_look_at_it(visit):
    page = visit(CHAPTER).page
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    pixels = """() => { const c = document.querySelector('.live-target canvas');
        return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; }"""

    def brightest():
        light = np.array(page.evaluate(pixels), float).reshape(SIDE, SIDE, 4)[..., :3].sum(axis=2)
        return np.unravel_index(light.argmax(), light.shape)[1]

    page.locator(".live-bar", has_text="red").focus()
    assert brightest() < SIDE / 2  # the house is on the left
    page.locator(".live-bar", has_text="green").hover()
    assert brightest() > SIDE / 2  # the tree on the right
    page.select_option("#live-layer", "down1_transformer1")
    page.locator(".live-target").hover(position={"x": 5, "y": 5})
    assert "column 1, row 1 of 8" in page.inner_text(".live-where")
    page.select_option("#live-head", "1")
    assert sum(percentages(page)) == pytest.approx(100, abs=6)  # each is rounded


# ------------------------------------------------------------------------------------------------ a way for everyone


@pytest.mark.parametrize("path", [PLAY, FRONT])
def test_without_javascript_pictures_say_the_same(visit, path):
    page = visit(path, javascript=False).page
    assert page.locator(".live-form").is_hidden()
    assert page.locator(".live noscript").inner_text() != ""
    still = page.locator(".live-still img").first
    still.scroll_into_view_if_needed()
    assert still.is_visible()
    assert PROMPT in still.get_attribute("alt")


def test_page_opened_as_a_file_says_why_it_cannot_draw(browser, site):
    page = browser.new_context().new_page()
    page.goto((site / PLAY).as_uri())
    assert page.locator('[data-note="file"]').is_visible()
    assert page.locator(".live-form").is_hidden()
    assert page.locator(".live-still img").first.evaluate("e => e.decode().then(() => e.naturalWidth)") > 400
    page.context.close()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_reduced_motion_shows_the_last_step_only(visit, motion):
    page = visit(FRONT).page
    page.emulate_media(reduced_motion=motion)
    page.evaluate("""() => { window.seen = new Set(); const output = document.querySelector('.live-step output');
        const note = () => seen.add(output.textContent);
        new MutationObserver(note).observe(output, {childList: true, subtree: true}); }""")
    page.click(".live-draw")
    drawn(page)
    seen = page.evaluate("[...seen]")
    assert (seen == ["25 of 25"]) == (motion == "reduce")


@pytest.mark.parametrize(
    ("width", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")]
)
@pytest.mark.parametrize("path", [PLAY, CHAPTER])
def test_drawn_page_has_no_violation_that_axe_finds_and_fits(visit, path, width, scheme):
    page = visit(path, width=width, scheme=scheme).page
    if path == PLAY:
        page.check('[data-part="skips"]')
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    found = Axe().run(page).response["violations"]
    assert not found, json.dumps([[rule["id"], [node["target"] for node in rule["nodes"]]] for rule in found])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.locator(".live :is(button, input:not([type=checkbox])):visible").all()
    assert min(box.bounding_box()["height"] for box in boxes) >= 40  # for a thumb


def test_every_text_is_used_and_every_part_has_its_words():
    """A translation is one file: what is in it is shown, and nothing is shown that is not in it."""
    live = Path(__file__).resolve().parents[2] / "book" / "live"
    built = ("part_", "name_")
    extensions = [live.parent / "_ext" / f"{name}.py" for name in ("live_unet", "unet_map")]
    code = "".join(path.read_text("utf-8") for path in [*live.glob("*.js"), *live.glob("*.html"), *extensions])
    for path in (live / "texts.en.json", live / "map.en.json"):
        names = [name for name in json.loads(path.read_text("utf-8")) if not name.startswith(built)]
        assert [name for name in names if f".{name}" not in code and f'"{name}"' not in code] == []
