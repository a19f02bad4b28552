"""What the pages show beside a picture: guidance's two halves, a swapped word with kept maps, what blocks give."""

import numpy as np
import pytest
from live_blocks import block_facts
from live_files import PROMPT
from live_weights import live_config

from autograder.reference import SD2
from autograder.reference.unet import ResBlock
from autograder.small_model.ddim import initial_noise, sample
from autograder.small_model.model import encode_prompts, load_unet, trained_unet
from autograder.small_model.networks import LATENT_SIDE

OTHER = PROMPT.replace("a red house", "a green house")
DRAWN = 2e-4  # of a latent, relative L2
STEPS = 4


@pytest.fixture(scope="module")
def facts():
    return block_facts(live_config())


@pytest.fixture(scope="module")
def looks(live, facts):
    """A prompt drawn and looked at; then itself and another one with its maps."""
    wish = {"prompt": PROMPT, "seed": 3, "steps": STEPS, "taps": [block["tap"] for block in facts]}
    return live("looks", wish=wish, prompts=[PROMPT, OTHER])


def error(received, expected):
    return float(np.linalg.norm(received - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize(("half", "scale"), [(0, 0.0), (1, 1.0)])
def test_halves_are_what_keras_expects_without_the_prompt_and_with_it(looks, half, scale):
    """One step with a guidance of 0 ends with what is expected without the prompt, with 1 with the prompt."""
    context, nothing = encode_prompts([PROMPT, ""])[:, None]
    latent = sample(load_unet(), initial_noise(1, LATENT_SIDE, seed=3), context, nothing, 1, scale)
    assert error(looks[0][f"half{half}"].reshape(latent.shape), latent) < DRAWN


def test_kept_maps_are_used_by_every_layer_at_every_step(looks):
    seen, answer = looks
    np.testing.assert_array_equal(seen["latent0"], seen["latent"])  # its own maps change nothing
    assert answer["layers"] == 16
    for name in (name for name in seen if name.startswith("map-")):
        kept, used, own = (seen[f"{kind}-{name.split('-', 1)[1]}"] for kind in ("map", "used", "own"))
        np.testing.assert_array_equal(used, kept, name)
        assert np.abs(own - kept).max() > 1e-4, name  # the other word would have looked elsewhere
    assert error(seen["latent1"], seen["latent"]) > 0.05


def test_every_block_of_the_map_gives_a_tensor_of_the_shape_it_says(looks, facts):
    shapes = looks[1]["taps"]
    for block in facts:
        *sides, channels = block["small"]["output"]
        shape = [*sides, channels] if len(sides) == 2 else [1, *sides, channels][-3:]
        height, width, of = shapes[block["tap"]]
        if block["kind"] == "time":
            assert (height * width, of) == (channels, 1)
        elif block["kind"] == "text":
            assert (height, width, of) == (*sides, channels, 1)
        else:
            assert [height, width, of] == shape, block["name"]


def test_small_pictures_of_a_tensor_are_its_channels(looks):
    """0 is grey, the largest number of each channel black or white."""
    x = np.array([[[0.0, 2.0], [0.5, -4.0], [-1.0, 0.0]]])  # H, W, C
    for channel, picture in enumerate(looks[0]["pixels"].reshape(2, 1, 3)):
        exact = 127.5 + 127.5 * x[..., channel] / np.abs(x[..., channel]).max()
        assert np.abs(picture - exact).max() <= 0.5


def test_map_counts_what_the_reference_has(facts):
    """All parameters are some block's, at both sizes; one counted another way."""
    assert sum(block["sd2"]["parameters"] for block in facts) == 865_910_724
    assert sum(block["small"]["parameters"] for block in facts) == trained_unet().count_params()
    (block,) = [block for block in facts if block["name"] == "up3_res0"]
    assert [shape for _, shape in block["sd2"]["inputs"]] == [[8, 8, 1280], [8, 8, 1280], [4 * SD2.channels[0]]]
    layer = ResBlock(1280)
    layer.build([(1, 8, 8, 2560), (1, 1280)])
    assert block["sd2"]["parameters"] == layer.count_params()


# --------------------------------------------------------------------------------------------------------- blending


def arc(one, other, share):
    """The point at a share of the way along the arc between two vectors."""
    angle = np.arccos(np.vdot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))
    return ((np.sin((1 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)).astype("float32")


def test_blended_noises_and_sentences_draw_what_keras_draws(live):
    """A seed and a sentence that lie between two, each by its own share."""
    other = "a yellow moon above a blue boat at night"
    shares = [(0.3, 0.0), (0.5, 0.6), (1.0, 1.0)]
    wish = {"prompt": PROMPT, "seed": 3, "steps": STEPS}
    wishes = [
        wish | {"blend": {"seed": 8, "seedShare": of_seed, "prompt": other, "promptShare": of_prompt}}
        for of_seed, of_prompt in shares
    ]
    drawn, _ = live("draw", wishes=[*wishes, wish | {"prompt": other, "seed": 8}])
    np.testing.assert_allclose(drawn["latent2"], drawn["latent3"], atol=1e-3)  # all of the other: that one itself
    one, two, nothing = encode_prompts([PROMPT, other, ""])[:, None]
    noises = initial_noise(1, LATENT_SIDE, seed=3), initial_noise(1, LATENT_SIDE, seed=8)
    for i, (of_seed, of_prompt) in enumerate(shares[:2]):
        context = (1 - of_prompt) * one + of_prompt * two
        latent = sample(load_unet(), arc(*noises, of_seed), context, nothing, STEPS)
        assert error(drawn[f"latent{i}"].reshape(latent.shape), latent) < DRAWN, (of_seed, of_prompt)
    assert abs(arc(*noises, 0.5).std() - 1) < 0.05  # a straight line would give 0.7
