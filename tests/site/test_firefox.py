"""The live parts in Firefox: what they draw and decode there is what Keras does. See `make check-firefox`."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import web_tools
from live_files import PROMPT, SEED
from live_latent import scene_latents

from autograder.small_model.model import decode, sample_prompts


@pytest.fixture(scope="module")
def drawn(address):
    """What Firefox shows, see firefox.mjs."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox (apt-get install firefox-esr)")
    puppeteer = web_tools.package("puppeteer-core")
    if puppeteer is None:
        pytest.skip("nothing to drive Firefox with (make check-firefox fetches it)")
    command = [web_tools.node()[0], Path(__file__).with_name("firefox.mjs"), puppeteer, program, address]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


def shown(pixels):
    side = int((len(pixels) // 4) ** 0.5)
    return np.array(pixels, float).reshape(side, side, 4)[..., :3]


def test_firefox_draws_what_keras_draws(drawn):
    expected = sample_prompts([PROMPT], seed=SEED)[0].astype(float)
    assert np.abs(shown(drawn["picture"]) - expected).max() <= 1
    print(f"{drawn['version']}: 25 steps in {drawn['milliseconds']} ms ({drawn['product']})")
    assert drawn["product"] == "wasm"
    assert drawn["troubles"] == []


def test_firefox_decodes_what_keras_decodes(drawn):
    expected = decode(scene_latents()[:1].astype("float32"))[0]
    assert np.abs(shown(drawn["decoded"]) - expected).max() <= 1
