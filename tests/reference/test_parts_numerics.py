"""Text encoder, autoencoder and samplers compute what KerasCV 0.9.0, transformers and diffusers compute.

Tolerances are relative L2 errors in float32: 1e-5 against KerasCV, 1e-4 against PyTorch's kernels, as for the UNet (we
measured up to 2e-6 for either). `make fixtures` makes the frozen files again, from the same seeded weights.
"""

import itertools
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from autograder.reference import (
    SAMPLERS,
    Decoder,
    Encoder,
    TextEncoder,
    eps_from_velocity,
    leading_timesteps,
    scaled_linear_alpha_bars,
    start_from_picture,
    tokenize,
)

from . import helpers, parts
from . import seeded_parts as seeded
from .seeded import inputs

CASES = [(part, case) for part in parts.PARTS for case in parts.cases(part)]


@pytest.fixture(scope="module")
def frozen(fixtures_dir):
    return {source: load_file(fixtures_dir / f"{source}_parts.safetensors") for source in parts.SOURCES}


@pytest.mark.parametrize("source", parts.SOURCES)
@pytest.mark.parametrize(("part", "case"), CASES)
def test_part_equals_independent_implementation(part, case, source, frozen):
    model = parts.seeded_model(part, source, case)
    output = helpers.call(model, parts.model_input(part, case))
    assert helpers.relative_error(output, frozen[source][case]) <= parts.SOURCES[source]


@pytest.mark.parametrize(("part", "case"), [("text", "text"), ("encoder", "encoder/wide"), ("decoder", "decoder/wide")])
def test_part_with_the_other_numerics_differs_a_little(part, case, frozen):
    """The form of GELU, the epsilon of GroupNorm: what separates KerasCV from the original, no more and no less."""
    output = helpers.call(parts.seeded_model(part, "keras_cv", case), parts.model_input(part, case))
    assert 5e-6 < helpers.relative_error(output, frozen["diffusers"][case]) < 1e-3


def test_full_size_models_have_the_shapes_of_keras_cvs(fixtures_dir):
    wanted = json.loads((fixtures_dir / "keras_cv_parts_sd2.json").read_text())
    for part, model in {"encoder": Encoder(64, 64), "decoder": Decoder(64, 64)}.items():
        assert_shapes(part, model, wanted[part])


def assert_shapes(part, model, wanted):
    assert model.count_params() == wanted["parameters"]
    shapes = [list(slot.shape) for slot in parts.PARTS[part](model)]
    assert shapes == [shape for layer in wanted["layers"] for shape in layer]


# Samplers


def walk(step, timesteps, latent, prediction="epsilon"):
    """The latents after every step, where `seeded.model_output` stands in for the UNet."""
    alpha_bars, walked = scaled_linear_alpha_bars(), []
    shares = [*alpha_bars[timesteps], 1.0]
    for i, t in enumerate(timesteps):
        output = seeded.model_output(latent, int(t))
        eps = output if prediction == "epsilon" else eps_from_velocity(latent, output, shares[i])
        latent = step(latent, eps, shares[i], shares[i + 1])
        walked.append(latent)
    return np.stack(walked)


def noise():
    return inputs("latent.walk", seeded.LATENT).astype("float64")


def test_schedule_equals_diffusers(frozen):
    np.testing.assert_allclose(scaled_linear_alpha_bars(), frozen["diffusers"]["alphas_cumprod"], rtol=2e-5)  # float32


@pytest.mark.parametrize("prediction", seeded.PREDICTIONS)
@pytest.mark.parametrize("steps", seeded.STEPS)
@pytest.mark.parametrize("sampler", ["ddim", "dpm"])
def test_sampler_equals_diffusers(sampler, steps, prediction, frozen):
    wanted = frozen["diffusers"][f"{sampler}/{prediction}/{steps}"]
    timesteps = frozen["diffusers"][f"{sampler}/{prediction}/{steps}/timesteps"]
    walked = walk(SAMPLERS[sampler](), timesteps, noise(), prediction)
    for mine, theirs in zip(walked, wanted, strict=True):
        assert helpers.relative_error(mine, theirs) <= 1e-5  # diffusers keeps its shares in float32


