"""The whole model: its parameters, its shapes, what it depends on, what it refuses."""

import json

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from autograder.reference import SD2, TINY, DiffusionModelV2, UNetConfig
from autograder.reference.weight_names import unet_slots

from . import helpers, seeded

PARAMETERS, DOWN, MIDDLE, UP = 865_910_724, 251_906_240, 97_693_440, 514_236_480
SD2_LAYOUT = ((320, 640, 1280, 1280), 1024, 4)


def parameters(layers):
    return sum(int(np.prod(shape)) for _, layout in layers for shape in layout.values())


def test_unet_at_full_size_has_865910724_parameters():
    """No weight is made: the layout is that of the reference (below) and of KerasCV's own model."""
    layers = seeded.unet_layers(*SD2_LAYOUT)
    groups = {
        group: parameters([layer for layer in layers if layer[0].startswith(group)]) for group in ("down", "mid", "up")
    }
    assert groups == {"down": DOWN, "mid": MIDDLE, "up": UP}
    assert parameters(layers) == PARAMETERS
    assert (len(layers), sum(len(layout) for _, layout in layers)) == (49, 686)


def test_unet_layout_at_full_size_is_keras_cvs(fixtures_dir):
    frozen = json.loads((fixtures_dir / "keras_cv_sd2.json").read_text())
    layers = seeded.unet_layers(*SD2_LAYOUT)
    assert frozen["parameters"] == PARAMETERS
    assert [[list(shape) for shape in layout.values()] for _, layout in layers] == frozen["layers"]


@pytest.mark.parametrize("config", [TINY, UNetConfig((64, 64, 64, 64), head_size=32, context_dim=8, latent_channels=3)])
def test_unet_has_the_layout_of_its_config(config):
    model = DiffusionModelV2(64, 64, 5, download_weights=False, config=config)
    layout = seeded.unet(config.channels, config.context_dim, config.latent_channels)
    assert [(slot.name, slot.shape) for slot in unet_slots(model)] == list(layout.items())
    assert len(model.weights) == len(layout)
    assert model.count_params() == sum(int(np.prod(shape)) for shape in layout.values())


def test_unet_layout_is_diffusers(fixtures_dir):
    frozen = json.loads((fixtures_dir / "diffusers_file.json").read_text())
    arrays = {name: np.broadcast_to(np.float32(0), shape) for name, shape in seeded.unet().items()}
    assert {name: list(seeded.to_torch(array).shape) for name, array in arrays.items()} == frozen


def test_unet_inputs_and_output_are_as_documented(tiny_model):
    case, model = tiny_model
    _, height, width, tokens = seeded.UNET_CASES[case]
    assert [x.name for x in model.inputs] == ["latent", "timestep_embedding", "context"]
    assert [tuple(x.shape) for x in model.inputs] == [(None, height, width, 4), (None, 64), (None, tokens, 32)]
    assert tuple(model.output_shape) == (None, height, width, 4)
    assert tuple(model.compute_output_shape([(2, height, width, 4), (2, 64), (2, tokens, 32)])) == (2, height, width, 4)
    assert model.unet_config == TINY


def test_unet_takes_inputs_by_name(tiny_model, fixtures_dir):
    case, model = tiny_model
    wanted = load_file(fixtures_dir / "keras_cv.safetensors")[f"unet/{case}"]
    assert helpers.relative_error(helpers.call(model, seeded.unet_inputs(case)), wanted) <= 1e-5


@pytest.mark.parametrize("name", ["latent", "timestep_embedding", "context"])
def test_unet_depends_on_every_input_and_mixes_no_pictures(tiny_model, name):
    case, model = tiny_model
    inputs = {key: np.repeat(x[:1], 2, axis=0) for key, x in seeded.unet_inputs(case).items()}
    other = seeded.inputs("other", inputs[name].shape[1:])
    inputs[name] = np.stack([inputs[name][0], other])
    first, second = helpers.call(model, helpers.model_inputs(inputs))
    alone = helpers.call(model, helpers.model_inputs({key: x[:1] for key, x in inputs.items()}))[0]
    assert helpers.relative_error(first, alone) < 1e-5
    assert helpers.relative_error(second, alone) > 0.05


def test_unet_in_bfloat16_has_small_error(fixtures_dir):
    case = "batch1"
    _, height, width, tokens = seeded.UNET_CASES[case]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = DiffusionModelV2(8 * height, 8 * width, tokens, download_weights=False, config=TINY)
    finally:
        keras.config.set_dtype_policy(before)
    helpers.assign_unet(model)
    with helpers.no_gradients():
        y = model(helpers.model_inputs(seeded.unet_inputs(case)))
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    wanted = load_file(fixtures_dir / "keras_cv.safetensors")[f"unet/{case}"]
    value = keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))
    assert 1e-4 < helpers.relative_error(value, wanted) < 5e-2  # 1.5e-2 at full size


@pytest.mark.parametrize(("height", "width"), [(512, 500), (96, 64), (0, 64), (64, -64)])
def test_unet_refuses_sides_that_cannot_be_halved(height, width):
    with pytest.raises(ValueError, match=f"64.*Received: img_height={height}, img_width={width}"):
        DiffusionModelV2(height, width, 77, download_weights=False, config=TINY)


def test_unet_refuses_an_empty_context():
    with pytest.raises(ValueError, match="Received: max_text_length=0"):
        DiffusionModelV2(64, 64, 0, download_weights=False, config=TINY)


def test_unet_refuses_a_latent_of_another_size(tiny_model):
    case, model = tiny_model
    inputs = seeded.unet_inputs(case)
    inputs["context"] = inputs["context"][..., :-1]
    with pytest.raises(ValueError, match="context"):
        helpers.call(model, helpers.model_inputs(inputs))


@pytest.mark.full
def test_unet_full_size_runs_at_512():
    model = DiffusionModelV2(512, 512, 77, download_weights=False)
    assert model.unet_config == SD2
    assert model.count_params() == PARAMETERS
    inputs = [
        seeded.inputs("latent", (1, 64, 64, 4)),
        seeded.timestep_embedding([500], 320),
        seeded.inputs("context", (1, 77, 1024)),
    ]
    eps = helpers.call(model, inputs)
    assert eps.shape == (1, 64, 64, 4)
    assert np.isfinite(eps).all()
    assert eps.std() > 0.01
