"""Chapter 12's latent to paint on: the decoder against Keras, what a brush changes, and what is drawn on from there."""

import numpy as np
import pytest
from keras import ops
from live_latent import CAPTIONS, packed_decoder, scene_latents
from safetensors.numpy import save_file

from autograder.reference.samplers import start_from_picture
from autograder.reference.sampling import sample as reference_sample
from autograder.reference.sampling import timestep_embedding
from autograder.small_model.ddim import alpha_bars, ddim_timesteps, initial_noise
from autograder.small_model.model import decode, decoded, encode_prompts, load_unet
from autograder.small_model.networks import LATENT_SIDE, SMALL

TOLERANCE = 1e-5  # relative L2: float32, summed in another order
DRAWN = 2e-4  # of a latent after many calls


@pytest.fixture(scope="module")
def latents():
    """Those of the page, and two of plain noise, which no encoder gives."""
    noise = np.random.default_rng(3).normal(size=(2, LATENT_SIDE, LATENT_SIDE, 4)).astype("float32")
    return np.concatenate([scene_latents().astype("float32"), 3 * noise])


@pytest.fixture(scope="module")
def seen(live, latents, tmp_path_factory):
    """`seen(simd)`: what the page's runner makes of the latents, and its answer."""
    import gzip

    folder = tmp_path_factory.mktemp("latent")
    (folder / "decoder").write_bytes(gzip.decompress(packed_decoder(scene_latents())))
    save_file({"latents": latents}, folder / "latents")
    made = {}

    def run(simd):
        if simd not in made:
            made[simd] = live("decode", simd=simd, weights=str(folder / "decoder"), latents=str(folder / "latents"))
        return made[simd]

    return run


@pytest.mark.parametrize("simd", [True, False])
def test_decoder_is_equal_to_keras(seen, latents, simd):
    shown, answer = seen(simd)
    assert answer["product"] == ("wasm" if simd else "javascript")
    expected, pixels = ops.convert_to_numpy(decoded(latents)), decode(latents)
    for i, (picture, rgb) in enumerate(zip(expected, pixels, strict=True)):
        error = np.linalg.norm(shown[f"picture{i}"] - picture) / np.linalg.norm(picture)
        assert error < TOLERANCE, i
        assert np.abs(shown[f"pixels{i}"][..., :3] - rgb).max() <= 1  # a number beside the edge of rounding
    print(f"median of a picture: {np.median(answer['milliseconds']):.0f} ms ({answer['product']})")


def test_latents_to_paint_on_decode_to_their_scenes(seen, latents):
    """What is offered is what the encoder makes of true pictures, and little of them is lost."""
    from live_latent import scene_pictures

    shown, _ = seen(True)
    for i, picture in enumerate(scene_pictures()):
        assert np.abs(shown[f"picture{i}"] - picture).mean() < 0.03, CAPTIONS[i]
    np.testing.assert_array_equal(shown["own"], latents[0])


def test_brush_changes_what_lies_under_it_and_nothing_else(seen, latents):
    shown, answer = seen(True)
    expected = latents[0].copy()
    expected[4:7, 0:2, 2] = 9  # the brush's left column lies outside
    np.testing.assert_array_equal(shown["set"], expected)
    expected[14:16, 14:16] = latents[1, 14:16, 14:16]
    np.testing.assert_array_equal(shown["brought"], expected)
    np.testing.assert_array_equal(shown["undone"], shown["set"])
    for name in ("twice", "reset"):
        np.testing.assert_array_equal(shown[name], latents[0])
    assert [name for name, changed in answer["changed"].items() if changed] == ["set", "brought", "undone"]


def test_latents_to_paint_on_are_of_the_size_of_noise(latents):
    """So that a number is about a standard deviation from the mean, as the page says."""
    for channel in np.moveaxis(latents[: len(CAPTIONS)], -1, 0):
        assert 0.5 < channel.std() < 2
        assert abs(channel.mean()) < 1


@pytest.mark.parametrize("strength", [0.3, 0.6, 1.0])
def test_painted_latent_is_drawn_on_as_keras_does(live, latents, strength):
    """From what is painted, made noisy, with the steps that are left."""
    prompt, steps, scale = CAPTIONS[1], 10, 4.0
    painted = latents[:1].copy()
    painted[0, 3:8, 3:8, 1] = 2
    start = {"latent": painted.ravel().tolist(), "strength": strength}
    wishes = [{"prompt": prompt, "seed": 7, "steps": steps, "guidance": scale, "start": start}]
    drawn, answer = live("draw", wishes=wishes)
    noise, shares = initial_noise(1, LATENT_SIDE, seed=7), alpha_bars()
    noisy, left = start_from_picture(painted, noise, strength, ddim_timesteps(steps), shares)
    assert len(answer["milliseconds"]) == len(left) == int(steps * strength)
    context, nothing = encode_prompts([prompt, ""])[:, None]
    way = {"timesteps": left, "alpha_bars": shares, "embed": lambda t: timestep_embedding(t, SMALL.channels[0])}
    expected = ops.convert_to_numpy(reference_sample(load_unet(), noisy, context, nothing, scale=scale, **way))
    received = drawn["latent0"].reshape(expected.shape)
    assert np.linalg.norm(received - expected) / np.linalg.norm(expected) < DRAWN
    assert (np.abs(received - painted).mean() > 0.3) == (strength > 0.5)  # little noise leaves it much as it was
