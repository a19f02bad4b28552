"""Chapter 12's latent to paint on: the decoder of scenes against Keras, and what a brush changes."""

import numpy as np
import pytest
from keras import ops
from live_latent import CAPTIONS, packed_decoder, scene_latents
from safetensors.numpy import save_file

from autograder.small_model.scenes import scene_model

TOLERANCE = 1e-5  # relative L2: float32, summed in another order


@pytest.fixture(scope="module")
def latents():
    """Those of the page, and two of plain noise, which no encoder gives."""
    noise = np.random.default_rng(3).normal(size=(2, 16, 16, 4)).astype("float32")
    return np.concatenate([scene_latents().astype("float32"), 3 * noise])


@pytest.fixture(scope="module")
def decoded(live, latents, tmp_path_factory):
    """`decoded(simd)`: what the page's runner makes of the latents, and its answer."""
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
def test_decoder_of_scenes_is_equal_to_keras(decoded, latents, simd):
    seen, answer = decoded(simd)
    assert answer["product"] == ("wasm" if simd else "javascript")
    autoencoder = scene_model.Autoencoder()
    expected, pixels = ops.convert_to_numpy(autoencoder._decoder(latents)), autoencoder.decode(latents)
    for i, (picture, rgb) in enumerate(zip(expected, pixels, strict=True)):
        error = np.linalg.norm(seen[f"picture{i}"] - picture) / np.linalg.norm(picture)
        assert error < TOLERANCE, i
        assert np.abs(seen[f"pixels{i}"][..., :3] - rgb).max() <= 1  # a number beside the edge of rounding
    print(f"median of a picture: {np.median(answer['milliseconds']):.0f} ms ({answer['product']})")


def test_latents_to_paint_on_decode_to_their_scenes(decoded, latents):
    """What is offered is what the encoder makes of true pictures, and little of them is lost."""
    from live_latent import scene_pictures

    seen, _ = decoded(True)
    for i, picture in enumerate(scene_pictures()):
        assert np.abs(seen[f"picture{i}"] - picture).mean() < 0.03, CAPTIONS[i]
    np.testing.assert_array_equal(seen["own"], latents[0])


def test_brush_changes_what_lies_under_it_and_nothing_else(decoded, latents):
    seen, answer = decoded(True)
    expected = latents[0].copy()
    expected[4:7, 0:2, 2] = 9  # the brush's left column lies outside
    np.testing.assert_array_equal(seen["set"], expected)
    expected[14:16, 14:16] = latents[1, 14:16, 14:16]
    np.testing.assert_array_equal(seen["brought"], expected)
    np.testing.assert_array_equal(seen["undone"], seen["set"])
    for name in ("twice", "reset"):
        np.testing.assert_array_equal(seen[name], latents[0])
    assert [name for name, changed in answer["changed"].items() if changed] == ["set", "brought", "undone"]