def test_sampler_of_second_order_begins_anew_where_a_picture_begins(frozen):
    timesteps = frozen["diffusers"]["dpm/v_prediction/16/timesteps"][seeded.START :]
    walked = walk(SAMPLERS["dpm"](), timesteps, noise(), "v_prediction")
    assert helpers.relative_error(walked, frozen["diffusers"]["dpm/from_start"]) <= 1e-5


def test_timesteps_are_those_of_diffusers_ddim(frozen):
    for steps in seeded.STEPS:
        np.testing.assert_array_equal(leading_timesteps(steps), frozen["diffusers"][f"ddim/epsilon/{steps}/timesteps"])


def test_tokens_are_openclips(fixtures_dir):
    pytest.importorskip("tokenizers")
    frozen = json.loads((fixtures_dir / "diffusers_parts.json").read_text())["tokens"]
    assert list(frozen) == list(seeded.PROMPTS)
    np.testing.assert_array_equal(tokenize(seeded.PROMPTS), list(frozen.values()))


def test_starting_from_a_picture_walks_the_last_steps():
    timesteps, alpha_bars = leading_timesteps(8), scaled_linear_alpha_bars()
    latent, left = start_from_picture(np.ones((2, 3)), np.zeros((2, 3)), 0.5, timesteps, alpha_bars)
    np.testing.assert_array_equal(left, timesteps[4:])
    np.testing.assert_allclose(latent, alpha_bars[timesteps[4]] ** 0.5)
    for strength, count in ((0, 0), (0.1, 0), (1, 8)):
        assert len(start_from_picture(1.0, 0.0, strength, timesteps, alpha_bars)[1]) == count
    assert start_from_picture("the picture", None, 0, timesteps, alpha_bars)[0] == "the picture"


def test_second_order_is_nearer_to_the_exact_solution_than_first():
    """For data of one normal distribution the best eps is known, and where its noise must end, too: x keeps its place
    among the noisy data, counted in standard deviations."""
    mean, spread, alpha_bars = 0.8, 0.3, scaled_linear_alpha_bars()

    def deviation(share):
        return (share * spread**2 + 1 - share) ** 0.5

    errors = {}
    for name, make in SAMPLERS.items():
        step, x, timesteps = make(), noise(), leading_timesteps(10)
        shares = [*alpha_bars[timesteps], 1.0]
        exact = mean + spread * (x - shares[0] ** 0.5 * mean) / deviation(shares[0])
        for share, share_prev in itertools.pairwise(shares):
            eps = (1 - share) ** 0.5 * (x - share**0.5 * mean) / deviation(share) ** 2
            x = step(x, eps, share, share_prev)
        errors[name] = helpers.relative_error(x, exact)
    assert errors["dpm"] < 0.05 < 3 * errors["dpm"] < errors["ddim"]


@pytest.mark.full
@pytest.mark.parametrize("source", parts.SOURCES)
@pytest.mark.parametrize("part", parts.PARTS)
def test_part_at_full_size_equals_independent_implementation(part, source, frozen, fixtures_dir):
    make = {
        "text": lambda config: TextEncoder(config),
        "encoder": lambda config: Encoder(64, 64, config),
        "decoder": lambda config: Decoder(64, 64, config),
    }[part]
    model = make(parts.full_config(part, source))
    assert_shapes(part, model, json.loads((fixtures_dir / "keras_cv_parts_sd2.json").read_text())[part])
    helpers.assign(parts.PARTS[part](model), seeded.arrays(part, seeded.FULL[part]))
    output = seeded.kept(part, helpers.call(model, seeded.full_inputs()[part]))
    assert helpers.relative_error(output, frozen[source][f"full/{part}"]) <= parts.SOURCES[source]
