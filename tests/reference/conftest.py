"""Full float32 precision on every backend: on a GPU, products are rounded to TF32 unless they are asked not to be."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest

from . import helpers


def _ask_for_full_precision():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)
    elif keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    else:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


_ask_for_full_precision()


@pytest.fixture(scope="session")
def fixtures_dir():
    return Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def tiny_model():
    """(case, model): the small model with its seeded weights, built once; whoever changes a weight puts it back."""
    return "batch1", helpers.built_unet("batch1")
