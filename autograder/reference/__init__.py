"""A complete Stable Diffusion 2 UNet. It knows nothing of grading and imports nothing else of this package."""

from autograder.reference.attention import td_dot
from autograder.reference.blocks import BasicTransformerBlock, CrossAttention, ResBlock, SpatialTransformer
from autograder.reference.config import SD2, TINY, UNetConfig
from autograder.reference.layers import GEGLU, GroupNorm, PaddedConv2D, Upsample
from autograder.reference.unet import DiffusionModelV2
from autograder.reference.weights import SD21_FILE, load_unet_weights, noise_correlation, save_unet_weights

__all__ = [
    "GEGLU",
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
    "load_unet_weights",
    "noise_correlation",
    "save_unet_weights",
    "td_dot",
]
