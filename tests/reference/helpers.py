"""What the tests of the reference share."""

import contextlib
import functools

import keras
import numpy as np

from autograder.reference import TINY, DiffusionModelV2, fast_forms
from autograder.reference.weight_names import block_slots, unet_slots

from . import seeded


@contextlib.contextmanager
def no_gradients():
    """PyTorch records every operation unless it is told not to."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield


def call(layer, *args, **kwargs):
    """The layer's output as a numpy array, computed eagerly."""
    with no_gradients():
        return keras.ops.convert_to_numpy(layer(*args, **kwargs))


def relative_error(value, truth):
    """Relative L2 error."""
    value, truth = np.asarray(value, "float64"), np.asarray(truth, "float64")
    assert value.shape == truth.shape
    return float(np.linalg.norm(value - truth) / np.linalg.norm(truth))


def normal(*shape, seed=0):
    """Standard normal numbers, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def assign(slots, arrays):
    """Gives every slot the array of its name; names and shapes must be the same on both sides."""
    assert {slot.name: slot.shape for slot in slots} == {name: array.shape for name, array in arrays.items()}
    for slot in slots:
        slot.variable.assign(arrays[slot.name])


def assign_block(layer, arrays):
    assign(block_slots(layer), arrays)


@functools.cache
def unet_arrays():
    """The 686 seeded weights of the small model, by name (98 MB: made once)."""
    return {name: seeded.weight(name, shape) for name, shape in seeded.unet().items()}


def assign_unet(model):
    assign(unet_slots(model), unet_arrays())


def model_inputs(inputs):
    """The inputs of a `DiffusionModelV2` in its order."""
    return [inputs[name] for name in ("latent", "timestep_embedding", "context")]


@functools.cache
def built_unet(case, config=TINY, fast=True):
    """The small model of a case, with its seeded weights (the cache shares it: put back what you change)."""
    _, height, width, tokens = seeded.UNET_CASES[case]
    with fast_forms(fast):
        model = DiffusionModelV2(8 * height, 8 * width, tokens, download_weights=False, config=config)
    assign_unet(model)
    return model
