"""The chapters' playgrounds: denoising, guidance, switches, a swapped word."""

import numpy as np
import pytest

from tests.site.test_live import DRAWN, PATIENCE, model_requests

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
    before, kept, own = canvases(page, ".live-swapped canvas").mean(axis=(1, 2))
    assert before[0] > before[1]  # red
    assert kept[1] > kept[0]  # green
    assert own[1] > own[0]
    assert "a green circle" in page.locator(".live-swapped canvas").nth(1).get_attribute("aria-label")
    assert page.input_value("#live-prompt").startswith("a red circle")  # the sentence stays as it was
    assert opened.troubles == []
