"""The UNet's map: choosing a block in every way, what is said of it, and the picture without it."""

import json
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from unet_map import title_of
from unet_picture import unet_places

from tests.site.test_live import BEFORE, DRAWN, PATIENCE, PIXELS, model_requests, weight_of

MAP = "book/map.html"


def chosen(page):
    """The heading of the entry that stands beside the picture."""
    shown = page.locator(".map-entry:visible h3").all_inner_texts()
    assert len(shown) == 1
    return shown[0]


def test_block_is_chosen_by_click_keys_slider_and_address(visit):
    opened = visit(MAP)
    page = opened.page
    page.locator('.map-links a[data-block="down1_transformer0"]').click()
    assert chosen(page) == "SpatialTransformer 1 (way down, 32×32)"
    assert "9,516,160" in page.locator(".map-entry:visible").inner_text()
    page.keyboard.press("ArrowRight")
    assert chosen(page) == "ResBlock 2 (way down, 32×32)"
    assert page.evaluate("document.activeElement.dataset.block") == "down1_res1"
    page.keyboard.press("Home")
    assert chosen(page) == "First convolution"
    page.keyboard.press("End")
    assert chosen(page) == "Skips (8×8)"
    assert page.locator('.map-links a[tabindex="0"]').count() == 1  # one stop for the keyboard
    page.locator("#map-station").focus()
    page.keyboard.press("End")
    assert chosen(page) == "Exit"
    assert page.locator(".map-size output").inner_text() == "Exit: 64×64, 4 channels"
    sizes = []
    for _ in range(46):
        sizes.append(int(page.locator(".map-entry:visible").get_attribute("data-side")))
        page.keyboard.press("ArrowLeft")
    down = sizes[::-1]
    assert down[: len(down) // 2] == sorted(down[: len(down) // 2], reverse=True)  # down, and up again
    assert {64, 32, 16, 8} == set(down)
    page.goto(page.url.split("#")[0] + "#block-middle_transformer")
    page.reload()
    assert chosen(page) == "SpatialTransformer (middle, 8×8)"
    assert page.locator(".map-links a[aria-current]").get_attribute("data-block") == "middle_transformer"
    assert opened.troubles == []


def test_nothing_of_the_model_is_fetched_before_the_click(visit):
    weight, urls = weight_of(visit(MAP).page)
    print(f"{MAP}: {weight:,} bytes before the click")
    assert model_requests(urls) == []
    assert any(url.endswith("explorer.js") for url in urls)
    assert weight <= BEFORE


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1366, "light")])
def test_block_shows_what_it_gives_and_can_be_switched_off(visit, width, scheme):
    opened = visit(MAP, width=width, scheme=scheme)
    page = opened.page
    page.locator(".live summary").click()
    page.locator("#live-steps").fill("3")
    page.locator('.map-links a[data-block="down0_conv"]').click()
    assert page.locator(".live-switch").is_disabled()  # there is no way around it
    page.locator('.map-links a[data-block="skips-0"]').click()
    page.check(".live-switch")
    page.locator('.map-links a[data-block="conv_in"]').click()
    assert not page.is_checked(".live-switch")
    page.click(".live-draw")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    assert page.locator(".live-panel figcaption").all_inner_texts() == ["The whole model", "Without Skips (64×64)"]
    whole, cut = (np.array(page.evaluate(PIXELS, i), float) for i in (0, 1))
    assert np.abs(whole - cut).mean() > 2
    taps = page.locator(".map-tap canvas")
    assert [tap.get_attribute("aria-label") for tap in taps.all()] == [
        f"16 of 64 channels of what First convolution gives, {which}: 16×16 numbers each, 0 in grey"
        for which in ("The whole model", "Without Skips (64×64)")
    ]
    grey = "e => { const d = e.getContext('2d').getImageData(0, 0, e.width, e.height).data; return [...d]; }"
    assert np.ptp(np.array(taps.first.evaluate(grey)).reshape(-1, 4)[:, 0]) > 200
    page.locator('.map-links a[data-block="skips-0"]').click()
    nothing = np.array(taps.nth(1).evaluate(grey)).reshape(-1, 4)
    assert set(nothing[nothing[:, 3] == 255][:, 0]) <= {127, 128}  # zeros
    page.click(".live-all-on")
    page.wait_for_function("document.querySelectorAll('.live-panel:not([hidden])').length === 1", timeout=PATIENCE)
    assert opened.troubles == []  # before axe, which fetches style sheets by itself
    found = Axe().run(page).response["violations"]
    assert not found, json.dumps([[rule["id"], [node["target"] for node in rule["nodes"]]] for rule in found])
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_the_picture_has_links_to_what_there_is_to_say(visit):
    page = visit(MAP, javascript=False).page
    assert page.locator(".map-entry:visible").count() == page.locator(".map-links a").count() == len(unet_places())
    link = page.locator('.map-links a[data-block="up2_res1"]')
    assert link.get_attribute("aria-label") == "ResBlock 2 (way up, 16×16)"
    link.click()
    page.wait_for_function("location.hash === '#block-up2_res1'")
    assert page.locator("#block-up2_res1").bounding_box()["y"] < 300
    assert page.locator("#map-station").is_hidden()


def test_front_page_leads_to_the_map(visit):
    page = visit("book/index.html").page
    page.locator('article a[href="map.html"]').first.click()
    page.wait_for_url("**/map.html")
    assert page.url.endswith("/map.html")


def test_titles_are_all_different(root):
    texts = json.loads((root / "book" / "live" / "map.en.json").read_text("utf-8"))
    kinds = {"conv_in": "conv_in", "exit": "exit", "time": "time", "text": "text"}
    blocks = []
    for name in unet_places():
        found = re.search(r"skips|res|transformer|conv$|upsample", name)
        by_part = {"res": "resblock", "conv": "halving", "transformer": "transformer", "upsample": "upsample"}
        kind = kinds.get(name) or by_part.get(found[0], found[0])
        blocks.append({"name": name, "kind": kind, "sd2": {"inputs": [["", [int(re.sub(r"\D", "", name) or 0)]]]}})
    assert len({title_of(texts, block) for block in blocks}) == len(blocks)
