"""The chapters' playgrounds: denoising, guidance, switches, a swapped word, the clock, a latent; blending on Play."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from live_files import OTHER, PROMPT
from live_latent import CAPTIONS, scene_latents

from autograder.small_model.model import decode
from tests.site.test_live import DRAWN, PATIENCE, PLAY, model_requests

FEW = "3"  # steps: enough to differ, and quick


def canvases(page, selector):
    """What canvases show, floats `(n, side, side, 3)`."""
    read = "all => all.map(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])"
    pixels = np.array(page.locator(selector).evaluate_all(read), float)
    side = int((pixels.shape[1] // 4) ** 0.5)
    return pixels.reshape(len(pixels), side, side, 4)[..., :3]


def test_denoising_is_dragged(visit):
    opened = visit("book/01-denoising.html")
    page = opened.page
    page.locator("#live-alpha").fill("0.5")
    page.locator("#live-steps").fill("4")
    page.locator("#live-step").fill("3")
    assert page.locator(".live-status").inner_text() == "13 % of the error is left."  # 0.5³ = 12.5 %, to two digits
    page.locator("#live-alpha").fill("2")
    assert page.locator(".live-status").inner_text().startswith("1.0 · 10^2 %")  # it jumps back and forth
    page.check("#live-guessed")
    page.locator("#live-steps").fill("1")
    page.locator("#live-step").fill("1")
    smear = canvases(page, ".live canvas")[0]
    page.locator("#live-steps").fill("40")
    page.locator("#live-step").fill("40")
    assert "σ = 0.010; about 1 of" in page.locator(".live-status").inner_text()
    sharp = canvases(page, ".live canvas")[0]
    assert smear.std() < 0.5 * sharp.std()
    page.locator("#live-step").fill("0")
    assert page.locator(".live canvas").first.get_attribute("aria-label").startswith("The picture so far, 0 of 40")
    assert model_requests(opened.requests) == []
    assert opened.troubles == []


def test_guidance_shows_both_halves(visit):
    opened = visit("book/10-sampling.html")
    page, guidance = opened.page, '[data-live="guidance"]'
    assert page.locator("[data-live]").count() == 2  # with ids of their own
    page.locator(f"{guidance} #live-steps").fill(FEW)
    page.locator(f"{guidance} .live-draw").click()
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    page.locator(f"{guidance} #live-step").fill("1")
    _, without, told, guided = canvases(page, f"{guidance} canvas")
    assert np.abs(without - told).mean() > 2
    assert np.abs(guided - without).mean() > np.abs(told - without).mean()  # past the one with the prompt
    captions = page.locator(f"{guidance} figcaption").all_inner_texts()
    assert captions[1:] == ["Expected without the prompt", "Expected with it", "Guided: 4 times the difference"]
    assert opened.troubles == []


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("book/03-resblock.html", ["time"]),
        ("book/08-up-flow.html", ["skips", "skips-0", "skips-1", "skips-2", "skips-3"]),
    ],
)
def test_chapter_has_the_switches_of_its_part(visit, path, parts):
    opened = visit(path)
    boxes = opened.page.locator("input[data-part]")
    assert boxes.evaluate_all("all => all.map(box => box.dataset.part)") == parts
    assert model_requests(opened.requests) == []
    if len(parts) > 1:
        return
    opened.page.locator(".live summary").click()
    opened.page.locator("#live-steps").fill(FEW)
    boxes.first.check()
    opened.page.click(".live-draw")
    opened.page.wait_for_function(DRAWN, timeout=PATIENCE)
    whole, cut = canvases(opened.page, ".live-picture")
    assert np.abs(whole - cut).mean() > 0.5


def test_word_is_swapped_with_the_maps_kept(visit):
    opened = visit("book/06-cross-attention.html")
    page = opened.page
    page.locator(".live summary").click()
    page.locator("#live-steps").fill("8")
    assert page.locator(".live-swap").is_hidden()
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    page.select_option("#live-word", label="red")
    page.select_option("#live-other", "green")
    page.click(".live-swap-draw")
    page.wait_for_function("document.querySelector('.live-status').textContent.includes('instead')", timeout=PATIENCE)
    pictures = canvases(page, ".live-swapped canvas")
    before, kept, own = (pictures[..., 0] - pictures[..., 1]).mean(axis=(1, 2))  # how much redder than green
    assert before > kept + 1
    assert before > own + 1
    assert "a green house" in page.locator(".live-swapped canvas").nth(1).get_attribute("aria-label")
    assert page.input_value("#live-prompt") == PROMPT  # the sentence stays as it was
    assert opened.troubles == []


def test_two_seeds_and_two_sentences_are_blended(visit):
    opened = visit(PLAY)
    page, share = opened.page, "#live-blend-{}-share"
    page.locator("#live-steps").fill(FEW)
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    drawn = [canvases(page, ".live-picture")[0]]
    for seed, prompt in (("0.5", "0"), ("1", "0"), ("1", "1"), ("0", "0")):
        page.locator(share.format("seed")).fill(seed)
        page.locator(share.format("prompt")).fill(prompt)
        page.click(".live-draw")
        page.wait_for_function(DRAWN, timeout=PATIENCE)
        drawn.append(canvases(page, ".live-picture")[0])
    far = [np.abs(picture - drawn[0]).mean() for picture in drawn]
    assert min(far[1:4]) > 2
    assert far[4] == 0  # the drawing as it was
    assert page.input_value("#live-blend-prompt") == OTHER["prompt"]
    page.fill("#live-seed", page.input_value("#live-blend-seed"))
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    np.testing.assert_array_equal(canvases(page, ".live-picture")[0], drawn[2])  # all of the other seed: that seed
    page.locator(share.format("prompt")).fill("0.5")
    page.fill("#live-blend-prompt", "a yellow dog")
    assert page.inner_text(".live-blend-trouble") == "The model does not know: dog."
    page.click(".live-draw")
    page.fill("#live-blend-prompt", "a yellow star")
    assert page.inner_text(".live-blend-trouble") == ""
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    assert page.locator(".live-panel figcaption").first.inner_text() == "The whole model, blended"
    assert "0.5 of “a yellow star”" in page.locator(".live-picture").first.get_attribute("aria-label")
    assert opened.troubles == []


def test_hands_of_the_clock_are_turned(visit):
    opened = visit("book/02-inputs.html")
    page = opened.page
    assert page.locator(".clock-dials svg").count() == 8
    page.locator("#live-time").fill("0")
    assert "points to 0 degrees at t = 0" in page.locator(".clock-dials svg").first.get_attribute("aria-label")
    page.locator("#live-time").fill("500")
    page.locator("#live-other").fill("500")
    assert page.inner_text(".live .live-status").endswith("1.000 as 320 sines and cosines, 1.00000 as one number.")
    same = page.locator(".clock-strips canvas").evaluate_all("all => all.map(canvas => canvas.toDataURL())")
    assert same[0] == same[1]
    page.locator("#live-other").fill("600")
    assert "0.99" in page.inner_text(".live .live-status").split("cosines")[1]
    assert model_requests(opened.requests) == []
    assert opened.troubles == []


LATENT = "book/12-text-to-picture.html"
DECODED = "document.querySelector('[data-live=paint]').dataset.decoded"


def painted(page):
    """What the decoder makes now of what is painted, once it has; and of the latent as it was."""
    page.wait_for_timeout(50)
    page.wait_for_function(DECODED, timeout=PATIENCE)
    return canvases(page, "[data-live=paint] .live-pair canvas")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1366, "light")])
def test_latent_is_painted_on_and_decoded(visit, width, scheme):
    opened = visit(LATENT, width=width, scheme=scheme)
    page = opened.page
    assert model_requests(opened.requests) == []
    page.click("[data-live=paint] .live-draw")
    page.locator("[data-live=paint] .live-pair figure").nth(1).wait_for(timeout=PATIENCE)
    now, before = painted(page)
    expected = decode(scene_latents()[:1].astype("float32"))[0]
    assert np.abs(now - expected).max() <= 1
    np.testing.assert_array_equal(now, before)
    page.locator("#live-value").fill("-3")
    page.locator("#live-size").fill("1")
    box = page.locator(".paint-target canvas").nth(2)
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    box.click(position={"x": place["width"] * 2.5 / 16, "y": place["height"] * 13.5 / 16})  # column 3, row 14
    changed = np.abs(painted(page)[0] - before).max(axis=-1)
    rows, columns = np.nonzero(changed)
    assert changed[13 * 8 : 14 * 8, 2 * 8 : 3 * 8].mean() > 5
    assert rows.min() > 8 * 7  # what is far away stays: the decoder sees some pixels around, no more
    assert columns.max() < 8 * 9
    page.locator(".paint-target").nth(2).focus()
    page.keyboard.press("ArrowRight")
    assert page.inner_text("[data-live=paint] .live-status").startswith("Channel 3, column 4, row 14: ")
    page.keyboard.press("Space")
    assert (painted(page)[0] != before).any()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click(".paint-undo")
    page.click(".paint-undo")
    np.testing.assert_array_equal(painted(page)[0], before)
    assert page.locator(".paint-undo").is_disabled()
    page.check("#live-bring")
    assert page.locator("#live-value").is_disabled()
    page.locator("#live-size").fill("8")
    box.click(position={"x": place["width"] / 2, "y": place["height"] / 2})
    assert np.abs(painted(page)[0] - before).mean() > 5
    page.click(".paint-reset")
    np.testing.assert_array_equal(painted(page)[0], before)
    assert opened.troubles == []
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []


def test_painted_latent_is_drawn_on(visit):
    """The UNet comes with its first click, and with little noise what is painted stays."""
    opened = visit(LATENT)
    page, redraw = opened.page, "[data-live=paint] .paint-redraw"
    page.click("[data-live=paint] .live-start .live-draw >> nth=0")
    page.locator("[data-live=paint] .live-pair figure").nth(1).wait_for(timeout=PATIENCE)
    assert len([url for url in opened.requests if url.endswith(".bin")]) == 1
    page.locator("#live-size").fill("6")
    box = page.locator(".paint-target canvas").first
    box.scroll_into_view_if_needed()
    box.click()
    painted_now = painted(page)[0]
    assert page.input_value("#live-prompt") == CAPTIONS[0]
    page.fill("#live-prompt", "a red dog")
    assert page.inner_text(f"{redraw} .live-trouble") == "The model does not know: dog."
    page.click(f"{redraw} .live-draw")
    page.fill("#live-prompt", CAPTIONS[0])
    assert page.inner_text(f"{redraw} .live-trouble") == ""
    far = []
    for strength in ("0.2", "1"):
        page.locator("#live-strength").fill(strength)
        page.click(f"{redraw} .live-draw")
        page.wait_for_function("document.querySelector('.paint-redraw').dataset.drawn", timeout=PATIENCE)
        far.append(np.abs(canvases(page, f"{redraw} canvas")[0] - painted_now).mean())
    assert 0.2 < far[0] < far[1]
    assert page.inner_text(f"{redraw} .live-status").endswith("with the last 25 of 25 steps.")
    np.testing.assert_array_equal(painted(page)[0], painted_now)  # what is painted stays as it is
    page.select_option("#live-scene", "1")
    assert page.input_value("#live-prompt") == CAPTIONS[1]
    assert opened.troubles == []
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []
