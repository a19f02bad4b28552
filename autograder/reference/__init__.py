"""A complete Stable Diffusion 2 UNet. It knows nothing of grading and imports nothing else of this package."""

from autograder.reference.config import SD2, TINY, UNetConfig
from autograder.reference.fast import fast_forms
from autograder.reference.fast.group_norm import GroupNorm
from autograder.reference.layer_names import LAYER_NAMES
from autograder.reference.sampling import (
    ddim_step,
    guided_eps,
    initial_noise,
    predict_x0,
    sample,
    timestep_embedding,
)
from autograder.reference.unet import (
    GEGLU,
    BasicTransformerBlock,
    CrossAttention,
    DiffusionModelV2,
    PaddedConv2D,
    ResBlock,
    SpatialTransformer,
    Upsample,
    down_flow,
    exit_flow,
    middle_flow,
    td_dot,
    up_flow,
)
from autograder.reference.weights import SD21_FILE, load_unet_weights, noise_correlation, save_unet_weights

__all__ = [
    "GEGLU",
    "LAYER_NAMES",
    "SD2",
    "SD21_FILE",
    "TINY",
    "BasicTransformerBlock",
    "CrossAttention",
    "DiffusionModelV2",
    "GroupNorm",
    "PaddedConv2D",
    "ResBlock",
    "SpatialTransformer",
    "UNetConfig",
    "Upsample",
    "ddim_step",
    "down_flow",
    "exit_flow",
    "fast_forms",
    "guided_eps",
    "initial_noise",
    "load_unet_weights",
    "middle_flow",
    "noise_correlation",
    "predict_x0",
    "sample",
    "save_unet_weights",
    "td_dot",
    "timestep_embedding",
    "up_flow",
]
